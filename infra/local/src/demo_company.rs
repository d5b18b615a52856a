//! The demo companies, one for each subscription plan. They have people for every access case. All
//! names are invented.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::upstreams::{Company, Person, Status, Team, Upserts};

/// The names of all permissions for contacts and notes.
pub const PERMISSIONS: [&str; 8] = [
    "customers_customers_view",
    "customers_customers_manage",
    "customers_customers_delete",
    "customers_customers_searchassoc",
    "customers_customernotes_view",
    "customers_customernotes_add",
    "customers_customernotes_manage",
    "customers_customernotes_delete",
];

/// Companies: handle (also the domain of the email addresses), name, plan and locale.
const COMPANIES: [(&str, &str, &str, &str); 3] = [
    ("senja", "Toko Senja", "starter", "id"),
    ("kopi", "Nusantara Coffee Trading", "growth", "id"),
    ("meridian", "Meridian Logistics", "enterprise", "en"),
];

/// Teams: handle of the company, name of the team, and name of the parent team.
const TEAMS: [(&str, &str, Option<&str>); 12] = [
    ("senja", "Toko", None),
    ("kopi", "Sales", None),
    ("kopi", "Jakarta", Some("Sales")),
    ("kopi", "Jakarta SMB", Some("Jakarta")),
    ("kopi", "Jakarta Enterprise", Some("Jakarta")),
    ("kopi", "Bandung", Some("Sales")),
    ("kopi", "Bandung SMB", Some("Bandung")),
    ("kopi", "Surabaya", Some("Sales")),
    ("kopi", "Support", None),
    ("kopi", "Onboarding", Some("Support")),
    ("meridian", "Accounts", None),
    ("meridian", "Key Accounts", Some("Accounts")),
];

struct Row {
    company: &'static str,
    handle: &'static str,
    full_name: Option<&'static str>,
    level: &'static str,
    teams: &'static [&'static str],
    staff_level: &'static str,
    status: Status,
}

const fn row(
    company: &'static str,
    handle: &'static str,
    full_name: &'static str,
    level: &'static str,
    teams: &'static [&'static str],
    staff_level: &'static str,
) -> Row {
    let status = Status::Active;
    Row { company, handle, full_name: Some(full_name), level, teams, staff_level, status }
}

const PEOPLE: [Row; 17] = [
    row("kopi", "maya", "Maya Kusumawardani", "everything", &["Sales"], "Head of Sales"),
    row("kopi", "budi", "Budi Hartono", "team", &["Jakarta"], "Supervisor"),
    row("kopi", "sinta", "Sinta Maharani", "team", &["Jakarta SMB"], "Agent"),
    row("kopi", "lars", "Lars Lindqvist", "team", &["Jakarta SMB", "Bandung"], "Agent"),
    row("kopi", "hendra", "Hendra Gunawan", "team", &["Sales"], "Supervisor"),
    row("kopi", "putri", "Putri Ayuningtyas", "team", &[], "Agent"),
    row("kopi", "andre", "André Moreau", "own", &["Bandung SMB"], "Agent"),
    row("kopi", "agus", "Agus Prasetyo", "own", &["Surabaya"], "Agent"),
    row("kopi", "yuki", "Yuki Tanabe", "disabled", &["Support"], "Trainee"),
    Row {
        status: Status::Inactive,
        ..row("kopi", "tomas", "Tomás Herrera", "team", &["Surabaya"], "Agent")
    },
    Row { full_name: None, ..row("kopi", "rina", "", "team", &["Onboarding"], "Agent") },
    row("senja", "dewi", "Dewi Lestariningsih", "everything", &["Toko"], "Owner"),
    row("senja", "rudi", "Rudi Saputra", "own", &["Toko"], "Agent"),
    row("meridian", "claire", "Claire Okafor", "everything", &["Accounts"], "Director"),
    row("meridian", "joko", "Joko Wibowo", "team", &["Accounts"], "Supervisor"),
    row("meridian", "nadia", "Nadia Rahman", "team", &["Key Accounts"], "Agent"),
    row("meridian", "piet", "Piet van Dijk", "own", &["Key Accounts"], "Agent"),
];

/// The legacy numeric id of the first person. The other people have the following numbers.
const FIRST_MOBILE_ID: u64 = 1001;

/// The id of a company, team or person of the demo. It is the same in every run. `kind` is
/// `company`, `team` or `person`. `name` is the company's handle, `{company}/{team name}` or the
/// person's handle.
#[must_use]
pub fn id(kind: &str, name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("demo:{kind}:{name}").as_bytes()).to_string()
}

/// The id of the team with the name `team`, in the company with the handle `company`.
#[must_use]
pub fn team_id(company: &str, team: &str) -> String {
    id("team", &format!("{company}/{team}"))
}

/// The full name of the person with this handle; `None` if the person is unknown or has no name.
#[must_use]
pub fn name(handle: &str) -> Option<&'static str> {
    PEOPLE.iter().find(|row| row.handle == handle)?.full_name
}

/// All companies, teams and people of the demo.
#[must_use]
pub fn directory() -> Upserts {
    Upserts {
        companies: COMPANIES.iter().map(company).collect(),
        teams: TEAMS.iter().map(team).collect(),
        people: (FIRST_MOBILE_ID..).zip(&PEOPLE).map(person).collect(),
    }
}

fn company(&(handle, name, plan, locale): &(&str, &str, &str, &str)) -> Company {
    Company {
        company_sso_id: id("company", handle),
        id: None,
        name: name.to_owned(),
        plan: plan.to_owned(),
        locale: locale.to_owned(),
    }
}

fn team(&(company, name, parent): &(&str, &str, Option<&str>)) -> Team {
    Team {
        id: team_id(company, name),
        company_sso_id: id("company", company),
        name: name.to_owned(),
        parent_id: parent.map(|parent| team_id(company, parent)),
    }
}

fn person((mobile_id, row): (u64, &Row)) -> Person {
    let level = |permission: &&str| ((*permission).to_owned(), row.level.to_owned());
    Person {
        sso_id: id("person", row.handle),
        company_sso_id: id("company", row.company),
        handle: Some(row.handle.to_owned()),
        full_name: row.full_name.map(str::to_owned),
        email: format!("{}@{}.example", row.handle, row.company),
        avatar: None,
        status: row.status,
        staff_level: Some(row.staff_level.to_owned()),
        mobile_id: Some(mobile_id),
        team_ids: row.teams.iter().map(|team| team_id(row.company, team)).collect(),
        levels: PERMISSIONS.iter().map(level).collect::<BTreeMap<_, _>>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstreams::Directory;

    fn demo() -> Directory {
        let demo = Directory::new();
        demo.upsert(directory()).unwrap();
        demo
    }

    #[test]
    fn there_is_a_person_for_every_situation() {
        let demo = demo();
        let people = demo.people();
        assert_eq!(people.len(), PEOPLE.len());
        for level in ["disabled", "own", "team", "everything"] {
            let has = |person: &Person| person.levels.values().all(|one| one == level);
            assert!(people.iter().any(has), "{level}");
        }
        assert!(people.iter().any(|person| person.team_ids.len() == 2));
        assert!(people.iter().any(|person| person.team_ids.is_empty()));
        assert!(people.iter().any(|person| person.status == Status::Inactive));
        assert!(people.iter().any(|person| person.full_name.is_none()));
        assert!(people.iter().all(|person| demo.teams(person).len() == person.team_ids.len()));
    }

    #[test]
    fn the_team_tree_is_three_levels_deep() {
        let demo = demo();
        let expanded = |handle| demo.expanded_team_ids(&demo.find(handle).unwrap());
        assert_eq!(expanded("hendra").len(), 7);
        assert_eq!(expanded("budi").len(), 3);
        assert_eq!(expanded("sinta"), [team_id("kopi", "Jakarta SMB")]);
        assert!(expanded("putri").is_empty());
    }

    #[test]
    fn ids_are_the_same_in_every_run() {
        assert_eq!(id("person", "maya"), "f1246edf-03ba-5886-8537-09bff55a6c23");
    }
}
