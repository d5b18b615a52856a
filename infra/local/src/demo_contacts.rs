//! The contacts of the demo companies, and any number of additional contacts. A contact belongs to
//! one team, to several teams or to no team.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use dynoxide::{Database, ImportOptions, types::AttributeValue as Stored};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use shared::{
    access::FlagRecord,
    clock::Clock,
    contact::{Contact, Contacts, SaveError, StalePointers},
    directory::SubscriptionPlan,
    id::{CompanyId, ContactId, IdError, TeamId, UserId},
    table::{Item, Key, Table, TableError, to_item},
};
use uuid::Uuid;

use crate::demo_company;

/// Handle of the company that has most of the contacts.
const COMPANY: &str = "kopi";
/// Creation time of the first demo contact. Each further contact was created one hour later.
const FIRST: &str = "2026-01-05T02:00:00Z";
/// Number of contacts in one bulk write.
const CHUNK: usize = 1_000;

/// The reason why the demo contacts could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// An id of the demo data is invalid.
    #[error("the demo data is invalid: {0}")]
    Id(#[from] IdError),
    /// A contact could not be saved.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// A call to the table failed.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The database failed to load contacts in bulk.
    #[error("the database cannot load contacts: {0}")]
    Load(String),
}

struct Row {
    name: &'static str,
    company_name: &'static str,
    phone: &'static str,
    owner: Option<&'static str>,
    assignee: Option<&'static str>,
    teams: &'static [&'static str],
}

const fn row(
    name: &'static str,
    company_name: &'static str,
    phone: &'static str,
    owner: &'static str,
    teams: &'static [&'static str],
) -> Row {
    Row { name, company_name, phone, owner: Some(owner), assignee: None, teams }
}

const ROWS: [Row; 14] = [
    row("Citra Anggraini", "Warung Citra", "+62 812 0000 0101", "sinta", &["Jakarta SMB"]),
    row("Dimas Wicaksono", "Dimas Roastery", "0812-0000-0102", "sinta", &["Jakarta SMB"]),
    row("Eka Permatasari", "Kedai Eka", "021-555-0103", "lars", &["Jakarta SMB", "Bandung"]),
    row("Farhan Maulana", "Hotel Kencana", "021-555-0104", "budi", &["Jakarta Enterprise"]),
    row("Gita Savitri", "Gita Catering", "+62-21-555-0105", "budi", &["Jakarta"]),
    row("Hasan Basri", "Toko Basri", "022-555-0106", "andre", &["Bandung SMB"]),
    row("Intan Nirmala", "Nirmala Group", "022-555-0107", "lars", &["Bandung", "Surabaya"]),
    row("Johan Setiawan", "Setia Jaya", "031-555-0108", "agus", &["Surabaya"]),
    row("Kartika Putri", "Kartika Foods", "031-555-0109", "hendra", &["Sales"]),
    row("Léa Fontaine", "Maison Fontaine", "+33 1 00 00 01 10", "rina", &["Support"]),
    Row {
        assignee: Some("putri"),
        ..row("Made Wirawan", "Bali Beans", "0361-555-0111", "rina", &["Onboarding"])
    },
    row("Nur Aini", "Aini Bakery", "0812 0000 0112", "maya", &[]),
    Row { owner: None, ..row("Oka Mahendra", "Mahendra Tea", "0012", "", &[]) },
    Row {
        owner: None,
        assignee: Some("agus"),
        ..row("Puspa Dewi", "Puspa Florist", "0274-555-0114", "", &["Jakarta", "Support"])
    },
];

/// The owners of the contacts that are loaded in bulk. The contacts use them in turn.
const OWNERS: [&str; 3] = ["sinta", "lars", "agus"];
/// The teams of the contacts that are loaded in bulk. The contacts use them in turn.
const TEAMS: [&[&str]; 5] = [
    &["Jakarta SMB"],
    &["Jakarta Enterprise", "Jakarta"],
    &["Bandung SMB"],
    &["Surabaya"],
    &["Onboarding", "Support"],
];

/// Contacts of the other companies: company, name and owner.
const OTHERS: [(&str, &str, &str); 4] = [
    ("senja", "Rangga Aditya", "dewi"),
    ("senja", "Siti Rahayu", "rudi"),
    ("meridian", "Theo Lambert", "piet"),
    ("meridian", "Ursula Kwan", "nadia"),
];

/// Writes the demo contacts to the table, except contacts that exist already.
pub async fn seed(table: &Table, clock: &Clock) -> Result<(), SeedError> {
    for (company, contact) in all()? {
        match Contacts::new(table.clone(), company, clock.clone())
            .write(None, &contact, StalePointers::Delete)
            .await
        {
            // The contact exists already, from an earlier run.
            Ok(()) | Err(SaveError::Changed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The items that [`seed`] writes to an empty table. [`import`] writes them at once.
pub fn items(table: &Table, clock: &Clock) -> Result<Vec<Item>, SeedError> {
    let mut items = Vec::new();
    for (company, contact) in all()? {
        items.extend(Contacts::new(table.clone(), company, clock.clone()).items(&contact)?);
    }
    Ok(items)
}

/// The demo contacts, each with its company.
fn all() -> Result<Vec<(CompanyId, Contact)>, SeedError> {
    let first: Timestamp = FIRST.parse().unwrap_or_default();
    let nusantara = ROWS.iter().map(|row| (COMPANY, row));
    let others: Vec<(&str, Row)> = OTHERS
        .iter()
        .map(|(company, name, owner)| (*company, row(name, "", "", owner, &[])))
        .collect();
    let all = nusantara.chain(others.iter().map(|(company, row)| (*company, row)));
    (0i64..)
        .zip(all)
        .map(|(hour, (company, row))| {
            let created_at = first + SignedDuration::from_hours(hour);
            let company_id = demo_company::id("company", company).parse()?;
            Ok((company_id, contact(company, row, created_at)?))
        })
        .collect()
}

/// Turns both feature flags on for the company with the growth plan, unless its flags were set
/// before. The flags of the other companies are off, so that a user can compare both behaviors.
pub async fn turn_flags_on(table: &Table) -> Result<(), SeedError> {
    let company: CompanyId = demo_company::id("company", COMPANY).parse()?;
    let key = Key::flags(&company);
    if table.get::<FlagRecord>(&key, true).await?.is_none() {
        let on = FlagRecord {
            cdp_team_permission_enabled: true,
            cdp_notes_mention_enabled: true,
            plan: Some(SubscriptionPlan::Growth),
        };
        table.put(to_item(&key, &on)?).await?;
    }
    Ok(())
}

fn contact(company: &str, row: &Row, created_at: Timestamp) -> Result<Contact, SeedError> {
    let person = |handle: &str| demo_company::id("person", handle).parse::<UserId>();
    let team = |name: &&str| demo_company::team_id(company, name).parse::<TeamId>();
    let local: String = row
        .name
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // The id is the same in every run: a UUIDv7 with the creation time and a hash of the name.
    let salt = Uuid::new_v5(&Uuid::NAMESPACE_URL, row.name.as_bytes()).into_bytes();
    let mut random = [0u8; 10];
    random.copy_from_slice(&salt[..10]);
    let millis = u64::try_from(created_at.as_millisecond()).unwrap_or(0);
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Ok(Contact {
        name: given(row.name),
        emails: vec![format!("{local}@customers.example")],
        phones: given(row.phone).into_iter().collect(),
        company_name: given(row.company_name),
        owner_id: row.owner.map(person).transpose()?,
        owner_name: row.owner.and_then(demo_company::name).map(str::to_owned),
        assignee_id: row.assignee.map(person).transpose()?,
        assignee_name: row.assignee.and_then(demo_company::name).map(str::to_owned),
        team_owner_ids: row.teams.iter().map(team).collect::<Result<_, _>>()?,
        source: given("demo"),
        ..Contact::new(ContactId::from_uuid(id), created_at)
    })
}

/// Loads `count` additional contacts directly into the database, for the company with the growth
/// plan. They belong to the company's teams in turn. Every twentieth contact has no team.
pub fn load(
    database: &Database,
    table: &Table,
    clock: &Clock,
    count: usize,
) -> Result<(), SeedError> {
    let teams = TEAMS
        .iter()
        .map(|names| {
            names.iter().map(|name| demo_company::team_id(COMPANY, name).parse()).collect()
        })
        .collect::<Result<Vec<Vec<TeamId>>, _>>()?;
    load_with(database, table, clock, count, |number, contact| {
        if number % 20 != 0 {
            contact.team_owner_ids.clone_from(&teams[number % teams.len()]);
        }
    })
}

/// Loads `count` additional contacts without teams in the same way as [`load`]. `complete` sets the
/// teams and other fields of a contact by its number.
pub fn load_with(
    database: &Database,
    table: &Table,
    clock: &Clock,
    count: usize,
    complete: impl Fn(usize, &mut Contact),
) -> Result<(), SeedError> {
    let company: CompanyId = demo_company::id("company", COMPANY).parse()?;
    let contacts = Contacts::new(table.clone(), company, clock.clone());
    let first: Timestamp = FIRST.parse().unwrap_or_default();
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(CHUNK) {
        let mut items = Vec::new();
        for number in chunk {
            let created_at = first + SignedDuration::from_secs(i64::try_from(*number).unwrap_or(0));
            let name = format!("Contact {number:07}");
            let row = row("", "Bulk", "", OWNERS[number % OWNERS.len()], &[]);
            let mut contact = contact(COMPANY, &row, created_at)?;
            contact.id = ContactId::generate(created_at);
            contact.name = Some(name);
            contact.emails = vec![format!("contact{number}@bulk.example")];
            contact.phones = vec![format!("+62812{number:08}")];
            contact.external_id = Some(format!("BULK-{number:07}"));
            contact.custom_fields.insert("tier".to_owned(), json!(number % 3));
            complete(*number, &mut contact);
            items.extend(contacts.items(&contact)?);
        }
        import(database, table.name(), items)?;
    }
    Ok(())
}

/// Writes items directly into a table of the database, without the endpoint.
pub fn import(database: &Database, table: &str, items: Vec<Item>) -> Result<(), SeedError> {
    let items = items.into_iter().map(stored).collect();
    let loaded = database.import_items(table, items, ImportOptions::default());
    loaded.map(drop).map_err(|error| SeedError::Load(error.to_string()))
}

/// Converts an item to the types of the database engine.
fn stored(item: Item) -> HashMap<String, Stored> {
    item.into_iter().map(|(name, value)| (name, convert(value))).collect()
}

fn convert(value: AttributeValue) -> Stored {
    match value {
        AttributeValue::S(text) => Stored::S(text),
        AttributeValue::N(number) => Stored::N(number),
        AttributeValue::Bool(flag) => Stored::BOOL(flag),
        AttributeValue::L(values) => Stored::L(values.into_iter().map(convert).collect()),
        AttributeValue::M(map) => {
            Stored::M(map.into_iter().map(|(key, value)| (key, convert(value))).collect())
        }
        // Table items of the service do not contain values of other types.
        _ => Stored::NULL(true),
    }
}
