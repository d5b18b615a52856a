//! The identity provider. It issues the IAG tokens, which the authorizer of API Gateway checks
//! (SPEC §1).

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::clock::Clock;

/// The client id of the web console at the sign-in.
pub const CONSOLE_CLIENT: &str = "console";

/// Lifetime of a token, unless another one is set.
pub const DEFAULT_LIFETIME: Duration = Duration::from_hours(12);
/// Name of the file under `--data` that contains the key.
const FILE: &str = "identity.p8";
/// The header of every issued token.
const HEADER: &str = r#"{"typ":"JWT","alg":"ES256"}"#;

/// The claims of a token, except the claims for its times.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer of the token: a URL.
    pub iss: String,
    /// Audience of the token: the name of the service.
    pub aud: String,
    /// SSO UUID of the user.
    pub sub: String,
    /// SSO id of the user's company, which is the tenant.
    pub company_sso_id: String,
    /// Display name of the user; absent if the user has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Email address of the user.
    pub email: String,
}

#[derive(Serialize)]
struct Timed<'a, C> {
    #[serde(flatten)]
    claims: &'a C,
    iat: i64,
    exp: i64,
}

/// The reason why there is no key for signing tokens.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file cannot be read or written.
    #[error("the file of the signing key cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// The key file does not contain an ES256 key, or a new key could not be created.
    #[error("the signing key is not a valid ES256 key")]
    Invalid,
}

/// The reason why a token is not issued or not accepted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The claims cannot be encoded or signed.
    #[error("the token cannot be signed")]
    Signing,
    /// The token is not a JSON Web Token in compact form (RFC 7515 §7.1).
    #[error("the token is malformed")]
    Malformed,
    /// The `alg` in the header is not ES256.
    #[error("the token's algorithm is not ES256")]
    Algorithm,
    /// The signature does not match. For example, another key signed the token.
    #[error("the token's signature is not valid")]
    Signature,
    /// The claim with this name is missing or has another value than the expected value.
    #[error("the token's claim `{0}` is missing or not the expected one")]
    Claim(&'static str),
    /// The time in `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// The time in `nbf` or `iat` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
}

/// Lifetime of the tokens that the sign-in issues. Clones share it.
#[derive(Clone, Debug)]
pub struct TokenLifetime(Arc<AtomicU64>);

impl TokenLifetime {
    /// Creates a lifetime, in whole seconds.
    #[must_use]
    pub fn new(lifetime: Duration) -> Self {
        Self(Arc::new(AtomicU64::new(lifetime.as_secs())))
    }

    /// The lifetime of the next token.
    #[must_use]
    pub fn get(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }

    /// Changes the lifetime of the following tokens.
    pub fn set(&self, lifetime: Duration) {
        self.0.store(lifetime.as_secs(), Ordering::Relaxed);
    }
}

/// Signs and checks tokens with one ES256 key. Clones share the key.
#[derive(Clone)]
pub struct Identity {
    key: Arc<EcdsaKeyPair>,
    clock: Clock,
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads the key of an earlier run from the folder `data`, or creates a new key. With `None`,
    /// the key is always new and is not kept.
    pub fn start(data: Option<&Path>, clock: Clock) -> Result<Self, KeyError> {
        let pkcs8 = match data {
            None => new_key()?,
            Some(folder) => kept_key(folder)?,
        };
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random)
            .map_err(|_| KeyError::Invalid)?;
        Ok(Self { key: Arc::new(key), clock })
    }

    /// Issues a token with these claims and the claims for its times.
    pub fn issue(&self, claims: &impl Serialize, lifetime: Duration) -> Result<String, TokenError> {
        let iat = self.clock.now().as_second();
        let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let timed = Timed { claims, iat, exp: iat.saturating_add(seconds) };
        let payload = serde_json::to_vec(&timed).map_err(|_| TokenError::Signing)?;
        let mut token =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(HEADER), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.key.sign(&SystemRandom::new(), token.as_bytes());
        let signature = signature.map_err(|_| TokenError::Signing)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The public key that checks the tokens' signatures, as a JSON Web Key (RFC 7517).
    pub fn public_key(&self) -> Value {
        // An uncompressed point: a byte, and the two coordinates with 32 bytes each.
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        json!({
            "kty": "EC",
            "crv": "P-256",
            "alg": "ES256",
            "use": "sig",
            "x": URL_SAFE_NO_PAD.encode(x),
            "y": URL_SAFE_NO_PAD.encode(y),
        })
    }

    /// Checks a token as the JWT authorizer of API Gateway does, and returns its claims. The token
    /// must be signed with this key and be valid now. It must have this issuer and one of these
    /// audiences.
    pub fn verify(
        &self,
        token: &str,
        issuer: &str,
        audience: &[String],
    ) -> Result<Map<String, Value>, TokenError> {
        let claims = self.signed_claims(token)?;
        if !names_any(claims.get("iss"), |name| name == issuer) {
            return Err(TokenError::Claim("iss"));
        }
        if !names_any(claims.get("aud"), |name| audience.iter().any(|known| known == name)) {
            return Err(TokenError::Claim("aud"));
        }
        let now = self.clock.now().as_second();
        let time = |name| claims.get(name).and_then(Value::as_f64).map(|time| time as i64);
        if time("exp").ok_or(TokenError::Claim("exp"))? <= now {
            return Err(TokenError::Expired);
        }
        if ["nbf", "iat"].into_iter().filter_map(time).any(|from| from > now) {
            return Err(TokenError::NotYetValid);
        }
        Ok(claims)
    }

    /// Checks the algorithm and the signature of a token in compact form, and returns the payload.
    fn signed_claims(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        if json_part(header)?.get("alg").and_then(Value::as_str) != Some("ES256") {
            return Err(TokenError::Algorithm);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key())
            .verify(message.as_bytes(), &signature)
            .map_err(|_| TokenError::Signature)?;
        json_part(payload)
    }
}

/// Decodes a JSON object in base64url. The header and the payload of a token have this form.
fn json_part(part: &str) -> Result<Map<String, Value>, TokenError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}

/// Whether a claim has an accepted value. The claim is a string or an array of strings (RFC 7519
/// §4.1.3).
fn names_any(claim: Option<&Value>, accepted: impl Fn(&str) -> bool) -> bool {
    match claim {
        Some(Value::String(name)) => accepted(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(accepted),
        _ => false,
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

/// Creates a file that only its owner can read, on systems with file permissions.
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
    fn a_token_is_valid_for_its_issuer_and_audience_only() {
        let identity = Identity::start(None, Clock::System).unwrap();
        let token = identity.issue(&claims(), DEFAULT_LIFETIME).unwrap();
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
    fn a_changed_token_is_refused() {
        let identity = Identity::start(None, Clock::System).unwrap();
        let token = identity.issue(&claims(), DEFAULT_LIFETIME).unwrap();
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!("{token}");
        };
        assert_eq!(URL_SAFE_NO_PAD.decode(header).unwrap(), br#"{"typ":"JWT","alg":"ES256"}"#);

        for algorithm in [r#"{"typ":"JWT","alg":"none"}"#, r#"{"alg":"HS256"}"#, "{}"] {
            let header = URL_SAFE_NO_PAD.encode(algorithm);
            let error = verify(&identity, &format!("{header}.{payload}.{signature}")).unwrap_err();
            assert!(matches!(error, TokenError::Algorithm), "{error}");
        }
        let mut other = claims();
        other.sub = "0b".to_owned();
        let other = identity.issue(&other, DEFAULT_LIFETIME).unwrap();
        let other_payload = other.split('.').nth(1).unwrap();
        for changed in [
            format!("{header}.{other_payload}.{signature}"),
            format!("{header}.{payload}."),
            format!("{header}.{payload}.{}", &signature[..40]),
        ] {
            let error = verify(&identity, &changed).unwrap_err();
            assert!(matches!(error, TokenError::Signature), "{error}");
        }
        for malformed in ["", "a", "..", &format!("{header}.{payload}"), &format!("{token}=")] {
            let error = verify(&identity, malformed).unwrap_err();
            assert!(matches!(error, TokenError::Malformed), "{malformed}: {error}");
        }
    }

    #[test]
    fn an_audience_is_a_string_or_an_array() {
        let accepted = |claim: Value| names_any(Some(&claim), |name| name == "contact-service");
        assert!(accepted("contact-service".into()));
        assert!(accepted(vec!["other", "contact-service"].into()));
        assert!(!accepted(vec!["other"].into()));
        assert!(!accepted(Value::Null));
        assert!(!names_any(None, |_| true));
    }

    #[test]
    fn a_token_expires_after_its_lifetime() {
        let clock = Clock::manual(Timestamp::from_second(1_800_000_000).unwrap());
        let identity = Identity::start(None, clock.clone()).unwrap();
        let token = identity.issue(&claims(), DEFAULT_LIFETIME).unwrap();
        clock.advance(SignedDuration::from_secs(12 * 3600 - 1));
        assert!(verify(&identity, &token).is_ok());
        clock.advance(SignedDuration::from_secs(1));
        assert!(matches!(verify(&identity, &token), Err(TokenError::Expired)));
        clock.advance(SignedDuration::from_secs(-13 * 3600));
        assert!(matches!(verify(&identity, &token), Err(TokenError::NotYetValid)));
    }

    #[test]
    fn a_key_under_data_is_kept_for_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let first = Identity::start(Some(folder.path()), Clock::System).unwrap();
        let token = first.issue(&claims(), DEFAULT_LIFETIME).unwrap();
        let second = Identity::start(Some(folder.path()), Clock::System).unwrap();
        assert!(verify(&second, &token).is_ok());
    }
}
