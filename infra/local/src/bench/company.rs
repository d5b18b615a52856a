//! The benchmark's company: the demo's growth company, with more teams, people and contacts.

use serde_json::{Value, json};
use shared::{clock::Clock, id::TeamId};

use crate::{
    cloud::LocalCloud,
    demo_company,
    demo_contacts::{self, SeedError},
};

/// Sees the company's everything.
pub(super) const EVERYTHING: &str = "maya";
/// Sees the own.
pub(super) const OWN: &str = "agus";
/// Sees those of five teams.
pub(super) const FIVE_TEAMS: &str = "bench-five";
/// Sees those of two hundred teams.
pub(super) const MANY_TEAMS: &str = "bench-many";
/// How many people of each level there are whom no cache knows yet.
pub(super) const STRANGERS: usize = 180;
/// The teams of [`MANY_TEAMS`].
const TEAMS: usize = 200;
/// The people whom a note mentions.
const COLLEAGUES: usize = 10;
const COMPANY: &str = "kopi";

/// The name of one with this level who is unknown to every cache.
pub(super) fn stranger(level: &str, number: usize) -> String {
    format!("bench-stranger-{level}-{number}")
}

/// The ids of the people whom a note mentions.
pub(super) fn colleagues() -> Vec<String> {
    (0..COLLEAGUES).map(|number| demo_company::id("person", &colleague(number))).collect()
}

fn colleague(number: usize) -> String {
    format!("bench-colleague-{number}")
}

fn team(number: usize) -> String {
    demo_company::team_id(COMPANY, &format!("Bench {number}"))
}

/// The teams and people, for `POST /_local/directory`.
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
    let mut people =
        vec![person(FIVE_TEAMS.to_owned(), &five), person(MANY_TEAMS.to_owned(), &many)];
    people.extend((0..COLLEAGUES).map(|number| person(colleague(number), &five)));
    for level in ["team", "everything"] {
        people
            .extend((0..STRANGERS).map(|number| with_level(level, stranger(level, number), &five)));
    }
    let teams: Vec<Value> = (0..TEAMS)
        .map(|number| {
            json!({ "id": team(number), "company_sso_id": company, "name": format!("Bench {number}") })
        })
        .collect();
    json!({ "teams": teams, "people": people })
}

/// Loads contacts: the first five teams own half of them in turn, the others the rest, and each
/// twentieth is nobody's.
pub(super) fn load(cloud: &LocalCloud, contacts: usize) -> Result<(), SeedError> {
    let teams =
        (0..TEAMS).map(|number| team(number).parse()).collect::<Result<Vec<TeamId>, _>>()?;
    let owners = |number: usize| match number {
        number if number % 20 == 0 => Vec::new(),
        number if number % 2 == 0 => vec![teams[number / 2 % 5]],
        number => vec![teams[number / 2 % TEAMS]],
    };
    let database = cloud.aws().database();
    demo_contacts::load_owned(&database, cloud.table(), &Clock::System, contacts, owners)
}
