use std::{borrow::Cow, collections::HashSet, hash::Hash};

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::Value;

use super::{
    Contact, ContactError, TeamOwnersFrom,
    clean::{clean, folded_email, is_email},
    custom_fields::{CustomFields, MAX_CUSTOM_KEY_BYTES},
};
use crate::id::{ContactId, TeamId, UserId};

const MAX_EMAILS: usize = 5;
const MAX_EMAIL_BYTES: usize = 320;
const MAX_PHONES: usize = 5;
const MAX_PHONE_BYTES: usize = 64;
/// The maximum length of an external id, in bytes.
pub(super) const MAX_EXTERNAL_ID_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 1024;
const MAX_TAGS: usize = 20;
const MAX_TAG_BYTES: usize = 128;
const MAX_TEAM_OWNERS: usize = 100;
const MAX_CONTACT_BYTES: usize = 32 * 1024;
/// The maximum number of characters that an error message repeats of a text that is not a team id.
const MAX_SHOWN: usize = 64;

/// The change of a field in a request.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Change<T> {
    /// The request does not contain the field, so it keeps its value.
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

    /// Returns the new value; `None` if the request does not contain the field or clears it.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => value.as_ref(),
            Self::Keep => None,
        }
    }

    /// Whether the request contains the field.
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

/// A team in a request. A text that is not a UUID cannot be a team of the actor, so it is refused
/// together with the teams that are not the actor's own (RFC §2.4), and not as a malformed request.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(from = "String")]
pub enum TeamOwner {
    /// The id of a team.
    Team(TeamId),
    /// A text that is not a valid team id.
    Unknown(String),
}

impl From<String> for TeamOwner {
    fn from(text: String) -> Self {
        text.parse().map_or(Self::Unknown(text), Self::Team)
    }
}

impl TeamOwner {
    /// Returns the team's id; `None` if the text is not an id.
    #[must_use]
    pub fn id(&self) -> Option<TeamId> {
        match self {
            Self::Team(id) => Some(*id),
            Self::Unknown(_) => None,
        }
    }

    /// Returns the text by which an error message shows the team to the client: the team's id, or
    /// the first characters of the text that the client sent.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Team(id) => id.to_string(),
            Self::Unknown(text) => text.chars().take(MAX_SHOWN).collect(),
        }
    }
}

/// A contact in the form that clients send. The fields that only the API sets are accepted and
/// ignored, because clients send back the contacts that they received.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are those of `Contact`")]
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
    pub custom_fields: Change<CustomFields>,
    /// Used by `sync` alone.
    id: Value,
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
    #[serde(rename = "deleted_at")]
    _deleted_at: IgnoredAny,
    #[serde(rename = "erased_after")]
    _erased_after: IgnoredAny,
}

impl ContactInput {
    /// Checks each field on its own and converts it into its stored form: texts are cleaned (see
    /// [`clean`]), texts without a visible character become `None`, and values that are given twice
    /// are kept once.
    ///
    /// # Errors
    /// [`ContactError::Invalid`] for the field that exceeds a limit of SPEC §2 or is malformed.
    pub fn checked(mut self) -> Result<Self, ContactError> {
        text("external_id", &mut self.external_id, MAX_EXTERNAL_ID_BYTES)?;
        text("name", &mut self.name, MAX_TEXT_BYTES)?;
        text("company_name", &mut self.company_name, MAX_TEXT_BYTES)?;
        text("source", &mut self.source, MAX_TEXT_BYTES)?;
        texts("emails", &mut self.emails, MAX_EMAIL_BYTES)?;
        for (index, email) in self.emails.value().into_iter().flatten().enumerate() {
            if !email.is_empty() && !is_email(email) {
                let field = format!("emails[{index}]");
                return Err(ContactError::invalid(field, "is not a valid email address"));
            }
        }
        remove_empty(&mut self.emails);
        once("emails", &mut self.emails, MAX_EMAILS, |email| folded_email(email))?;
        texts("phones", &mut self.phones, MAX_PHONE_BYTES)?;
        remove_empty(&mut self.phones);
        once("phones", &mut self.phones, MAX_PHONES, String::clone)?;
        texts("tags", &mut self.tags, MAX_TAG_BYTES)?;
        remove_empty(&mut self.tags);
        once("tags", &mut self.tags, MAX_TAGS, String::clone)?;
        once("team_owner_ids", &mut self.team_owner_ids, MAX_TEAM_OWNERS, TeamOwner::clone)?;
        for key in self.custom_fields.value().into_iter().flat_map(|fields| fields.0.keys()) {
            if key.is_empty() || key.len() > MAX_CUSTOM_KEY_BYTES {
                let reason = format!("each key must be 1 to {MAX_CUSTOM_KEY_BYTES} bytes long");
                return Err(ContactError::invalid("custom_fields", reason));
            }
        }
        Ok(self)
    }

    /// Returns the custom fields to which the request gives a value other than null.
    pub(super) fn custom_values(&self) -> Vec<(String, Value)> {
        let fields = self.custom_fields.value().into_iter().flat_map(|fields| &fields.0);
        let given = fields.filter(|(_, value)| !value.is_null());
        given.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Returns the id of the contact that the request names: `None` if it names none, and
    /// `Some(None)` if no contact can have the id.
    ///
    /// # Errors
    /// [`ContactError::Invalid`] when the id is not a text.
    pub(super) fn named_id(&self) -> Result<Option<Option<ContactId>>, ContactError> {
        match &self.id {
            Value::Null => Ok(None),
            Value::String(id) => Ok(Some(id.parse().ok())),
            _ => Err(ContactError::invalid("id", "must be a string")),
        }
    }

    /// Returns the change for the stored contact `old`: without the team owners if they are the
    /// same set as those of the contact. Clients send back what they read, and the team owners that
    /// they read can be teams that are not their own.
    pub(super) fn for_stored(&self, old: Option<&Contact>) -> Cow<'_, Self> {
        let is_same = |old: &Contact| {
            let Change::Set(teams) = &self.team_owner_ids else { return false };
            let teams: Option<HashSet<TeamId>> =
                teams.iter().flatten().map(TeamOwner::id).collect();
            teams.is_some_and(|teams| teams == old.team_owner_ids.iter().copied().collect())
        };
        match old {
            Some(old) if is_same(old) => {
                Cow::Owned(Self { team_owner_ids: Change::Keep, ..self.clone() })
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// Applies the fields that the request contains to the contact. Team owners that are not ids
    /// are left out. The caller must update the names of the owner and the assignee, and the
    /// version.
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
        // Each custom field changes on its own; null removes it.
        if let Change::Set(changes) = self.custom_fields {
            match changes {
                None => contact.custom_fields.clear(),
                Some(CustomFields(changes)) => {
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

/// Checks the size of the whole contact.
///
/// # Errors
/// [`ContactError::Invalid`] when it has more than 32 KB in JSON.
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
    *value = value.take().map(|text| clean(&text)).filter(|text| !text.is_empty());
    match value {
        Some(text) if text.len() > most => Err(too_long(field, most)),
        _ => Ok(()),
    }
}

fn texts(field: &str, change: &mut Change<Vec<String>>, bytes: usize) -> Result<(), ContactError> {
    let Change::Set(Some(values)) = change else { return Ok(()) };
    for (index, value) in values.iter_mut().enumerate() {
        *value = clean(value);
        if value.len() > bytes {
            return Err(too_long(&format!("{field}[{index}]"), bytes));
        }
    }
    Ok(())
}

/// Removes the texts without a visible character, which count as absent.
fn remove_empty(change: &mut Change<Vec<String>>) {
    if let Change::Set(Some(values)) = change {
        values.retain(|value| !value.is_empty());
    }
}

/// Keeps the first of the values with the same key, and checks how many are left.
fn once<T, K: Eq + Hash>(
    field: &str,
    change: &mut Change<Vec<T>>,
    most: usize,
    key: impl Fn(&T) -> K,
) -> Result<(), ContactError> {
    let Change::Set(Some(values)) = change else { return Ok(()) };
    dedup(values, key);
    if values.len() > most { Err(too_many(field, most)) } else { Ok(()) }
}

/// Removes duplicates and keeps the first of the values with the same key. A request can contain
/// hundreds of thousands of values, so each value is looked up once in a hash set.
fn dedup<T, K: Eq + Hash>(values: &mut Vec<T>, key: impl Fn(&T) -> K) {
    let mut seen = HashSet::with_capacity(values.len());
    values.retain(|value| seen.insert(key(value)));
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
    fn an_error_contains_the_name_of_the_field_that_exceeds_its_limit() {
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

    /// A value that counts how many comparisons are made.
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
    fn duplicates_are_removed_without_comparing_every_pair_of_values() {
        let compared = Cell::new(0);
        let mut values: Vec<_> = (0..2_000).map(|n| Counting(n % 1_000, &compared)).collect();
        dedup(&mut values, Clone::clone);
        assert!(values.iter().map(|value| value.0).eq(0..1_000), "the first of equal ones stays");
        assert!(compared.get() < 10_000, "{} comparisons", compared.get());
    }

    #[test]
    fn a_very_long_list_of_equal_values_is_one_value_and_of_others_is_too_long() {
        let equal = json!({ "tags": vec!["a"; 250_000], "team_owner_ids": vec!["a"; 250_000] });
        let input = serde_json::from_value::<ContactInput>(equal).unwrap().checked().unwrap();
        assert_eq!(input.tags, Change::Set(Some(vec!["a".to_owned()])));
        let distinct: Vec<_> = (0..150_000).map(|n| format!("{n:x}")).collect();
        for field in ["tags", "phones", "team_owner_ids"] {
            assert_eq!(refusal(json!({ field: distinct })), field);
        }
    }

    #[test]
    fn read_only_fields_are_ignored_and_unknown_fields_are_refused() {
        let echo = json!({ "id": 1, "owner_name": null, "assignee_name": [], "created_at": "x",
            "updated_at": {}, "version": "y", "permission": { "update": true }, "name": " Ann " });
        let input = serde_json::from_value::<ContactInput>(echo).unwrap().checked().unwrap();
        assert_eq!(input.name, Change::Set(Some("Ann".to_owned())));
        assert!(serde_json::from_value::<ContactInput>(json!({ "nmae": "x" })).is_err());
    }

    #[test]
    fn team_owners_are_marked_as_set_by_people_when_people_change_them() {
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
    fn an_absent_field_is_kept_null_clears_it_and_each_custom_field_changes_on_its_own() {
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
