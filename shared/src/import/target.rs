//! The fields of a contact that a column can become.

use super::known::{Known, NamePart};
use crate::contact::Extent;

/// The field of a contact that a column becomes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Target {
    /// The id of this service if the cell is a UUID of version 7, otherwise the external id.
    Id,
    ExternalId,
    Name,
    Part(NamePart),
    Emails(Extent),
    Phones(Extent),
    CompanyName,
    Source,
    Tags,
    OwnerId,
    AssigneeId,
    TeamOwnerIds,
    Custom(String),
    /// The custom field whose name is in another column of the row, or this one if that is empty.
    CustomNamedBy(usize, String),
    /// Whether the record is deleted in the program that wrote the file.
    Deleted,
    /// A column without a name. The header does not say what its values are.
    Unnamed,
    Ignored,
}

impl Target {
    /// The name of the field, as in [`Override::field`](super::Override::field).
    pub(super) fn name(&self) -> String {
        match self {
            Self::Id => "id",
            Self::ExternalId => "external_id",
            Self::Name => "name",
            Self::Part(NamePart::First) => "first_name",
            Self::Part(NamePart::Middle) => "middle_name",
            Self::Part(NamePart::Last) => "last_name",
            Self::Part(NamePart::Suffix) => "name_suffix",
            Self::Emails(_) => "emails",
            Self::Phones(_) => "phones",
            Self::CompanyName => "company_name",
            Self::Source => "source",
            Self::Tags => "tags",
            Self::OwnerId => "owner_id",
            Self::AssigneeId => "assignee_id",
            Self::TeamOwnerIds => "team_owner_ids",
            Self::Custom(key) => return format!("custom.{key}"),
            Self::CustomNamedBy(..) => "custom.*",
            Self::Deleted => "deleted",
            Self::Unnamed | Self::Ignored => "-",
        }
        .to_owned()
    }

    /// The field of a column of an export layout.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "-" => Self::Ignored,
            "id" => Self::Id,
            "external_id" => Self::ExternalId,
            "name" => Self::Name,
            "first_name" => Self::Part(NamePart::First),
            "middle_name" => Self::Part(NamePart::Middle),
            "last_name" => Self::Part(NamePart::Last),
            "name_suffix" => Self::Part(NamePart::Suffix),
            "email" => Self::Emails(Extent::First),
            "emails" => Self::Emails(Extent::All),
            "phone" => Self::Phones(Extent::First),
            "phones" => Self::Phones(Extent::All),
            "company_name" => Self::CompanyName,
            "source" => Self::Source,
            "tags" => Self::Tags,
            "owner_id" => Self::OwnerId,
            "assignee_id" => Self::AssigneeId,
            "team_owner_ids" => Self::TeamOwnerIds,
            "owner_name" | "assignee_name" | "team_owner_names" | "created_at" | "updated_at" => {
                Self::Ignored
            }
            other => {
                Self::Custom(other.strip_prefix("custom.").filter(|it| !it.is_empty())?.to_owned())
            }
        })
    }

    /// The field that a user chose for a column. The column may contain any of the contact's addresses
    /// or numbers.
    pub(super) fn chosen(name: &str) -> Option<Self> {
        Some(match Self::by_name(name)? {
            Self::Emails(_) => Self::Emails(Extent::Any),
            Self::Phones(_) => Self::Phones(Extent::Any),
            other => other,
        })
    }

    /// Whether a value of this field finds a contact.
    pub(super) fn is_key(&self) -> bool {
        matches!(self, Self::Id | Self::ExternalId | Self::Emails(_))
    }

    /// Whether the target has the same value as another one, or a part of it.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self == other || matches!((self, other), (Self::Name, Self::Part(_)))
    }

    /// Whether several columns can become this field.
    pub(super) fn takes_several_columns(&self) -> bool {
        matches!(
            self,
            Self::Emails(_)
                | Self::Phones(_)
                | Self::Tags
                | Self::CustomNamedBy(..)
                | Self::Unnamed
                | Self::Ignored
        )
    }
}

impl From<Known> for Target {
    fn from(known: Known) -> Self {
        match known {
            Known::Id => Self::Id,
            Known::ExternalId => Self::ExternalId,
            Known::Name | Known::OtherName => Self::Name,
            Known::Part(part) => Self::Part(part),
            Known::Emails(extent) => Self::Emails(extent),
            Known::Phones(extent) => Self::Phones(extent),
            Known::CompanyName | Known::OtherCompanyName => Self::CompanyName,
            Known::Source => Self::Source,
            Known::Tags => Self::Tags,
            Known::OwnerId => Self::OwnerId,
            Known::AssigneeId => Self::AssigneeId,
            Known::TeamOwnerIds => Self::TeamOwnerIds,
            Known::Deleted => Self::Deleted,
            Known::Custom(key) => Self::Custom(key.to_owned()),
            Known::Ignored => Self::Ignored,
        }
    }
}
