use std::{collections::HashSet, hash::Hash};

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Map, Value};

use super::{Contact, ContactError, TeamOwnersFrom};
use crate::id::{TeamId, UserId};

const MAX_EMAILS: usize = 5;
const MAX_EMAIL_BYTES: usize = 320;
const MAX_PHONES: usize = 5;
const MAX_PHONE_BYTES: usize = 64;
/// The most bytes of an external id.
pub(super) const MAX_EXTERNAL_ID_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 1024;
const MAX_TAGS: usize = 20;
const MAX_TAG_BYTES: usize = 128;
const MAX_TEAM_OWNERS: usize = 100;
const MAX_CONTACT_BYTES: usize = 32 * 1024;
/// The characters of a text that is no team that an answer repeats.
const MAX_SHOWN: usize = 64;

/// What a request says about a field.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Change<T> {
    /// Nothing: the field stays as it is.
    #[default]
    Keep,
    /// The new value; `None` clears the field.
    Set(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::deserialize(from).map(Self::Set)
    }
}

impl<T> Change<T> {
    fn apply(self, field: &mut Option<T>) {
        if let Self::Set(value) = self {
            *field = value;
        }
    }

    /// The value that is set, if one is.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => value.as_ref(),
            Self::Keep => None,
        }
    }

    /// Whether the request names the field.
    pub fn is_set(&self) -> bool {
        matches!(self, Self::Set(_))
    }
}

impl<T: Default> Change<T> {
    fn apply_or_default(self, field: &mut T) {
        if let Self::Set(value) = self {
            *field = value.unwrap_or_default();
        }
    }
}

/// A team as a request names it. A text that is no UUID is no team of anybody's: it is refused with
/// the others that are not the actor's own (RFC §2.4), not as a malformed request.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(from = "String")]
pub enum TeamOwner {
    /// A team, by its id.
    Team(TeamId),
    /// Any other text.
    Unknown(String),
}

impl From<String> for TeamOwner {
    fn from(text: String) -> Self {
        text.parse().map_or(Self::Unknown(text), Self::Team)
    }
}

impl TeamOwner {
    /// The team's id, if it is one.
    #[must_use]
    pub fn id(&self) -> Option<TeamId> {
        match self {
            Self::Team(id) => Some(*id),
            Self::Unknown(_) => None,
        }
    }

    /// What the caller is told of it: its id, or the beginning of their own text.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Team(id) => id.to_string(),
            Self::Unknown(text) => text.chars().take(MAX_SHOWN).collect(),
        }
    }
}

/// A contact as clients send it. What the API itself answers is accepted and ignored, since
/// clients echo what they read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the contact's")]
pub struct ContactInput {
    pub external_id: Change<String>,
    pub name: Change<String>,
    pub emails: Change<Vec<String>>,
    pub phones: Change<Vec<String>>,
    pub company_name: Change<String>,
    pub owner_id: Change<UserId>,
    pub assignee_id: Change<UserId>,
    pub team_owner_ids: Change<Vec<TeamOwner>>,
    pub tags: Change<Vec<String>>,
    pub source: Change<String>,
    pub custom_fields: Change<Map<String, Value>>,
    #[serde(rename = "id")]
    _id: IgnoredAny,
    #[serde(rename = "owner_name")]
    _owner_name: IgnoredAny,
    #[serde(rename = "assignee_name")]
    _assignee_name: IgnoredAny,
    #[serde(rename = "created_at")]
    _created_at: IgnoredAny,
    #[serde(rename = "updated_at")]
    _updated_at: IgnoredAny,
    #[serde(rename = "version")]
    _version: IgnoredAny,
    #[serde(rename = "permission")]
    _permission: IgnoredAny,
}

impl ContactInput {
    /// Checks the fields by themselves and brings them into their stored form: texts without
    /// white space around them, empty ones as none.
    ///
    /// # Errors
    /// [`ContactError::Invalid`] naming the field that is past a limit of SPEC §2 or malformed.
    pub fn checked(mut self) -> Result<Self, ContactError> {
        text("external_id", &mut self.external_id, MAX_EXTERNAL_ID_BYTES)?;
        text("name", &mut self.name, MAX_TEXT_BYTES)?;
        text("company_name", &mut self.company_name, MAX_TEXT_BYTES)?;
        text("source", &mut self.source, MAX_TEXT_BYTES)?;
        texts("emails", &mut self.emails, MAX_EMAILS, MAX_EMAIL_BYTES)?;
        for (index, email) in self.emails.value().into_iter().flatten().enumerate() {
            if !is_address(email) {
                let field = format!("emails[{index}]");
                return Err(ContactError::invalid(field, "is not a valid email address"));
            }
        }
        texts("phones", &mut self.phones, MAX_PHONES, MAX_PHONE_BYTES)?;
        texts("tags", &mut self.tags, MAX_TAGS, MAX_TAG_BYTES)?;
        if let Change::Set(Some(teams)) = &mut self.team_owner_ids {
            dedup(teams);
            if teams.len() > MAX_TEAM_OWNERS {
                return Err(too_many("team_owner_ids", MAX_TEAM_OWNERS));
            }
        }
        for key in self.custom_fields.value().into_iter().flat_map(Map::keys) {
            if key.trim().is_empty() || key.len() > MAX_TAG_BYTES {
                let reason = format!("each key must be 1 to {MAX_TAG_BYTES} bytes long");
                return Err(ContactError::invalid("custom_fields", reason));
            }
        }
        Ok(self)
    }

    /// The custom fields that the request gives a value.
    pub(super) fn custom_values(&self) -> Vec<(String, Value)> {
        let fields = self.custom_fields.value().into_iter().flatten();
        let given = fields.filter(|(_, value)| !value.is_null());
        given.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Applies the fields that the request names, team owners as far as they are teams. Names of
    /// owner and assignee and the version are the caller's to keep.
    pub fn apply(self, contact: &mut Contact) {
        self.external_id.apply(&mut contact.external_id);
        self.name.apply(&mut contact.name);
        self.emails.apply_or_default(&mut contact.emails);
        self.phones.apply_or_default(&mut contact.phones);
        self.company_name.apply(&mut contact.company_name);
        self.owner_id.apply(&mut contact.owner_id);
        self.assignee_id.apply(&mut contact.assignee_id);
        if let Change::Set(teams) = self.team_owner_ids {
            let teams = teams.unwrap_or_default();
            let teams: Vec<TeamId> = teams.iter().filter_map(TeamOwner::id).collect();
            if contact.team_owner_ids != teams {
                contact.team_owner_ids = teams;
                contact.team_owners_from = Some(TeamOwnersFrom::People);
            }
        }
        self.tags.apply_or_default(&mut contact.tags);
        self.source.apply(&mut contact.source);
        // Custom fields change one by one; null takes one away.
        if let Change::Set(changes) = self.custom_fields {
            match changes {
                None => contact.custom_fields.clear(),
                Some(changes) => {
                    for (key, value) in changes {
                        if value.is_null() {
                            contact.custom_fields.remove(&key);
                        } else {
                            contact.custom_fields.insert(key, value);
                        }
                    }
                }
            }
        }
    }
}

/// Checks the limit that only a whole contact can pass.
///
/// # Errors
/// [`ContactError::Invalid`] past 32 KB encoded.
pub(super) fn check_size(contact: &Contact) -> Result<(), ContactError> {
    let bytes = serde_json::to_vec(contact).map_or(usize::MAX, |bytes| bytes.len());
    if bytes > MAX_CONTACT_BYTES {
        let reason = format!("must be at most {MAX_CONTACT_BYTES} bytes in total");
        return Err(ContactError::invalid("contact", reason));
    }
    Ok(())
}

fn text(field: &str, change: &mut Change<String>, most: usize) -> Result<(), ContactError> {
    let Change::Set(value) = change else { return Ok(()) };
    *value = value.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match value {
        Some(text) if text.len() > most => Err(too_long(field, most)),
        _ => Ok(()),
    }
}

fn texts(
    field: &str,
    change: &mut Change<Vec<String>>,
    most: usize,
    bytes: usize,
) -> Result<(), ContactError> {
    let Change::Set(Some(values)) = change else { return Ok(()) };
    for (index, value) in values.iter_mut().enumerate() {
        *value = value.trim().to_owned();
        let field = || format!("{field}[{index}]");
        if value.is_empty() {
            return Err(ContactError::invalid(field(), "must not be empty"));
        }
        if value.len() > bytes {
            return Err(too_long(&field(), bytes));
        }
    }
    dedup(values);
    if values.len() > most { Err(too_many(field, most)) } else { Ok(()) }
}

/// Keeps the first of equal values. A body holds hundreds of thousands of them: each is looked at
/// once.
fn dedup<T: Clone + Eq + Hash>(values: &mut Vec<T>) {
    let mut seen = HashSet::with_capacity(values.len());
    values.retain(|value| seen.insert(value.clone()));
}

fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    let clean = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    clean && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

fn too_long(field: &str, most: usize) -> ContactError {
    ContactError::invalid(field, format!("must be at most {most} bytes long"))
}

fn too_many(field: &str, most: usize) -> ContactError {
    ContactError::invalid(field, format!("must have at most {most} entries"))
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, hash::Hasher};

    use serde_json::json;

    use super::*;

    fn refusal(input: Value) -> String {
        match serde_json::from_value::<ContactInput>(input).unwrap().checked() {
            Err(ContactError::Invalid { field, .. }) => field,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_limit_names_the_field_that_is_past_it() {
        let long = |n: usize| "x".repeat(n);
        assert_eq!(refusal(json!({ "external_id": long(257) })), "external_id");
        assert_eq!(refusal(json!({ "emails": [format!("a@{}", long(320))] })), "emails[0]");
        assert_eq!(refusal(json!({ "emails": ["a@b", "no address"] })), "emails[1]");
        let six = |make: fn(usize) -> String| (0..6).map(make).collect::<Vec<_>>();
        assert_eq!(refusal(json!({ "emails": six(|n| format!("{n}@b.c")) })), "emails");
        assert_eq!(refusal(json!({ "phones": six(|n| format!("{n}")) })), "phones");
        let tags: Vec<_> = (0..21).map(|n| n.to_string()).collect();
        assert_eq!(refusal(json!({ "tags": tags })), "tags");
        assert_eq!(refusal(json!({ "custom_fields": { "": 1 } })), "custom_fields");
    }

    /// A value that counts how often any is compared.
    #[derive(Clone, Debug)]
    struct Counting<'a>(usize, &'a Cell<usize>);

    impl PartialEq for Counting<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.1.set(self.1.get() + 1);
            self.0 == other.0
        }
    }

    impl Eq for Counting<'_> {}

    impl Hash for Counting<'_> {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    #[test]
    fn doubles_go_without_a_comparison_of_every_value_with_every_other() {
        let compared = Cell::new(0);
        let mut values: Vec<_> = (0..2_000).map(|n| Counting(n % 1_000, &compared)).collect();
        dedup(&mut values);
        assert!(values.iter().map(|value| value.0).eq(0..1_000), "the first of equal ones stays");
        assert!(compared.get() < 10_000, "{} comparisons", compared.get());
    }

    #[test]
    fn a_list_as_long_as_a_body_is_one_value_or_too_long() {
        let equal = json!({ "tags": vec!["a"; 250_000], "team_owner_ids": vec!["a"; 250_000] });
        let input = serde_json::from_value::<ContactInput>(equal).unwrap().checked().unwrap();
        assert_eq!(input.tags, Change::Set(Some(vec!["a".to_owned()])));
        let distinct: Vec<_> = (0..150_000).map(|n| format!("{n:x}")).collect();
        for field in ["tags", "phones", "team_owner_ids"] {
            assert_eq!(refusal(json!({ field: distinct })), field);
        }
    }

    #[test]
    fn what_the_api_answers_is_accepted_and_ignored_and_anything_else_is_not() {
        let echo = json!({ "id": 1, "owner_name": null, "assignee_name": [], "created_at": "x",
            "updated_at": {}, "version": "y", "permission": { "update": true }, "name": " Ann " });
        let input = serde_json::from_value::<ContactInput>(echo).unwrap().checked().unwrap();
        assert_eq!(input.name, Change::Set(Some("Ann".to_owned())));
        assert!(serde_json::from_value::<ContactInput>(json!({ "nmae": "x" })).is_err());
    }

    #[test]
    fn team_owners_are_peoples_once_people_changed_them() {
        let team = "0190d1a2-7c3b-7abc-8def-0123456789ab";
        let mut contact = super::super::write_plan::tests::contact(1);
        for (value, from) in [
            (json!({}), None),
            (json!({ "team_owner_ids": [] }), None),
            (json!({ "team_owner_ids": [team] }), Some(TeamOwnersFrom::People)),
            (json!({ "team_owner_ids": null }), Some(TeamOwnersFrom::People)),
        ] {
            serde_json::from_value::<ContactInput>(value).unwrap().apply(&mut contact);
            assert_eq!(contact.team_owners_from, from);
        }
    }

    #[test]
    fn absent_keeps_null_clears_and_custom_fields_change_one_by_one() {
        let input: ContactInput =
            serde_json::from_value(json!({ "name": null, "custom_fields": { "a": null, "b": 2 } }))
                .unwrap();
        let mut contact = super::super::write_plan::tests::contact(1);
        contact.source = Some("fair".to_owned());
        contact.custom_fields = json!({ "a": 1, "c": 3 }).as_object().unwrap().clone();
        input.apply(&mut contact);
        assert_eq!((contact.name, contact.source.as_deref()), (None, Some("fair")));
        assert_eq!(json!(contact.custom_fields), json!({ "b": 2, "c": 3 }));
    }
}
