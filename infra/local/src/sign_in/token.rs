//! The token endpoint (RFC 6749 §4.1.3).

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::SignIn;
use super::codes::Grant;
use crate::identity::{Claims, TokenError};
use crate::upstreams::Status;

/// Why a request for tokens is refused (RFC 6749 §5.2).
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenRequestError {
    #[error("the parameter `{0}` is missing")]
    Missing(&'static str),
    #[error("the grant type must be `authorization_code`")]
    GrantType,
    #[error("the code is unknown, expired or already used; sign in again")]
    Code,
    #[error("the parameter `{0}` differs from the value at the start of the sign-in")]
    Changed(&'static str),
    #[error("the person can no longer sign in")]
    Person,
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl IntoResponse for TokenRequestError {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Missing(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::GrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::Code | Self::Changed(_) | Self::Person => {
                (StatusCode::BAD_REQUEST, "invalid_grant")
            }
            Self::Token(_) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        };
        let body = json!({ "error": error, "error_description": self.to_string() });
        (status, Json(body)).into_response()
    }
}

/// The claims of an id token.
#[derive(Serialize)]
struct IdClaims<'a> {
    #[serde(flatten)]
    claims: Claims,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

/// `POST /oauth2/token`: exchanges a code for an access token and an id token.
pub(super) async fn token(
    State(sign_in): State<SignIn>,
    body: Bytes,
) -> Result<Response, TokenRequestError> {
    let form: HashMap<_, _> = url::form_urlencoded::parse(&body).into_owned().collect();
    let grant = redeem(&sign_in, &form)?;
    let settings = &sign_in.settings;
    let person = settings.directory.person(&grant.person);
    let person = person.filter(|person| person.status == Status::Active);
    let person = person.ok_or(TokenRequestError::Person)?;

    let lifetime = settings.lifetime.get();
    let claims = |audience: &str| person.claims(&settings.issuer, audience);
    let access = settings.identity.issue(&claims(&settings.audience), lifetime)?;
    let id = IdClaims { claims: claims(&grant.client_id), nonce: grant.nonce.as_deref() };
    let id = settings.identity.issue(&id, lifetime)?;
    let body = json!({
        "access_token": access,
        "id_token": id,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
        "scope": grant.scope,
    });
    Ok(Json(body).into_response())
}

/// Checks the request, and uses its code up.
fn redeem(sign_in: &SignIn, form: &HashMap<String, String>) -> Result<Grant, TokenRequestError> {
    let value = |name| form.get(name).ok_or(TokenRequestError::Missing(name));
    if value("grant_type")? != "authorization_code" {
        return Err(TokenRequestError::GrantType);
    }
    let (code, verifier) = (value("code")?, value("code_verifier")?);
    let (client_id, redirect_uri) = (value("client_id")?, value("redirect_uri")?);
    let grant = sign_in.codes.redeem(code).ok_or(TokenRequestError::Code)?;
    if *client_id != grant.client_id {
        return Err(TokenRequestError::Changed("client_id"));
    }
    if *redirect_uri != grant.redirect_uri {
        return Err(TokenRequestError::Changed("redirect_uri"));
    }
    if !grant.is_verified_by(verifier) {
        return Err(TokenRequestError::Changed("code_verifier"));
    }
    Ok(grant)
}
