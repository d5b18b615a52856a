//! The simulated Launchpad: people, teams, permissions and companies (SPEC §1). The response bodies
//! have the form in RFC §2.4.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::directory::{Directory, Person, Team};
use super::response::{error, with_faults};
use super::secrets::{AcceptedSecrets, LAUNCHPAD_USER};
use crate::aws::{Faults, Target};

/// Number of entries in a page if the request does not set it.
const DEFAULT_PER_PAGE: usize = 25;
/// Largest number of entries in a page.
const MAX_PER_PAGE: usize = 100;

/// Creates a router with all routes. Each route requires the service token. The faults with a
/// target `launchpad.*` apply to the routes.
pub(super) fn router(directory: Directory, faults: Faults, accepted: AcceptedSecrets) -> Router {
    Router::new()
        .route("/private/users/{sso_id}/teams", get(user_teams))
        .route("/private/users/{sso_id}/permissions", get(user_permissions))
        .route("/private/companies/{company_sso_id}", get(company))
        .route("/iag/v1/users", get(users))
        .route("/iag/v1/users/{id}", get(user))
        .route("/iag/v1/teams", get(teams))
        .fallback(async || not_found())
        .with_state(directory)
        .layer(middleware::from_fn_with_state(accepted, authenticate))
        .layer(middleware::from_fn_with_state(faults, inject_faults))
}

async fn authenticate(
    State(accepted): State<AcceptedSecrets>,
    request: Request,
    next: Next,
) -> Response {
    if !is_authorized(request.headers(), &accepted) {
        return error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "The service token is wrong.");
    }
    next.run(request).await
}

async fn inject_faults(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    match target(request.uri().path()) {
        Some(target) => with_faults(&faults, target, request, next).await,
        None => next.run(request).await,
    }
}

fn target(path: &str) -> Option<Target> {
    if path.ends_with("/permissions") {
        Some(Target::LaunchpadPermissions)
    } else if path.ends_with("/teams") {
        Some(Target::LaunchpadTeams)
    } else if path.starts_with("/private/companies/") {
        Some(Target::LaunchpadCompanies)
    } else if path.starts_with("/iag/v1/users") {
        Some(Target::LaunchpadUsers)
    } else {
        None
    }
}

fn is_authorized(headers: &HeaderMap, accepted: &AcceptedSecrets) -> bool {
    let token = |password: &str| STANDARD.encode(format!("{LAUNCHPAD_USER}:{password}"));
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .is_some_and(|given| accepted.any(|password| given == token(password)))
}

fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "NOT_FOUND", "Not found.")
}

fn respond(data: Option<Value>) -> Response {
    data.map_or_else(not_found, |data| Json(json!({ "data": data })).into_response())
}

#[derive(Deserialize)]
struct Expansion {
    #[serde(default)]
    include_descendants: bool,
}

async fn user_teams(
    State(directory): State<Directory>,
    Path(sso_id): Path<String>,
    query: Result<Query<Expansion>, QueryRejection>,
) -> Response {
    let Query(Expansion { include_descendants }) = match query {
        Ok(query) => query,
        Err(rejection) => return bad_query(&rejection),
    };
    respond(by_sso_id(&directory, &sso_id).map(|person| {
        let teams = directory.teams(&person);
        let team_ids: Vec<String> = teams.iter().map(|team| team.id.clone()).collect();
        let expanded = if include_descendants {
            directory.expanded_team_ids(&person)
        } else {
            team_ids.clone()
        };
        json!({
            "user_sso_id": person.sso_id,
            "team_ids": team_ids,
            "expanded_team_ids": expanded,
            "teams": teams.iter().map(team_json).collect::<Value>(),
        })
    }))
}

/// The person with this SSO UUID. The private routes do not accept legacy ids.
fn by_sso_id(directory: &Directory, sso_id: &str) -> Option<Person> {
    directory.person(sso_id).filter(|person| person.sso_id.eq_ignore_ascii_case(sso_id))
}

async fn user_permissions(
    State(directory): State<Directory>,
    Path(sso_id): Path<String>,
) -> Response {
    respond(by_sso_id(&directory, &sso_id).map(|person| {
        person
            .levels
            .iter()
            .map(|(name, level)| {
                json!({ "name": name, "is_enabled": level != "disabled", "level": level })
            })
            .collect()
    }))
}

async fn company(
    State(directory): State<Directory>,
    Path(company_sso_id): Path<String>,
) -> Response {
    respond(directory.company(&company_sso_id).map(|company| {
        json!({
            "id": company.launchpad_id(),
            "name": company.name,
            "plan": company.plan,
            "locale": company.locale,
        })
    }))
}

#[derive(Deserialize)]
struct Scoped {
    company_sso_id: Option<String>,
}

async fn user(
    State(directory): State<Directory>,
    Path(id): Path<String>,
    query: Result<Query<Scoped>, QueryRejection>,
) -> Response {
    let Query(Scoped { company_sso_id }) = match query {
        Ok(query) => query,
        Err(rejection) => return bad_query(&rejection),
    };
    let person = directory
        .person(&id)
        .filter(|person| company_sso_id.is_none_or(|company| company == person.company_sso_id));
    respond(person.map(|person| person_json(&directory, &person)))
}

#[derive(Deserialize)]
struct Listing {
    company_sso_id: String,
    #[serde(default)]
    query: String,
    page: Option<usize>,
    per_page: Option<usize>,
}

async fn users(
    State(directory): State<Directory>,
    listing: Result<Query<Listing>, QueryRejection>,
) -> Response {
    match listing {
        Ok(Query(listing)) => {
            let people = directory.search(&listing.company_sso_id, &listing.query);
            page(&listing, &people, |person| person_json(&directory, person))
        }
        Err(rejection) => bad_query(&rejection),
    }
}

async fn teams(
    State(directory): State<Directory>,
    listing: Result<Query<Listing>, QueryRejection>,
) -> Response {
    match listing {
        Ok(Query(listing)) => {
            page(&listing, &directory.company_teams(&listing.company_sso_id), team_json)
        }
        Err(rejection) => bad_query(&rejection),
    }
}

fn bad_query(rejection: &QueryRejection) -> Response {
    error(StatusCode::BAD_REQUEST, "INVALID_REQUEST", &rejection.body_text())
}

fn page<T>(listing: &Listing, all: &[T], to_json: impl Fn(&T) -> Value) -> Response {
    let page = listing.page.unwrap_or(1).max(1);
    let per_page = listing.per_page.unwrap_or(DEFAULT_PER_PAGE).clamp(1, MAX_PER_PAGE);
    let skipped = (page - 1).saturating_mul(per_page);
    let data: Vec<Value> = all.iter().skip(skipped).take(per_page).map(to_json).collect();
    let meta = json!({ "page": page, "per_page": per_page, "total": all.len() });
    Json(json!({ "data": data, "meta": meta })).into_response()
}

fn team_json(team: &Team) -> Value {
    json!({ "id": team.id, "name": team.name, "parent_id": team.parent_id })
}

fn person_json(directory: &Directory, person: &Person) -> Value {
    let teams = directory.teams(person);
    json!({
        "sso_id": person.sso_id,
        "company_sso_id": person.company_sso_id,
        "full_name": person.full_name,
        "email": person.email,
        "avatar": person.avatar,
        "status": person.status,
        "staff_level": person.staff_level,
        "teams": teams.iter().map(|team| json!({ "id": team.id, "name": team.name })).collect::<Value>(),
    })
}
