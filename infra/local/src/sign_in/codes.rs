//! The authorization codes. A code is valid once and for one minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use shared::clock::Clock;
use uuid::Uuid;

/// The time in which a code must be exchanged for tokens.
const LIFETIME: SignedDuration = SignedDuration::from_secs(60);

/// What a person has agreed to at the authorization endpoint.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// SSO UUID of the person.
    pub(super) person: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    /// Value that the id token repeats.
    pub(super) nonce: Option<String>,
    /// The SHA-256 of the client's secret, in base64url (RFC 7636 §4.2).
    pub(super) code_challenge: String,
}

impl Grant {
    /// Whether `verifier` is the secret that the client had when it started the sign-in.
    pub(super) fn is_verified_by(&self, verifier: &str) -> bool {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == self.code_challenge
    }
}

/// The codes that were issued and not used. Clones share them.
#[derive(Clone)]
pub(super) struct Codes {
    grants: Arc<Mutex<HashMap<String, (Timestamp, Grant)>>>,
    clock: Clock,
}

impl Codes {
    pub(super) fn new(clock: Clock) -> Self {
        Self { grants: Arc::default(), clock }
    }

    /// Issues a code for a grant.
    pub(super) fn issue(&self, grant: Grant) -> String {
        let code = Uuid::new_v4().simple().to_string();
        let now = self.clock.now();
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        grants.retain(|_, (issued, _)| now.duration_since(*issued) <= LIFETIME);
        grants.insert(code.clone(), (now, grant));
        code
    }

    /// The grant of a code; `None` if the code is unknown, expired or used. The code is used then.
    pub(super) fn redeem(&self, code: &str) -> Option<Grant> {
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        let (issued, grant) = grants.remove(code)?;
        (self.clock.now().duration_since(issued) <= LIFETIME).then_some(grant)
    }
}
