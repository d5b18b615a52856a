//! The authorization endpoint. Its page shows the people of the directory. Choosing a person opens
//! the same address again with the person's id, which leads back to the web application.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::extract::{Query, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use shared::error::chain;
use url::{Url, form_urlencoded};

use super::SignIn;
use super::codes::Grant;
use crate::control::flags_by_company;
use crate::identity::CONSOLE_CLIENT;
use crate::upstreams::{Person, Status};

/// Nothing but the page's own style sheet.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The parameters of a request for authorization (RFC 6749 §4.1.1, RFC 7636 §4.3), and the person
/// who was chosen.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AuthorizationRequest {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    response_type: String,
    #[serde(default)]
    scope: String,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    /// `none` if no page may be shown.
    prompt: Option<String>,
    /// Handle or email address of the person who signed in before.
    login_hint: Option<String>,
    /// SSO UUID of the chosen person.
    person: Option<String>,
}

/// Why a request for authorization is refused.
#[derive(Debug, thiserror::Error)]
enum AuthorizationError {
    /// The user must not be sent back, because the address may be anybody's.
    #[error("the client `{0}` is unknown; the only client is `{CONSOLE_CLIENT}`")]
    Client(String),
    /// The user must not be sent back to this address.
    #[error(
        "the redirect_uri `{0}` is not an address of a web application that may call the API \
         (the parameter AllowOrigins)"
    )]
    Redirect(String),
    /// The web application is told, by the code and the description.
    #[error("{1}")]
    Refused(&'static str, &'static str),
}

/// `GET /oauth2/authorize`: shows the people, or sends the user back with a code for the chosen
/// person.
pub(super) async fn authorize(
    State(sign_in): State<SignIn>,
    Query(request): Query<AuthorizationRequest>,
    RawQuery(query): RawQuery,
) -> Response {
    match answer(&sign_in, &request, &query.unwrap_or_default()).await {
        Ok(response) => response,
        Err(AuthorizationError::Refused(code, description)) => send_back(
            &request.redirect_uri,
            request.state.as_deref(),
            &[("error", code), ("error_description", description)],
        ),
        Err(error) => {
            page(StatusCode::BAD_REQUEST, "refused.html", &context! { reason => error.to_string() })
        }
    }
}

async fn answer(
    sign_in: &SignIn,
    request: &AuthorizationRequest,
    query: &str,
) -> Result<Response, AuthorizationError> {
    let code_challenge = check(sign_in, request)?;
    let Some(person) = &request.person else {
        if request.prompt.as_deref() == Some("none") {
            let description = "a person must be chosen on the page";
            return Err(AuthorizationError::Refused("login_required", description));
        }
        return Ok(choose(sign_in, request, query).await);
    };
    let person = sign_in.settings.directory.person(person);
    let person = person.filter(|person| person.status == Status::Active);
    let person = person.ok_or(AuthorizationError::Refused(
        "access_denied",
        "the person is unknown or can no longer sign in",
    ))?;
    let code = sign_in.codes.issue(Grant {
        person: person.sso_id,
        client_id: request.client_id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        scope: request.scope.clone(),
        nonce: request.nonce.clone(),
        code_challenge: code_challenge.to_owned(),
    });
    Ok(send_back(&request.redirect_uri, request.state.as_deref(), &[("code", &code)]))
}

/// Checks the request, and returns its code challenge.
fn check<'a>(
    sign_in: &SignIn,
    request: &'a AuthorizationRequest,
) -> Result<&'a str, AuthorizationError> {
    if request.client_id != CONSOLE_CLIENT {
        return Err(AuthorizationError::Client(request.client_id.clone()));
    }
    if !is_own_page(sign_in, &request.redirect_uri) {
        return Err(AuthorizationError::Redirect(request.redirect_uri.clone()));
    }
    let refused = |code, description| Err(AuthorizationError::Refused(code, description));
    if request.response_type != "code" {
        return refused("unsupported_response_type", "the response type must be `code`");
    }
    if !request.scope.split(' ').any(|scope| scope == "openid") {
        return refused("invalid_scope", "the scope must contain `openid`");
    }
    match (request.code_challenge.as_deref(), request.code_challenge_method.as_deref()) {
        (Some(challenge), Some("S256")) if challenge.len() == 43 => Ok(challenge),
        _ => refused("invalid_request", "a code_challenge of the method S256 is required (PKCE)"),
    }
}

/// Whether an address belongs to a web application on this machine that may call the API.
fn is_own_page(sign_in: &SignIn, address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let origin = url.origin().ascii_serialization();
    sign_in.settings.origins.contains(&origin)
}

/// A person as a card of the page.
#[derive(Serialize)]
struct Card {
    name: String,
    email: String,
    company: String,
    plan: String,
    levels: String,
    teams: String,
    flags: String,
    /// The address that chooses the person; `None` if the person cannot sign in.
    address: Option<String>,
    is_suggested: bool,
}

async fn choose(sign_in: &SignIn, request: &AuthorizationRequest, query: &str) -> Response {
    let settings = &sign_in.settings;
    let hint = request.login_hint.as_deref().and_then(|hint| settings.directory.find(hint));
    let people = settings.directory.people();
    let flags = flags_by_company(&settings.flags, &people).await;
    let mut companies: Vec<(String, Vec<Card>)> = Vec::new();
    for person in &people {
        let mut card = card(sign_in, person, flags.get(&person.company_sso_id), query);
        card.is_suggested = hint.as_ref().is_some_and(|hint| hint.sso_id == person.sso_id);
        match companies.last_mut() {
            Some((last, cards)) if *last == card.company => cards.push(card),
            _ => companies.push((card.company.clone(), vec![card])),
        }
    }
    // The company of the person who signed in before comes first, then the one with the most people.
    companies.sort_by_key(|(_, cards)| {
        (!cards.iter().any(|card| card.is_suggested), Reverse(cards.len()))
    });
    page(StatusCode::OK, "choose.html", &context! { companies => Serde(companies) })
}

fn card(
    sign_in: &SignIn,
    person: &Person,
    flags: Option<&Map<String, serde_json::Value>>,
    query: &str,
) -> Card {
    let directory = &sign_in.settings.directory;
    let company = directory.company(&person.company_sso_id);
    let teams: Vec<String> = directory.teams(person).into_iter().map(|team| team.name).collect();
    let on = flags.into_iter().flatten().filter(|(_, on)| **on == serde_json::Value::Bool(true));
    let on: Vec<&str> = on.map(|(flag, _)| flag.as_str()).collect();
    let address = || {
        let choice = form_urlencoded::Serializer::new(String::new())
            .append_pair("person", &person.sso_id)
            .finish();
        format!("/oauth2/authorize?{query}&{choice}")
    };
    Card {
        name: person.full_name.clone().unwrap_or_else(|| person.email.clone()),
        email: person.email.clone(),
        company: company.as_ref().map_or_else(String::new, |company| company.name.clone()),
        plan: company.map_or_else(String::new, |company| company.plan),
        levels: levels(&person.levels),
        teams: teams.join(", "),
        flags: on.join(", "),
        address: (person.status == Status::Active).then(address),
        is_suggested: false,
    }
}

/// The levels in words: one level if all permissions have the same, else each with its permissions.
fn levels(levels: &BTreeMap<String, String>) -> String {
    let mut by_level: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (permission, level) in levels {
        let name = permission.strip_prefix("customers_").unwrap_or(permission);
        by_level.entry(level).or_default().push(name);
    }
    match by_level.len() {
        0 => "disabled".to_owned(),
        1 => by_level.into_keys().collect(),
        _ => {
            let parts =
                by_level.iter().map(|(level, names)| format!("{level}: {}", names.join(", ")));
            parts.collect::<Vec<_>>().join(" · ")
        }
    }
}

/// The parameter of a request to end the session.
#[derive(Debug, Default, Deserialize)]
pub(super) struct LogOut {
    #[serde(default)]
    post_logout_redirect_uri: String,
    state: Option<String>,
}

/// `GET /oauth2/logout`: sends the user back. There is no session to end, because each sign-in asks
/// for the person.
pub(super) async fn log_out(
    State(sign_in): State<SignIn>,
    Query(request): Query<LogOut>,
) -> Response {
    let address = request.post_logout_redirect_uri;
    if is_own_page(&sign_in, &address) {
        return send_back(&address, request.state.as_deref(), &[]);
    }
    let reason = AuthorizationError::Redirect(address).to_string();
    page(StatusCode::BAD_REQUEST, "refused.html", &context! { reason })
}

/// `GET /oauth2/sign-in.css`
pub(super) async fn style_sheet() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("sign-in.css")).into_response()
}

/// A page of this module: `name` is the file of its template.
fn page(status: StatusCode, name: &str, values: &Value) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    match render(name, values) {
        Ok(html) => (status, headers, html).into_response(),
        Err(error) => {
            tracing::error!(error = %chain(&error), "a page of the sign-in could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn render(name: &str, values: &Value) -> Result<String, minijinja::Error> {
    let mut pages = Environment::new();
    pages.add_template("choose.html", include_str!("choose.html"))?;
    pages.add_template("refused.html", include_str!("refused.html"))?;
    pages.get_template(name)?.render(values)
}

/// Sends the user back to the web application with these parameters.
fn send_back(address: &str, state: Option<&str>, parameters: &[(&str, &str)]) -> Response {
    let Ok(mut url) = Url::parse(address) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if !parameters.is_empty() || state.is_some() {
        let state = state.map(|state| ("state", state));
        url.query_pairs_mut().extend_pairs(parameters.iter().copied().chain(state));
    }
    match HeaderValue::try_from(url.as_str()) {
        Ok(address) => (StatusCode::FOUND, [(LOCATION, address)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
