//! The fields of a contact that can be exported.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::contact::{FieldType, MAX_CUSTOM_KEY_BYTES};

/// The maximum number of fields of an export or a layout (SPEC §4). The minimum is 1.
pub const MAX_FIELDS: usize = 100;

const CUSTOM_PREFIX: &str = "custom.";

/// A field of a contact that can be exported.
///
/// Requests, layouts and jobs contain the field as its [`Field::name`], such as `email` or
/// `custom.tier`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub enum Field {
    /// The contact's id.
    Id,
    /// The contact's id in the system from which it was imported.
    ExternalId,
    /// The contact's name.
    Name,
    /// The contact's first email address, which is the main one. The cell is empty if the contact
    /// has no email address.
    Email,
    /// All email addresses of the contact.
    Emails,
    /// The contact's first phone number, which is the main one. The cell is empty if the contact
    /// has no phone number.
    Phone,
    /// All phone numbers of the contact.
    Phones,
    /// The name of the company that the contact works for.
    CompanyName,
    /// The owner's SSO id.
    OwnerId,
    /// The owner's current name in Launchpad. If Launchpad has no name, the name stored on the
    /// contact; if there is none, the owner's id.
    OwnerName,
    /// The assignee's SSO id.
    AssigneeId,
    /// The assignee's current name in Launchpad. If Launchpad has no name, the name stored on the
    /// contact; if there is none, the assignee's id.
    AssigneeName,
    /// The ids of the teams that own the contact.
    TeamOwnerIds,
    /// The names of the teams that own the contact. For a team that is no longer in Launchpad, the
    /// team's id.
    TeamOwnerNames,
    /// The contact's tags.
    Tags,
    /// Where the contact came from.
    Source,
    /// When the contact was created, in the time zone of the export.
    CreatedAt,
    /// When the contact was last changed, in the time zone of the export.
    UpdatedAt,
    /// The company's custom field with this key.
    Custom(String),
}

/// Why a field name or a list of fields is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The name is not the name of a field. The error contains at most its first 80 characters.
    #[error("unknown export field `{0}`")]
    Unknown(String),
    /// The name is `custom.` without a key.
    #[error("export field `custom.` must include a key, as in `custom.tier`")]
    CustomKeyMissing,
    /// The key of a custom field is longer than [`MAX_CUSTOM_KEY_BYTES`].
    #[error("the key of a custom export field must be at most {MAX_CUSTOM_KEY_BYTES} bytes long")]
    CustomKeyTooLong,
    /// The key of a custom field contains a line break or another control character.
    #[error("the key of a custom export field must not contain control characters")]
    CustomKeyControlCharacter,
    /// The list is empty or has more than [`MAX_FIELDS`] fields. The error contains the number.
    #[error("the number of export fields must be from 1 to {MAX_FIELDS}, not {0}")]
    Count(usize),
}

impl Field {
    /// All fields except the custom fields, in the order in which the catalog lists them.
    pub const STANDARD: [Self; 18] = [
        Self::Id,
        Self::ExternalId,
        Self::Name,
        Self::Email,
        Self::Emails,
        Self::Phone,
        Self::Phones,
        Self::CompanyName,
        Self::OwnerId,
        Self::OwnerName,
        Self::AssigneeId,
        Self::AssigneeName,
        Self::TeamOwnerIds,
        Self::TeamOwnerNames,
        Self::Tags,
        Self::Source,
        Self::CreatedAt,
        Self::UpdatedAt,
    ];

    /// The fields that a user interface should select by default: the fields that are useful to
    /// read, without ids.
    pub const DEFAULT: [Self; 10] = [
        Self::Name,
        Self::Emails,
        Self::Phones,
        Self::CompanyName,
        Self::OwnerName,
        Self::AssigneeName,
        Self::TeamOwnerNames,
        Self::Tags,
        Self::Source,
        Self::CreatedAt,
    ];

    /// Parses the list of fields of a request. The result has the same order.
    ///
    /// # Errors
    /// [`FieldError`] if the number of fields or a name is not valid. For names, it describes the
    /// first that is not valid.
    pub fn parse_all<S: AsRef<str>>(names: &[S]) -> Result<Vec<Self>, FieldError> {
        if names.is_empty() || names.len() > MAX_FIELDS {
            return Err(FieldError::Count(names.len()));
        }
        names.iter().map(|name| name.as_ref().parse()).collect()
    }

    /// The field's name in requests, layouts and jobs, such as `email` or `custom.tier`.
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Id => "id",
            Self::ExternalId => "external_id",
            Self::Name => "name",
            Self::Email => "email",
            Self::Emails => "emails",
            Self::Phone => "phone",
            Self::Phones => "phones",
            Self::CompanyName => "company_name",
            Self::OwnerId => "owner_id",
            Self::OwnerName => "owner_name",
            Self::AssigneeId => "assignee_id",
            Self::AssigneeName => "assignee_name",
            Self::TeamOwnerIds => "team_owner_ids",
            Self::TeamOwnerNames => "team_owner_names",
            Self::Tags => "tags",
            Self::Source => "source",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Custom(key) => return Cow::Owned(format!("{CUSTOM_PREFIX}{key}")),
        })
    }

    /// The type of the field's values. For a custom field, this is always `Text`; the real type is
    /// in the company's catalog of custom fields.
    pub fn field_type(&self) -> FieldType {
        match self {
            Self::Id
            | Self::ExternalId
            | Self::Name
            | Self::Email
            | Self::Phone
            | Self::CompanyName
            | Self::OwnerId
            | Self::OwnerName
            | Self::AssigneeId
            | Self::AssigneeName
            | Self::Source
            | Self::Custom(_) => FieldType::Text,
            Self::Emails
            | Self::Phones
            | Self::TeamOwnerIds
            | Self::TeamOwnerNames
            | Self::Tags => FieldType::List,
            Self::CreatedAt | Self::UpdatedAt => FieldType::Date,
        }
    }

    /// Creates the custom field with this key. Does not check whether the company has such a field.
    ///
    /// # Errors
    /// [`FieldError`] if the key is empty, too long or contains a control character.
    pub fn custom(key: &str) -> Result<Self, FieldError> {
        if key.is_empty() {
            return Err(FieldError::CustomKeyMissing);
        }
        if key.len() > MAX_CUSTOM_KEY_BYTES {
            return Err(FieldError::CustomKeyTooLong);
        }
        if key.contains(char::is_control) {
            return Err(FieldError::CustomKeyControlCharacter);
        }
        Ok(Self::Custom(key.to_owned()))
    }
}

impl FromStr for Field {
    type Err = FieldError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some(key) = name.strip_prefix(CUSTOM_PREFIX) {
            return Self::custom(key);
        }
        Self::STANDARD
            .into_iter()
            .find(|field| field.name() == name)
            .ok_or_else(|| FieldError::Unknown(name.chars().take(80).collect()))
    }
}

impl TryFrom<Cow<'_, str>> for Field {
    type Error = FieldError;

    fn try_from(name: Cow<'_, str>) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Field> for String {
    fn from(field: Field) -> Self {
        field.name().into_owned()
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_as_it_is_written() {
        let custom = Field::Custom("Tier. Größe".to_owned());
        for field in Field::STANDARD.into_iter().chain([custom]) {
            assert_eq!(field.name().parse(), Ok(field.clone()));
            let json = serde_json::to_string(&field).unwrap();
            assert_eq!(serde_json::from_str::<Field>(&json).unwrap(), field);
        }
    }

    #[test]
    fn a_field_outside_the_catalog_is_refused_by_name() {
        let error = "password".parse::<Field>().unwrap_err();
        assert_eq!(error.to_string(), "unknown export field `password`");
        assert_eq!("custom.".parse::<Field>(), Err(FieldError::CustomKeyMissing));
        assert_eq!("custom.a\nb".parse::<Field>(), Err(FieldError::CustomKeyControlCharacter));
        let long = format!("custom.{}", "k".repeat(MAX_CUSTOM_KEY_BYTES + 1));
        assert_eq!(long.parse::<Field>(), Err(FieldError::CustomKeyTooLong));
    }

    #[test]
    fn an_export_has_1_to_100_fields() {
        assert_eq!(Field::parse_all::<&str>(&[]), Err(FieldError::Count(0)));
        assert_eq!(Field::parse_all(&["name"; 101]), Err(FieldError::Count(101)));
        assert_eq!(Field::parse_all(&["name"; 100]).unwrap().len(), 100);
    }
}
