//! The provider's metadata (OpenID Connect Discovery 1.0) and its public key.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::SignIn;

/// `GET /.well-known/openid-configuration`
pub(super) async fn configuration(State(sign_in): State<SignIn>) -> Json<Value> {
    let issuer = &sign_in.settings.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "end_session_endpoint": format!("{issuer}/oauth2/logout"),
        "jwks_uri": format!("{issuer}/oauth2/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "profile", "email"],
        "claims_supported":
            ["sub", "name", "email", "company_sso_id", "iss", "aud", "iat", "exp", "nonce"],
    }))
}

/// `GET /oauth2/keys`: the public key of the tokens' signatures (RFC 7517).
pub(super) async fn keys(State(sign_in): State<SignIn>) -> Json<Value> {
    Json(json!({ "keys": [sign_in.settings.identity.public_key()] }))
}
