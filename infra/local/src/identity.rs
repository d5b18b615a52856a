//! The identity provider: issues the IAG tokens that API Gateway's authorizer checks (SPEC §1).

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::Clock;

/// Lifetime of a token in seconds: 12 hours.
const LIFETIME_SECONDS: i64 = 12 * 60 * 60;
/// The key under `--data`.
const FILE: &str = "identity.p8";

/// What a token says about its bearer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer, a URL.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// The user's SSO UUID.
    pub sub: String,
    /// The tenant.
    pub company_sso_id: String,
    /// Display name, absent for somebody without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Email address.
    pub email: String,
}

#[derive(Serialize)]
struct Timed<'a> {
    #[serde(flatten)]
    claims: &'a Claims,
    iat: i64,
    exp: i64,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file cannot be read or written.
    #[error("the signing key cannot be kept: {0}")]
    Io(#[from] io::Error),
    /// The key file does not hold an ES256 key, or none could be made.
    #[error("the signing key is not a valid ES256 key")]
    Invalid,
}

/// Why a token is refused.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// No token, a wrong signature, algorithm, issuer or audience, or a claim is missing.
    #[error("{0}")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    /// Past its `exp`.
    #[error("the token has expired")]
    Expired,
    /// Before its `nbf` or `iat`.
    #[error("the token is not valid yet")]
    NotYetValid,
}

/// Signs and checks tokens with one ES256 key.
#[derive(Clone)]
pub struct Identity {
    keys: Arc<(EncodingKey, DecodingKey)>,
    clock: Clock,
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// With a new key, or under `data` with the one of the run before.
    ///
    /// # Errors
    /// [`KeyError`] when the key cannot be made, read or kept.
    pub fn start(data: Option<&Path>, clock: Clock) -> Result<Self, KeyError> {
        let pkcs8 = match data {
            None => new_key()?,
            Some(folder) => kept_key(folder)?,
        };
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random)
            .map_err(|_| KeyError::Invalid)?;
        let decoding = DecodingKey::from_ec_der(pair.public_key().as_ref());
        Ok(Self { keys: Arc::new((EncodingKey::from_ec_der(&pkcs8), decoding)), clock })
    }

    /// A token valid for 12 hours from now.
    ///
    /// # Errors
    /// When the claims cannot be encoded or signed.
    pub fn issue(&self, claims: &Claims) -> Result<String, TokenError> {
        let iat = self.clock.now().as_second();
        let timed = Timed { claims, iat, exp: iat + LIFETIME_SECONDS };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::ES256), &timed, &self.keys.0)?)
    }

    /// The claims of a token that is signed by this key, for this audience, from this issuer,
    /// and valid now, as API Gateway's JWT authorizer checks.
    ///
    /// # Errors
    /// [`TokenError`] says what is wrong with it.
    pub fn verify(
        &self,
        token: &str,
        issuer: &str,
        audience: &[String],
    ) -> Result<Map<String, Value>, TokenError> {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(audience);
        // Times are checked here, by the clock that everything else uses.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &self.keys.1, &validation)?;
        let claims = claims.claims;
        let now = self.clock.now().as_second();
        let time = |name| claims.get(name).and_then(Value::as_f64).map(|time| time as i64);
        if time("exp").is_none_or(|exp| exp <= now) {
            return Err(TokenError::Expired);
        }
        if ["nbf", "iat"].into_iter().filter_map(time).any(|from| from > now) {
            return Err(TokenError::NotYetValid);
        }
        Ok(claims)
    }
}

fn new_key() -> Result<Vec<u8>, KeyError> {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    key.map(|key| key.as_ref().to_vec()).map_err(|_| KeyError::Invalid)
}

fn kept_key(folder: &Path) -> Result<Vec<u8>, KeyError> {
    let path = folder.join(FILE);
    match fs::read(&path) {
        Ok(key) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            let key = new_key()?;
            private_file(&path)?.write_all(&key)?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}

/// Readable by its owner alone, where the system knows owners.
fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{SignedDuration, Timestamp};

    fn claims() -> Claims {
        Claims {
            iss: "https://iag.example.com/".to_owned(),
            aud: "contact-service".to_owned(),
            sub: "0a".to_owned(),
            company_sso_id: "c".to_owned(),
            name: Some("Maya".to_owned()),
            email: "maya@example.com".to_owned(),
        }
    }

    fn verify(identity: &Identity, token: &str) -> Result<Map<String, Value>, TokenError> {
        identity.verify(token, "https://iag.example.com/", &["contact-service".to_owned()])
    }

    #[test]
    fn a_token_is_good_for_its_issuer_and_audience_only() {
        let identity = Identity::start(None, Clock::System).unwrap();
        let token = identity.issue(&claims()).unwrap();
        let verified = verify(&identity, &token).unwrap();
        assert_eq!(verified["company_sso_id"], "c");
        assert_eq!(verified["name"], "Maya");

        let audience = ["contact-service".to_owned()];
        assert!(identity.verify(&token, "https://other/", &audience).is_err());
        assert!(identity.verify(&token, "https://iag.example.com/", &["x".to_owned()]).is_err());
        let other = Identity::start(None, Clock::System).unwrap();
        assert!(verify(&other, &token).is_err());
        assert!(verify(&identity, "not.a.token").is_err());
    }

    #[test]
    fn a_token_dies_after_twelve_hours() {
        let clock = Clock::manual(Timestamp::from_second(1_800_000_000).unwrap());
        let identity = Identity::start(None, clock.clone()).unwrap();
        let token = identity.issue(&claims()).unwrap();
        clock.advance(SignedDuration::from_secs(12 * 3600 - 1));
        assert!(verify(&identity, &token).is_ok());
        clock.advance(SignedDuration::from_secs(1));
        assert!(matches!(verify(&identity, &token), Err(TokenError::Expired)));
        clock.advance(SignedDuration::from_secs(-13 * 3600));
        assert!(matches!(verify(&identity, &token), Err(TokenError::NotYetValid)));
    }

    #[test]
    fn a_kept_key_outlives_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let first = Identity::start(Some(folder.path()), Clock::System).unwrap();
        let token = first.issue(&claims()).unwrap();
        let second = Identity::start(Some(folder.path()), Clock::System).unwrap();
        assert!(verify(&second, &token).is_ok());
    }
}
