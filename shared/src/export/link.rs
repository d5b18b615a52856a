//! Capability links: whoever has the token has the file, without signing in (SPEC §4).

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Job, JobRef, Jobs};
use crate::{
    hash::sha256,
    table::{EXPIRES_AT, Key, TableError, attribute, to_item},
};

/// The random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// How long a link is remembered after its file is gone, to say "expired" instead of "unknown".
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The token of a link. The table knows only its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken(String);

/// A text that is no token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not a valid download token")]
pub struct NotAToken;

/// A link that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The system gave no random bytes.
    #[error("could not get random bytes from the system")]
    Random,
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
}

#[derive(Serialize, Deserialize)]
struct LinkRecord {
    job: JobRef,
}

impl LinkToken {
    /// A new token out of 32 random bytes.
    ///
    /// # Errors
    /// [`LinkError::Random`].
    pub fn generate() -> Result<Self, LinkError> {
        let mut bytes = [0; TOKEN_BYTES];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut bytes).map_err(|_| LinkError::Random)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The token's text, for the link alone: never for a log.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn key(&self) -> Key {
        Key::link(&sha256(&self.0))
    }
}

impl FromStr for LinkToken {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAToken)?;
        if bytes.len() == TOKEN_BYTES { Ok(Self(text.to_owned())) } else { Err(NotAToken) }
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(…)")
    }
}

impl Jobs {
    /// Makes a link to a completed job's file. A job may have several: each lives as long as the
    /// file, and is remembered for a while after.
    ///
    /// # Errors
    /// When there is no randomness, or as the table says.
    pub async fn create_link(&self, job: &Job) -> Result<LinkToken, LinkError> {
        let token = LinkToken::generate()?;
        let mut item = to_item(&token.key(), &LinkRecord { job: job.at() })?;
        let until = job.expires_at.unwrap_or(job.created_at) + REMEMBERED;
        item.insert(EXPIRES_AT.to_owned(), attribute(until.as_second()).map_err(LinkError::from)?);
        self.table().put(item).await?;
        Ok(token)
    }

    /// The job that a link leads to; `None` for a link that nobody made.
    ///
    /// # Errors
    /// As the table says.
    pub async fn follow(&self, token: &LinkToken) -> Result<Option<Job>, TableError> {
        match self.table().get::<LinkRecord>(&token.key(), true).await? {
            Some(link) => self.get(&link.job).await,
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_32_random_bytes_and_is_never_printed() {
        let (one, other) = (LinkToken::generate().unwrap(), LinkToken::generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.as_str().parse(), Ok(one.clone()));
        assert_eq!(one.as_str().len(), 43);
        assert!(!format!("{one:?}").contains(one.as_str()));
    }

    #[test]
    fn other_texts_are_no_token() {
        for text in ["", "a", "../x", &"A".repeat(42), &"A".repeat(44), &"é".repeat(43)] {
            assert_eq!(text.parse::<LinkToken>(), Err(NotAToken), "{text}");
        }
    }

    #[test]
    fn the_key_holds_no_token() {
        let token = LinkToken::generate().unwrap();
        let key = token.key();
        assert!(!key.pk.contains(token.as_str()) && !key.sk.contains(token.as_str()));
    }
}
