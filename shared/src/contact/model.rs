use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    access::{Authorized, Owned, Ownership, Scope, Session},
    id::{ContactId, RunId, TeamId, UserId},
    identity::Permission,
};

/// A contact in its stored form. `C` is the form of the custom fields in memory.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(bound = "C: StoredText")]
pub struct Contact<C = Map<String, Value>> {
    /// The unique id of the contact. It contains the time of creation in milliseconds.
    pub id: ContactId,
    /// The id of the contact in the system from which it was imported, at most 256 bytes; `None` if
    /// it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The full name, at most 1,024 bytes; `None` if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The email addresses in the form in which the client sent them, at most 5; the first one is
    /// the main one.
    #[serde(default)]
    pub emails: Vec<String>,
    /// The phone numbers in the form in which the client sent them, at most 5; the first one is the
    /// main one.
    #[serde(default)]
    pub phones: Vec<String>,
    /// The company that the contact works for, at most 1,024 bytes. It is not the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// The user who owns the contact; `None` if it has no owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
    /// The owner's name at the time when they became the owner; `None` if the contact has no owner
    /// or the name was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_name: Option<String>,
    /// The user who is assigned to the contact; `None` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
    /// The assignee's name at the time when they were assigned; `None` if the contact has no
    /// assignee or the name was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_name: Option<String>,
    /// The teams that own the contact. A contact without teams is "Unassigned" (RFC §2.3).
    #[serde(default)]
    pub team_owner_ids: Vec<TeamId>,
    /// Whether people or a backfill set the team owners last; `None` if they were never set. The
    /// API does not return this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_owners_from: Option<TeamOwnersFrom>,
    /// The tags in the order in which the client sent them, at most 20.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The origin of the contact, such as a campaign, at most 1,024 bytes; `None` if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The fields that the company defines. They are stored as JSON text, so that numbers keep
    /// their form.
    #[serde(default, with = "json_text")]
    pub custom_fields: C,
    /// The time of creation, set by the service. Requests cannot set it.
    pub created_at: Timestamp,
    /// The time of the last change, set by the service. Requests cannot set it.
    pub updated_at: Timestamp,
    /// The version of the record, for optimistic locking. It is 1 for a new contact and increases
    /// by 1 with each change.
    pub version: u64,
    /// The time of the deletion; `None` if the contact is not deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// The time from which a deleted contact can no longer be restored and is erased. `None` if the
    /// contact is not deleted, or if deleted contacts are kept forever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_after: Option<Timestamp>,
    /// The time at which the personal data of the contact was removed from this record, which is
    /// then a tombstone: it stays until the notes of the contact are deleted too. `None` before
    /// that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
}

impl Contact {
    /// Creates a contact of version 1 that has no values yet.
    #[must_use]
    pub fn new(id: ContactId, created_at: Timestamp) -> Self {
        Self {
            id,
            external_id: None,
            name: None,
            emails: Vec::new(),
            phones: Vec::new(),
            company_name: None,
            owner_id: None,
            owner_name: None,
            assignee_id: None,
            assignee_name: None,
            team_owner_ids: Vec::new(),
            team_owners_from: None,
            tags: Vec::new(),
            source: None,
            custom_fields: Map::new(),
            created_at,
            updated_at: created_at,
            version: 1,
            deleted_at: None,
            erased_after: None,
            erased_at: None,
        }
    }
}

impl<C> Owned for Contact<C> {
    fn ownership(&self) -> Ownership<'_> {
        Ownership { owner: self.owner_id, assignee: self.assignee_id, teams: &self.team_owner_ids }
    }
}

impl<C> Contact<C> {
    /// Whether the contact is not deleted.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }
}

impl Contact {
    /// About the number of bytes of the contact in a response: its texts and a fixed amount for
    /// everything else. It limits pages without serializing each contact twice.
    pub(super) fn size(&self) -> usize {
        let one = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let all = |texts: &[String]| texts.iter().map(|text| text.len() + 3).sum::<usize>();
        let custom = self.custom_fields.iter().map(|(key, value)| key.len() + 4 + json_size(value));
        one(&self.external_id)
            + one(&self.name)
            + one(&self.company_name)
            + one(&self.owner_name)
            + one(&self.assignee_name)
            + one(&self.source)
            + all(&self.emails)
            + all(&self.phones)
            + all(&self.tags)
            + self.team_owner_ids.len() * 39
            + custom.sum::<usize>()
            + FIXED_SIZE
    }
}

/// About the number of bytes of a contact's field names, ids and times in a response.
const FIXED_SIZE: usize = 700;

/// About the number of bytes of a value in a response.
fn json_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 18,
        Value::String(text) => text.len() + 2,
        Value::Array(values) => values.iter().map(|value| json_size(value) + 1).sum::<usize>() + 2,
        Value::Object(map) => {
            map.iter().map(|(key, value)| key.len() + 4 + json_size(value)).sum::<usize>() + 2
        }
    }
}

/// A contact whose custom fields are still the stored JSON text. Reading many contacts this way takes
/// less time and memory.
pub type StoredContact = Contact<JsonText>;

/// The JSON text of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JsonText(String);

impl JsonText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for JsonText {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

/// A form of custom fields in memory that is stored as JSON text.
pub trait StoredText: Default + Sized {
    /// The JSON text.
    fn to_text(&self) -> serde_json::Result<Cow<'_, str>>;

    /// Creates the form from the JSON text.
    fn from_text(text: String) -> serde_json::Result<Self>;

    /// The value of one custom field; `None` if the contact does not have it.
    fn value(&self, key: &str) -> Option<Cow<'_, Value>>;
}

impl StoredText for Map<String, Value> {
    fn to_text(&self) -> serde_json::Result<Cow<'_, str>> {
        serde_json::to_string(self).map(Cow::Owned)
    }

    fn from_text(text: String) -> serde_json::Result<Self> {
        serde_json::from_str(&text)
    }

    fn value(&self, key: &str) -> Option<Cow<'_, Value>> {
        self.get(key).map(Cow::Borrowed)
    }
}

impl StoredText for JsonText {
    fn to_text(&self) -> serde_json::Result<Cow<'_, str>> {
        Ok(Cow::Borrowed(&self.0))
    }

    fn from_text(text: String) -> serde_json::Result<Self> {
        Ok(Self(text))
    }

    fn value(&self, key: &str) -> Option<Cow<'_, Value>> {
        let mut fields: Map<String, Value> = serde_json::from_str(&self.0).ok()?;
        fields.remove(key).map(Cow::Owned)
    }
}

mod json_text {
    use super::{Deserialize, Deserializer, Serializer, StoredText};

    pub(super) fn serialize<C: StoredText, S: Serializer>(
        fields: &C,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&fields.to_text().map_err(serde::ser::Error::custom)?)
    }

    pub(super) fn deserialize<'de, C: StoredText, D: Deserializer<'de>>(
        from: D,
    ) -> Result<C, D::Error> {
        C::from_text(String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// The actions that the viewer can take on a record. Clients use them to decide which buttons they
/// show.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordPermission {
    /// Whether the viewer can change the record.
    pub update: bool,
    /// Whether the viewer can delete the record.
    pub delete: bool,
}

/// A contact in the form that the API returns. An answer never contains more of a contact than the
/// permission to view contacts allows (SPEC §2, "Levels").
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ContactView<'a> {
    /// The contact is in the viewer's scope for viewing contacts.
    Full(FullView<'a>),
    /// The viewer reaches the contact with another permission only, for example to change it.
    Restricted(RestrictedView<'a>),
}

/// The part of a contact that a viewer gets who may not view the contact.
#[derive(Clone, Debug, Serialize)]
pub struct RestrictedView<'a> {
    id: ContactId,
    version: u64,
    /// Only in the results of a search.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a Option<String>>,
}

/// All fields of a contact that the API returns.
#[derive(Clone, Debug, Serialize)]
pub struct FullView<'a> {
    id: ContactId,
    external_id: &'a Option<String>,
    name: &'a Option<String>,
    emails: &'a [String],
    phones: &'a [String],
    company_name: &'a Option<String>,
    owner_id: Option<UserId>,
    owner_name: &'a Option<String>,
    assignee_id: Option<UserId>,
    assignee_name: &'a Option<String>,
    team_owner_ids: &'a [TeamId],
    tags: &'a [String],
    source: &'a Option<String>,
    custom_fields: &'a Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
    permission: RecordPermission,
}

/// What the view of a contact has, beside id and version, if the viewer may not view the contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OfHidden {
    /// The name, by which a search found the contact.
    Name,
    /// Nothing.
    Nothing,
}

impl<'a> ContactView<'a> {
    /// Creates the views of the contacts of a list or a search for the viewer of this session.
    #[must_use]
    pub fn all(
        contacts: &'a [Authorized<Contact>],
        session: &Session,
        of_hidden: OfHidden,
    ) -> Vec<Self> {
        let scopes = ViewScopes::new(session);
        let view = |contact: &'a Authorized<Contact>| match of_hidden {
            OfHidden::Name => scopes.view(contact, Some(&contact.name)),
            OfHidden::Nothing => scopes.view(contact, None),
        };
        contacts.iter().map(view).collect()
    }

    /// Creates the view of a single contact for the viewer of this session.
    #[must_use]
    pub fn new(contact: &'a Contact, session: &Session) -> Self {
        ViewScopes::new(session).view(contact, None)
    }
}

/// The scopes on which the view of a contact depends. A scope is `None` if the viewer's level for
/// the permission is `disabled`.
struct ViewScopes {
    view: Option<Scope>,
    manage: Option<Scope>,
    delete: Option<Scope>,
}

impl ViewScopes {
    fn new(session: &Session) -> Self {
        let scope = |permission| session.scope(permission).ok();
        Self {
            view: scope(Permission::ViewCustomers),
            manage: scope(Permission::ManageCustomers),
            delete: scope(Permission::DeleteCustomers),
        }
    }

    /// Creates the view of a contact. `name` is the name in the view of a contact that the viewer
    /// may not view.
    fn view<'a>(&self, contact: &'a Contact, name: Option<&'a Option<String>>) -> ContactView<'a> {
        let admits =
            |scope: &Option<Scope>| scope.as_ref().is_some_and(|scope| scope.admits(contact));
        if !admits(&self.view) {
            let (id, version) = (contact.id, contact.version);
            return ContactView::Restricted(RestrictedView { id, version, name });
        }
        ContactView::Full(FullView {
            id: contact.id,
            external_id: &contact.external_id,
            name: &contact.name,
            emails: &contact.emails,
            phones: &contact.phones,
            company_name: &contact.company_name,
            owner_id: contact.owner_id,
            owner_name: &contact.owner_name,
            assignee_id: contact.assignee_id,
            assignee_name: &contact.assignee_name,
            team_owner_ids: &contact.team_owner_ids,
            tags: &contact.tags,
            source: &contact.source,
            custom_fields: &contact.custom_fields,
            created_at: contact.created_at,
            updated_at: contact.updated_at,
            version: contact.version,
            permission: RecordPermission {
                update: admits(&self.manage),
                delete: admits(&self.delete),
            },
        })
    }
}

/// Records who set a contact's team owners last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum TeamOwnersFrom {
    /// People, through the API. A backfill never changes these team owners, even if they are empty.
    People,
    /// A backfill, or the revert of one.
    Backfill {
        /// The run of the backfill.
        run: RunId,
        /// The row of the run's file; 0 for a revert. When a chunk is processed again, the row
        /// shows whether it was already written.
        row: u64,
    },
}

impl TeamOwnersFrom {
    /// Whether this is a later row of the same run than `other`.
    pub(super) fn is_later_row_than(self, other: Self) -> bool {
        match (self, other) {
            (Self::Backfill { run, row }, Self::Backfill { run: other, row: before }) => {
                run == other && row > before
            }
            (Self::People, _) | (_, Self::People) => false,
        }
    }
}
