//! The languages in which the service writes texts for users: headers of exported files, emails and
//! dates.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A supported language (SPEC §4, "Language and zone").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Indonesian.
    Id,
}

/// The error for a language that is not supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be en or id")]
pub struct UnknownLocale;

impl Locale {
    /// The language code in the API and in the directory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Id => "id",
        }
    }
}

impl FromStr for Locale {
    type Err = UnknownLocale;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "en" => Ok(Self::En),
            "id" => Ok(Self::Id),
            _ => Err(UnknownLocale),
        }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_parsed_from_its_own_text() {
        for locale in [Locale::En, Locale::Id] {
            assert_eq!(locale.to_string().parse(), Ok(locale));
        }
        assert_eq!("EN".parse::<Locale>(), Err(UnknownLocale));
    }
}
