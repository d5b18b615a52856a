//! Download links. A link contains a secret token and gives access to a file without a sign-in
//! (SPEC §4).

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use rustls::crypto::GetRandomFailed;
use serde::{Deserialize, Serialize};

use super::{
    job::{Job, JobRef},
    jobs::Jobs,
};
use crate::{
    hash::sha256,
    table::{EXPIRES_AT, Key, TableError, attribute, to_item},
};

/// The number of random bytes in a token.
const TOKEN_BYTES: usize = 32;
/// The time for which a link is stored after its file expired. During this time, the response for
/// the link is "expired" and not "not found".
const KEPT_AFTER_EXPIRY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The secret token of a link. The table stores only its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken(String);

/// The text is not a valid token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not a valid download token")]
pub struct NotAToken;

/// Why a link was not created.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The operating system returned no random bytes. It gave no reason.
    #[error("could not get random bytes from the system")]
    Random,
    /// The call to the table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

#[derive(Serialize, Deserialize)]
struct LinkRecord {
    job: JobRef,
}

impl LinkToken {
    /// Creates a token from 32 random bytes.
    pub fn generate() -> Result<Self, LinkError> {
        let mut bytes = [0; TOKEN_BYTES];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut bytes).map_err(|GetRandomFailed| LinkError::Random)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The token as text. Use it only in the link, and never log it.
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
    /// Creates a link to the file of a completed job. A job may have several links. Each link is
    /// valid until the file expires, and is stored for 30 days after that.
    pub async fn create_link(&self, job: &Job) -> Result<LinkToken, LinkError> {
        let token = LinkToken::generate()?;
        let mut item = to_item(&token.key(), &LinkRecord { job: job.reference() })?;
        let until = job.expires_at.unwrap_or(job.created_at) + KEPT_AFTER_EXPIRY;
        item.insert(EXPIRES_AT.to_owned(), attribute(until.as_second()).map_err(LinkError::from)?);
        self.table().put(item).await?;
        Ok(token)
    }

    /// Finds the job of a link. `None` if the token is unknown or the job no longer exists.
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
