//! The `/_local` endpoints for the companies, teams and people of the simulated Launchpad, and for
//! tokens.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::response::{ErrorResponse, data};
use super::state::{ControlState, flags_by_company};
use crate::identity::DEFAULT_LIFETIME;
use crate::upstreams::{Directory, Person, Upserts};

#[derive(Deserialize)]
pub(super) struct User {
    user: String,
}

/// `GET /_local/token?user={sso, handle or email}`: issues a token for a person.
pub(super) async fn token(
    State(state): State<ControlState>,
    user: Result<Query<User>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    let Query(User { user }) =
        user.map_err(|rejection| ErrorResponse::invalid(rejection.body_text()))?;
    let person = state.directory.find(&user).ok_or_else(|| unknown(&state.directory, &user))?;
    let claims = person.claims(&state.issuer, &state.audience);
    let token = state.identity.issue(&claims, DEFAULT_LIFETIME).map_err(|error| {
        ErrorResponse::new(StatusCode::INTERNAL_SERVER_ERROR, "TOKEN_NOT_ISSUED", error.to_string())
    })?;
    Ok(Json(json!({ "token": token })).into_response())
}

fn unknown(directory: &Directory, user: &str) -> ErrorResponse {
    let people = directory.people();
    let handles: Vec<&str> = people.iter().filter_map(|one| one.handle.as_deref()).collect();
    let message = format!("Unknown user `{user}`. Known users: {}.", handles.join(", "));
    ErrorResponse::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}

/// `GET /_local/users`: lists all people.
pub(super) async fn users(State(state): State<ControlState>) -> Response {
    let people = state.directory.people();
    let flags = flags_by_company(&state.flags, &people).await;
    let user = |person| user_json(&state.directory, person, flags.get(&person.company_sso_id));
    data(people.iter().map(user).collect::<Vec<_>>())
}

fn user_json(directory: &Directory, person: &Person, flags: Option<&Map<String, Value>>) -> Value {
    let company = directory.company(&person.company_sso_id);
    json!({
        "sso_id": person.sso_id,
        "handle": person.handle,
        "name": person.full_name,
        "email": person.email,
        "status": person.status,
        "company_sso_id": person.company_sso_id,
        "company_name": company.as_ref().map(|company| &company.name),
        "plan": company.as_ref().map(|company| &company.plan),
        "levels": person.levels,
        "flags": flags,
        "team_ids": person.team_ids,
        "expanded_team_ids": directory.expanded_team_ids(person),
    })
}

/// `POST /_local/directory`: adds or replaces companies, teams and people.
pub(super) async fn upsert(
    State(state): State<ControlState>,
    body: Bytes,
) -> Result<Response, ErrorResponse> {
    let upserts: Upserts = serde_json::from_slice(&body).map_err(ErrorResponse::invalid)?;
    let counts = json!({
        "companies": upserts.companies.len(),
        "teams": upserts.teams.len(),
        "people": upserts.people.len(),
    });
    state.directory.upsert(upserts).map_err(ErrorResponse::invalid)?;
    Ok(data(counts))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lifetime {
    seconds: u32,
}

/// `PUT /_local/token-lifetime`: sets the lifetime of the tokens that the sign-in issues from now
/// on. `GET /_local/token` does not change.
pub(super) async fn token_lifetime(
    State(state): State<ControlState>,
    body: Bytes,
) -> Result<Response, ErrorResponse> {
    let Lifetime { seconds } = serde_json::from_slice(&body).map_err(ErrorResponse::invalid)?;
    if seconds == 0 {
        return Err(ErrorResponse::invalid("`seconds` must be at least 1"));
    }
    state.lifetime.set(Duration::from_secs(seconds.into()));
    Ok(data(json!({ "seconds": seconds })))
}
