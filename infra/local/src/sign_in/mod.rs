//! The sign-in of web applications: an OpenID Connect provider with the authorization code flow and
//! PKCE (RFC 7636). Instead of asking for a password, its page lets the user choose a person of the
//! directory.
//!
//! | file | content |
//! |---|---|
//! | `authorize` | the authorization endpoint with its page, and the end of a session |
//! | `codes` | the authorization codes |
//! | `token` | the token endpoint |
//! | `metadata` | the provider's metadata and keys |

mod authorize;
mod codes;
mod metadata;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::HeaderValue;
use http::header::CACHE_CONTROL;
use shared::clock::Clock;

use crate::control::Flags;
use crate::identity::{Identity, TokenLifetime};
use crate::upstreams::Directory;
use codes::Codes;

/// The data that the sign-in uses.
#[derive(Clone)]
pub struct SignInState {
    /// Signs tokens.
    pub identity: Identity,
    /// Lifetime of the tokens.
    pub lifetime: TokenLifetime,
    /// Issuer of the tokens: the base URL of these endpoints.
    pub issuer: String,
    /// Audience of the access tokens, as the template's authorizer expects it.
    pub audience: String,
    /// The origins of the web applications to which a user may return.
    pub origins: Arc<[String]>,
    /// The people who can sign in.
    pub directory: Directory,
    /// Reads the feature flags of a company from the table.
    pub flags: Flags,
    /// The source of the current time.
    pub clock: Clock,
}

impl fmt::Debug for SignInState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignInState").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct SignIn {
    settings: SignInState,
    codes: Codes,
}

/// Creates a router for the provider's endpoints, under the paths that its metadata names.
pub fn router(settings: SignInState) -> Router {
    let codes = Codes::new(settings.clock.clone());
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata::configuration))
        .route("/oauth2/keys", get(metadata::keys))
        .route("/oauth2/authorize", get(authorize::authorize))
        .route("/oauth2/sign-in.css", get(authorize::style_sheet))
        .route("/oauth2/token", post(token::token))
        .route("/oauth2/logout", get(authorize::log_out))
        .layer(axum::middleware::map_response(not_cached))
        .with_state(SignIn { settings, codes })
}

/// Codes, tokens and the list of people do not belong into a cache.
async fn not_cached(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
