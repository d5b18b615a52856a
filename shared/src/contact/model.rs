use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::TeamOwnersFrom;
use crate::{
    access::{Authorized, Owned, Ownership, Scope, Session},
    id::{ContactId, TeamId, UserId},
    identity::Permission,
};

/// A contact as it is stored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// The id.
    pub id: ContactId,
    /// The id in the system that it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Email addresses as given, the main one first.
    #[serde(default)]
    pub emails: Vec<String>,
    /// Phone numbers as given, the main one first.
    #[serde(default)]
    pub phones: Vec<String>,
    /// The company that the contact works for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// The owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<UserId>,
    /// The owner's name when they became it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_name: Option<String>,
    /// The assignee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
    /// The assignee's name when they became it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_name: Option<String>,
    /// The teams that own it; none is "Unassigned" (RFC §2.3).
    #[serde(default)]
    pub team_owner_ids: Vec<TeamId>,
    /// Who set the team owners last, if anybody did; not in the API's view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_owners_from: Option<TeamOwnersFrom>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Where the contact comes from, such as a campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The company's own fields; stored as JSON text, so that numbers stay as given.
    #[serde(default, with = "json_text")]
    pub custom_fields: Map<String, Value>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Rises with each change.
    pub version: u64,
    /// When it was deleted, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Owned for Contact {
    fn ownership(&self) -> Ownership<'_> {
        Ownership { owner: self.owner_id, assignee: self.assignee_id, teams: &self.team_owner_ids }
    }
}

impl Contact {
    /// Whether it is not deleted.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }
}

mod json_text {
    use super::{Deserialize, Deserializer, Map, Serializer, Value};

    pub(super) fn serialize<S: Serializer>(
        map: &Map<String, Value>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&serde_json::to_string(map).map_err(serde::ser::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Map<String, Value>, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// What the viewer may do with a record; clients show their buttons by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordPermission {
    /// May change it.
    pub update: bool,
    /// May delete it.
    pub delete: bool,
}

/// A contact as the API answers it.
#[derive(Clone, Debug, Serialize)]
pub struct ContactView<'a> {
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

impl<'a> ContactView<'a> {
    /// Contacts, with what the viewer of this session may do with each.
    #[must_use]
    pub fn all(contacts: &'a [Authorized<Contact>], session: &Session) -> Vec<Self> {
        let manage = session.scope(Permission::ManageCustomers).ok();
        let delete = session.scope(Permission::DeleteCustomers).ok();
        contacts
            .iter()
            .map(|contact| Self::under(contact, manage.as_ref(), delete.as_ref()))
            .collect()
    }

    /// A contact, with what the viewer of this session may do with it.
    #[must_use]
    pub fn new(contact: &'a Contact, session: &Session) -> Self {
        let manage = session.scope(Permission::ManageCustomers).ok();
        let delete = session.scope(Permission::DeleteCustomers).ok();
        Self::under(contact, manage.as_ref(), delete.as_ref())
    }

    /// No scope is a disabled permission.
    fn under(contact: &'a Contact, manage: Option<&Scope>, delete: Option<&Scope>) -> Self {
        let may = |scope: Option<&Scope>| scope.is_some_and(|scope| scope.admits(contact));
        Self {
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
            permission: RecordPermission { update: may(manage), delete: may(delete) },
        }
    }
}
