//! The types of ids. Each kind of id has its own type, so that for example the id of a team cannot
//! be used as the id of a person.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Uuid};

/// The reason why a text is not a valid id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is not a UUID of 8-4-4-4-12 hexadecimal digits.
    #[error("must be a UUID")]
    InvalidUuid,
    /// The text is not a company id of 1 to 64 letters, digits, `-` or `_`.
    #[error("must be 1 to 64 letters, digits, hyphens or underscores")]
    InvalidCompany,
}

/// Parses the only accepted form of a UUID: 8-4-4-4-12 hexadecimal digits in upper or lower case.
///
/// # Errors
/// [`IdError::InvalidUuid`] for all other forms, such as braces, URNs and missing hyphens.
pub fn parse_uuid(text: &str) -> Result<Uuid, IdError> {
    if text.len() != 36 {
        return Err(IdError::InvalidUuid);
    }
    Uuid::try_parse(text).map_err(|_| IdError::InvalidUuid)
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Creates the id with this value.
            #[must_use]
            pub const fn from_uuid(value: Uuid) -> Self {
                Self(value)
            }

            /// The value of the id.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }

            /// Generates an id (UUIDv7) from the time `now`, so that ids sort by the time of their
            /// creation.
            #[must_use]
            pub fn generate(now: Timestamp) -> Self {
                let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
                let subsec_nanos = u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
                Self(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, millis / 1000, subsec_nanos)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_uuid(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

uuid_id!(
    /// The id of a person: the SSO UUID (PRD D-1).
    UserId
);
uuid_id!(
    /// The id of a team in Launchpad.
    TeamId
);
uuid_id!(
    /// The id of a contact: a UUIDv7, so that ids sort by the time of creation.
    ContactId
);
uuid_id!(
    /// The id of a note: a UUIDv7, so that ids sort by the time of creation.
    NoteId
);
uuid_id!(
    /// The id of an export job: a UUIDv7, so that ids sort by the time of creation.
    JobId
);
uuid_id!(
    /// The id of a saved layout of export files.
    LayoutId
);

uuid_id!(
    /// The id of a run of the team backfill: a UUIDv7, so that ids sort by the time of creation.
    RunId
);

impl ContactId {
    /// The time at which the contact was created, in milliseconds. The time is a part of the id.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
    }

    /// A text that sorts before the ids of contacts that were created in this millisecond or later,
    /// and after all other ids.
    #[must_use]
    pub fn lower_bound(at: Timestamp) -> String {
        let millis = at.as_millisecond().max(0);
        format!("{:08x}-{:04x}-", millis >> 16, millis & 0xffff)
    }
}

/// The id of a company, which is a tenant: the `company_sso_id` of the token. It is the first part
/// of every key in the table.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CompanyId(String);

impl CompanyId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CompanyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CompanyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CompanyId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::InvalidCompany)
        }
    }
}

impl TryFrom<String> for CompanyId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<CompanyId> for String {
    fn from(id: CompanyId) -> String {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_hyphenated_hexadecimal_digits_and_nothing_else() {
        let lower = "0190d1a2-7c3b-7abc-8def-0123456789ab";
        assert_eq!(lower.to_uppercase().parse::<UserId>().unwrap().to_string(), lower);
        for wrong in [
            "",
            "0190d1a27c3b7abc8def0123456789ab",
            "{0190d1a2-7c3b-7abc-8def-0123456789ab}",
            "urn:uuid:0190d1a2-7c3b-7abc-8def-0123456789ab",
            "0190d1a2-7c3b-7abc-8def-0123456789ag",
            " 0190d1a2-7c3b-7abc-8def-0123456789ab",
        ] {
            assert_eq!(wrong.parse::<UserId>(), Err(IdError::InvalidUuid), "{wrong}");
        }
    }

    #[test]
    fn a_company_id_cannot_contain_the_separator_of_keys() {
        assert!("acme-1_B".parse::<CompanyId>().is_ok());
        for wrong in ["", "a#b", "a b", "ä", &"x".repeat(65)] {
            assert!(wrong.parse::<CompanyId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_sort_by_the_time_of_their_creation() {
        let early = ContactId::generate("2026-01-01T00:00:00.001Z".parse().unwrap());
        let late = ContactId::generate("2026-01-01T00:00:00.002Z".parse().unwrap());
        assert!(early < late && early.to_string() < late.to_string());
        let second: Timestamp = "2026-01-01T00:00:00.002Z".parse().unwrap();
        assert_eq!(late.created_at(), Some(second));
        let bound = ContactId::lower_bound(second);
        assert!(early.to_string() < bound && bound < late.to_string());
    }
}
