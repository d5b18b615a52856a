//! The company of the benchmarks: the demo company with the growth plan, and additional teams,
//! people and contacts.

use serde_json::{Value, json};
use shared::{
    clock::Clock,
    contact::Contact,
    id::{IdError, TeamId, UserId},
};

use crate::{
    cloud::LocalCloud,
    demo_company,
    demo_contacts::{self, SeedError},
};

/// Handle of a user who sees all contacts.
pub(super) const EVERYTHING: &str = "maya";
/// Handle of a user who sees only their own contacts.
pub(super) const OWN: &str = "agus";
/// Handle of a user who sees only the one contact that they own.
pub(super) const OWN_ONE: &str = "bench-one";
/// Handle of a user who sees the contacts of five teams.
pub(super) const FIVE_TEAMS: &str = "bench-five";
/// Handle of a user who sees the contacts of two hundred teams.
pub(super) const MANY_TEAMS: &str = "bench-many";
/// Handles of users at level `own`, and for each of them the distance of the contacts that they own.
/// The distances have no common factors, so that the contacts of one user are spread evenly.
pub(super) const SHARES: [(&str, usize); 6] = [
    ("bench-one-in-5003", 5_003),
    ("bench-one-in-2003", 2_003),
    ("bench-one-in-1009", 1_009),
    ("bench-one-in-401", 401),
    ("bench-one-in-199", 199),
    ("bench-one-in-47", 47),
];
/// The distance of the contacts that have the name "Rarely" in addition.
const RARELY: usize = 211;
/// For each access level, the number of people who are in no cache because they have sent no
/// request.
pub(super) const UNCACHED_PEOPLE: usize = 180;
/// Number of teams whose contacts [`MANY_TEAMS`] sees.
const TEAMS: usize = 200;
/// Number of people that a note mentions.
const COLLEAGUES: usize = 10;
const COMPANY: &str = "kopi";

/// The handle of a person with this access level who is in no cache.
pub(super) fn uncached_person(level: &str, number: usize) -> String {
    format!("bench-uncached-{level}-{number}")
}

/// The ids of the people that a note mentions.
pub(super) fn colleagues() -> Vec<String> {
    (0..COLLEAGUES).map(|number| demo_company::id("person", &colleague(number))).collect()
}

fn colleague(number: usize) -> String {
    format!("bench-colleague-{number}")
}

fn team(number: usize) -> String {
    demo_company::team_id(COMPANY, &format!("Bench {number}"))
}

/// The teams and people of the benchmark, as the body of `POST /_local/directory`.
pub(super) fn people() -> Value {
    let company = demo_company::id("company", COMPANY);
    let five: Vec<String> = (0..5).map(team).collect();
    let many: Vec<String> = (0..TEAMS).map(team).collect();
    let with_level = |level: &str, handle: String, team_ids: &[String]| {
        let levels: Value = demo_company::PERMISSIONS.iter().map(|name| (*name, level)).collect();
        json!({
            "sso_id": demo_company::id("person", &handle), "company_sso_id": company,
            "email": format!("{handle}@kopi.example"), "full_name": "Bench Person",
            "handle": handle, "team_ids": team_ids, "levels": levels,
        })
    };
    let person = |handle, team_ids: &[String]| with_level("team", handle, team_ids);
    let mut people = vec![
        person(FIVE_TEAMS.to_owned(), &five),
        person(MANY_TEAMS.to_owned(), &many),
        with_level("own", OWN_ONE.to_owned(), &[]),
    ];
    people.extend(SHARES.map(|(handle, _)| with_level("own", handle.to_owned(), &[])));
    people.extend((0..COLLEAGUES).map(|number| person(colleague(number), &five)));
    for level in ["team", "everything"] {
        people.extend(
            (0..UNCACHED_PEOPLE)
                .map(|number| with_level(level, uncached_person(level, number), &five)),
        );
    }
    let teams: Vec<Value> = (0..TEAMS)
        .map(|number| {
            json!({ "id": team(number), "company_sso_id": company, "name": format!("Bench {number}") })
        })
        .collect();
    json!({ "teams": teams, "people": people })
}

/// Loads contacts. Half of them belong to the first five teams in turn, and the other half to all
/// teams in turn. Every twentieth contact has no team. The users of [`SHARES`] own their shares of
/// the contacts.
pub(super) fn load(cloud: &LocalCloud, contacts: usize) -> Result<(), SeedError> {
    let teams =
        (0..TEAMS).map(|number| team(number).parse()).collect::<Result<Vec<TeamId>, _>>()?;
    let owners = SHARES
        .into_iter()
        .map(|(handle, distance)| Ok((demo_company::id("person", handle).parse()?, distance)))
        .collect::<Result<Vec<(UserId, usize)>, IdError>>()?;
    let complete = |number: usize, contact: &mut Contact| {
        contact.team_owner_ids = match number {
            number if number % 20 == 0 => Vec::new(),
            number if number % 2 == 0 => vec![teams[number / 2 % 5]],
            number => vec![teams[number / 2 % TEAMS]],
        };
        if let Some((owner, _)) =
            owners.iter().find(|(_, distance)| number.is_multiple_of(*distance))
        {
            contact.owner_id = Some(*owner);
        }
        if number.is_multiple_of(RARELY) {
            contact.name = contact.name.take().map(|name| format!("{name} Rarely"));
        }
    };
    let database = cloud.aws().database();
    // The data of a benchmark does not have to survive a crash.
    let failed = |error: dynoxide::DynoxideError| SeedError::Load(error.to_string());
    database.enable_bulk_loading().map_err(failed)?;
    demo_contacts::load_with(&database, cloud.table(), &Clock::System, contacts, complete)?;
    database.disable_bulk_loading().map_err(failed)
}
