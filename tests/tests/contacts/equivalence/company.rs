//! Creates random companies and stores them in a world.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use local::{
    demo_company::PERMISSIONS,
    demo_contacts,
    upstreams::{self, Upserts},
};
use serde_json::json;
use shared::{
    access::FlagRecord,
    contact::{Contact, Contacts},
    directory::SubscriptionPlan,
    id::{CompanyId, ContactId, NoteId, TeamId, UserId},
    note::{Note, Visibility},
    table::{Item, Key, to_item},
};
use tests::World;
use uuid::{Builder, Uuid};

/// The time at which the first contact of each company was created.
const FIRST: &str = "2026-01-05T02:00:00Z";
/// The names of contacts. There are only a few, so some contacts have the same name and some names
/// are prefixes of others.
const NAMES: [&str; 6] = ["Quince", "quince Ann", "Quince ann lee", "Quince B", "quince", "Zoe"];
/// The HTTP statuses with which Launchpad's teams call can fail. All of them have the same effect
/// (RFC §3.A).
const FAILURES: [u16; 7] = [401, 403, 404, 429, 500, 502, 503];

/// A company with all the data that decides which viewer can access which contact.
pub(super) struct Company {
    /// The `EQUIVALENCE_SEED` that reproduces this company.
    pub(super) seed: u64,
    pub(super) id: CompanyId,
    /// The plan that Launchpad returns.
    pub(super) plan: SubscriptionPlan,
    /// The plan that was stored when the flags were set.
    pub(super) recorded_plan: SubscriptionPlan,
    /// Whether Launchpad fails when the service requests the company's profile.
    pub(super) profile_is_down: bool,
    pub(super) team_flag: bool,
    mention_flag: bool,
    pub(super) teams: Vec<Team>,
    pub(super) people: Vec<Person>,
    pub(super) contacts: Vec<Contact>,
    pub(super) notes: Vec<Note>,
}

pub(super) struct Team {
    pub(super) id: TeamId,
    /// The index of the parent team in [`Company::teams`].
    pub(super) parent: Option<usize>,
}

pub(super) struct Person {
    pub(super) id: UserId,
    /// The indexes of the person's teams in [`Company::teams`].
    pub(super) teams: Vec<usize>,
    /// The level of each permission. A permission that is not in the map is disabled.
    pub(super) levels: BTreeMap<&'static str, &'static str>,
    /// The HTTP status with which Launchpad fails to return this person's teams; `None` if it
    /// returns them.
    pub(super) teams_failure: Option<u16>,
}

impl Company {
    /// The person who may do everything.
    pub(super) fn admin(&self) -> UserId {
        self.people[self.people.len() - 1].id
    }

    /// Creates the company of a seed. Half of its contacts have the same ids as contacts of its
    /// twin, and the twin's teams and people own some of its contacts. Code that ignores the
    /// company in a key would find these contacts.
    pub(super) fn random(seed: u64, twin: Option<&Self>) -> Self {
        let rng = &mut Rng::with_seed(seed);
        let plans = [
            SubscriptionPlan::Growth,
            SubscriptionPlan::Growth,
            SubscriptionPlan::Enterprise,
            SubscriptionPlan::Starter,
        ];
        let plan = choice(rng, &plans);
        let teams = forest(rng);
        let mut people: Vec<Person> =
            (0..rng.usize(3..6)).map(|_| person(rng, teams.len())).collect();
        people.push(admin(rng));
        let mut company = Self {
            seed,
            id: uuid(rng).to_string().parse().unwrap(),
            plan,
            recorded_plan: if rng.bool() { plan } else { choice(rng, &plans) },
            profile_is_down: rng.u8(..8) == 0,
            team_flag: rng.u8(..4) > 0,
            mention_flag: rng.bool(),
            teams,
            people,
            contacts: Vec::new(),
            notes: Vec::new(),
        };
        for number in 0..rng.i64(4..12) {
            company.add_contact(rng, number, twin);
        }
        company
    }

    fn add_contact(&mut self, rng: &mut Rng, number: i64, twin: Option<&Self>) {
        let first: Timestamp = FIRST.parse().unwrap();
        let created_at = first + SignedDuration::from_secs(number);
        let shared = usize::try_from(number)
            .ok()
            .filter(|number| number % 2 == 0)
            .and_then(|number| twin?.contacts.get(number));
        let id = shared.map_or_else(|| ContactId::from_uuid(v7(rng, created_at)), |twin| twin.id);
        let maybe_twin = |rng: &mut Rng| twin.filter(|_| rng.u8(..8) == 0);
        let some_person = |rng: &mut Rng, company: &Self| {
            let people = &maybe_twin(rng).unwrap_or(company).people;
            (rng.u8(..3) > 0).then(|| people[rng.usize(..people.len())].id)
        };
        let some_teams = |rng: &mut Rng, company: &Self| -> Vec<TeamId> {
            let teams = &maybe_twin(rng).unwrap_or(company).teams;
            let count = if teams.is_empty() { 0 } else { rng.usize(..4) };
            let mut chosen: Vec<TeamId> =
                (0..count).map(|_| teams[rng.usize(..teams.len())].id).collect();
            chosen.sort_unstable();
            chosen.dedup();
            chosen
        };
        let contact = Contact {
            name: (rng.u8(..8) > 0).then(|| choice(rng, &NAMES).to_owned()),
            emails: vec![format!("quince{number}@customers.example")],
            owner_id: some_person(rng, self),
            assignee_id: some_person(rng, self),
            team_owner_ids: some_teams(rng, self),
            deleted_at: (rng.u8(..6) == 0).then_some(created_at),
            ..Contact::new(id, created_at)
        };
        // Of some deleted contacts the retention has ended, and some were erased.
        let ended = created_at + SignedDuration::from_secs(1);
        let contact = match (contact.deleted_at, rng.u8(..4)) {
            (Some(_), 0..=1) => Contact { erased_after: Some(ended), ..contact },
            (Some(deleted_at), 2) => Contact {
                deleted_at: Some(deleted_at),
                erased_at: Some(ended),
                ..Contact::new(id, created_at)
            },
            _ => contact,
        };
        for _ in 0..rng.usize(..4) {
            let author = self.people[rng.usize(..self.people.len())].id;
            let note = note(rng, &contact, author);
            self.notes.push(note);
        }
        self.contacts.push(contact);
    }

    /// Stores everything in the table and in the simulated Launchpad.
    pub(super) async fn store(&self, world: &World) {
        world.directory.upsert(self.upserts()).unwrap();
        let fail = |target: &str, status: u16, action: String| {
            world.fault(&json!({ "target": target, "status": status, "action": action }));
        };
        if self.profile_is_down {
            fail("launchpad.companies", 500, format!("/private/companies/{}", self.id));
        }
        for person in &self.people {
            if let Some(status) = person.teams_failure {
                fail("launchpad.teams", status, format!("/private/users/{}/teams", person.id));
            }
        }
        let table = world.table().await;
        let contacts = Contacts::new(table.clone(), self.id.clone(), world.clock.clone());
        let mut items: Vec<Item> = vec![self.flags()];
        for contact in &self.contacts {
            // A deleted contact also has stale index entries, as if a reader had read them just
            // before the deletion. The guard must not return the contact.
            if contact.deleted_at.is_some() {
                let live = Contact { deleted_at: None, erased_after: None, ..contact.clone() };
                let is_entry = |item: &Item| {
                    let key = Key::from_item(item).unwrap();
                    key.sk != "PROFILE" && key.sk != "UNIQUE_KEY"
                };
                items.extend(contacts.items(&live).unwrap().into_iter().filter(is_entry));
            }
            items.extend(contacts.items(contact).unwrap());
        }
        for note in &self.notes {
            let key = Key::note(&self.id, note.contact_id, note.id);
            items.push(to_item(&key, note).unwrap());
        }
        demo_contacts::import(&world.aws.database(), table.name(), items).unwrap();
    }

    fn flags(&self) -> Item {
        let record = FlagRecord {
            cdp_team_permission_enabled: self.team_flag,
            cdp_notes_mention_enabled: self.mention_flag,
            plan: Some(self.recorded_plan),
        };
        to_item(&Key::flags(&self.id), &record).unwrap()
    }

    fn upserts(&self) -> Upserts {
        let company_sso_id = self.id.to_string();
        let named = |index: usize| self.teams[index].id.to_string();
        let team = |(index, team): (usize, &Team)| upstreams::Team {
            id: team.id.to_string(),
            company_sso_id: company_sso_id.clone(),
            name: format!("Team {index}"),
            parent_id: team.parent.map(named),
        };
        let text = |text: &&'static str| (*text).to_owned();
        let person = |person: &Person| upstreams::Person {
            sso_id: person.id.to_string(),
            company_sso_id: company_sso_id.clone(),
            handle: None,
            full_name: None,
            email: format!("{}@people.example", person.id),
            avatar: None,
            status: upstreams::Status::Active,
            staff_level: None,
            mobile_id: None,
            team_ids: person.teams.iter().copied().map(named).collect(),
            levels: person.levels.iter().map(|(name, level)| (text(name), text(level))).collect(),
        };
        let plan = match self.plan {
            SubscriptionPlan::Starter => "starter",
            SubscriptionPlan::Growth => "growth",
            SubscriptionPlan::Enterprise => "enterprise",
        };
        Upserts {
            companies: vec![upstreams::Company {
                company_sso_id: company_sso_id.clone(),
                id: None,
                name: "Random".to_owned(),
                plan: plan.to_owned(),
                locale: "en".to_owned(),
            }],
            teams: self.teams.iter().enumerate().map(team).collect(),
            people: self.people.iter().map(person).collect(),
        }
    }
}

/// Creates up to seven teams. The parent of each team is an earlier team, or the team has no
/// parent.
fn forest(rng: &mut Rng) -> Vec<Team> {
    let team = |rng: &mut Rng, index: usize| Team {
        id: TeamId::from_uuid(uuid(rng)),
        parent: (index > 0 && rng.u8(..3) > 0).then(|| rng.usize(..index)),
    };
    (0..rng.usize(..8)).map(|index| team(rng, index)).collect()
}

fn person(rng: &mut Rng, teams: usize) -> Person {
    let count = if teams == 0 { 0 } else { rng.usize(..3) };
    let mut levels = BTreeMap::new();
    for permission in PERMISSIONS {
        let level = match rng.u8(..20) {
            0 => continue,
            1 => "disabled",
            2..6 => "own",
            6..10 => "everything",
            _ => "team",
        };
        levels.insert(permission, level);
    }
    Person {
        id: UserId::from_uuid(uuid(rng)),
        teams: (0..count).map(|_| rng.usize(..teams)).collect(),
        levels,
        teams_failure: (rng.u8(..4) == 0).then(|| choice(rng, &FAILURES)),
    }
}

/// A person who may do everything. Other tests of the company need one.
fn admin(rng: &mut Rng) -> Person {
    Person {
        id: UserId::from_uuid(uuid(rng)),
        teams: Vec::new(),
        levels: PERMISSIONS.map(|permission| (permission, "everything")).into(),
        teams_failure: None,
    }
}

fn note(rng: &mut Rng, contact: &Contact, owner_id: UserId) -> Note {
    let created_at = contact.created_at + SignedDuration::from_secs(rng.i64(1..1_000_000));
    let id = NoteId::from_uuid(v7(rng, created_at));
    let private = rng.u8(..3) == 0;
    let visibility = if private { Visibility::Private } else { Visibility::Public };
    Note { visibility, ..public_note(id, contact, owner_id) }
}

/// A public note in the form in which a user writes it.
pub(super) fn public_note(id: NoteId, contact: &Contact, owner_id: UserId) -> Note {
    let created_at = contact.created_at;
    Note {
        id,
        contact_id: contact.id,
        note: "<p>Called.</p>".to_owned(),
        attachments: Vec::new(),
        visibility: Visibility::Public,
        owner_id,
        owner_name: "Someone".to_owned(),
        mentioned_user_ids: Vec::new(),
        pending_since: None,
        created_at,
        updated_at: created_at,
        version: 1,
    }
}

fn choice<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

fn uuid(rng: &mut Rng) -> Uuid {
    Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}

fn v7(rng: &mut Rng, at: Timestamp) -> Uuid {
    let mut random = [0; 10];
    rng.fill(&mut random);
    let millis = u64::try_from(at.as_millisecond()).unwrap();
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}
