//! Ids. Each kind is a type of its own, so that a team can never be passed where a person is meant.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Uuid};

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A UUID is 8-4-4-4-12 hexadecimal digits, and nothing else.
    #[error("must be a UUID")]
    NotAUuid,
    /// A company is 1 to 64 letters, digits, `-` or `_`.
    #[error("must be 1 to 64 letters, digits, hyphens or underscores")]
    NotACompany,
}

/// Parses the one form of a UUID that is accepted: 8-4-4-4-12 hexadecimal digits, any case.
///
/// # Errors
/// [`IdError::NotAUuid`] for braces, URNs, missing hyphens and everything else.
pub fn parse_uuid(text: &str) -> Result<Uuid, IdError> {
    if text.len() != 36 {
        return Err(IdError::NotAUuid);
    }
    Uuid::try_parse(text).map_err(|_| IdError::NotAUuid)
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// The id with this value.
            #[must_use]
            pub const fn from_uuid(value: Uuid) -> Self {
                Self(value)
            }

            /// The value.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }

            /// A new id that sorts by `now` (UUIDv7).
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
    /// A person, by SSO UUID (PRD D-1).
    UserId
);
uuid_id!(
    /// A Launchpad team.
    TeamId
);
uuid_id!(
    /// A contact; UUIDv7, so that ids sort by creation.
    ContactId
);
uuid_id!(
    /// A note; UUIDv7, so that ids sort by creation.
    NoteId
);
uuid_id!(
    /// An export job; UUIDv7, so that ids sort by creation.
    JobId
);

uuid_id!(
    /// A run of the team backfill; UUIDv7, so that ids sort by creation.
    RunId
);

impl ContactId {
    /// When the contact was created, to the millisecond, as its id tells.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
    }
}

/// A tenant: the `company_sso_id` of the token, the outermost part of every key.
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
            Err(IdError::NotACompany)
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
            assert_eq!(wrong.parse::<UserId>(), Err(IdError::NotAUuid), "{wrong}");
        }
    }

    #[test]
    fn a_company_cannot_hold_the_separator_of_keys() {
        assert!("acme-1_B".parse::<CompanyId>().is_ok());
        for wrong in ["", "a#b", "a b", "ä", &"x".repeat(65)] {
            assert!(wrong.parse::<CompanyId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let early = ContactId::generate("2026-01-01T00:00:00.001Z".parse().unwrap());
        let late = ContactId::generate("2026-01-01T00:00:00.002Z".parse().unwrap());
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(late.created_at(), Some("2026-01-01T00:00:00.002Z".parse().unwrap()));
    }
}
