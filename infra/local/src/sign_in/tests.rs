//! Tests of the sign-in, which play the web application.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt as _;
use url::{Url, form_urlencoded};

use super::*;
use crate::demo_company;

const ISSUER: &str = "http://127.0.0.1:3000";
const CALLBACK: &str = "http://127.0.0.1:3002/signed-in";
const VERIFIER: &str = "a-secret-of-the-web-application-that-is-long-enough";

struct Provider {
    router: Router,
    state: SignInState,
}

fn provider() -> Provider {
    let directory = Directory::new();
    directory.upsert(demo_company::directory()).unwrap();
    let clock = Clock::manual("2026-11-21T08:00:00Z".parse().unwrap());
    let state = SignInState {
        identity: Identity::start(None, clock.clone()).unwrap(),
        lifetime: TokenLifetime::new(Duration::from_secs(900)),
        issuer: ISSUER.to_owned(),
        audience: "contact-service".to_owned(),
        origins: Arc::from(["http://127.0.0.1:3002".to_owned()]),
        directory,
        flags: Arc::new(|_| {
            let flags = json!({ "cdp_team_permission_enabled": true });
            Box::pin(async move { flags.as_object().cloned().unwrap_or_default() })
        }),
        clock,
    };
    Provider { router: router(state.clone()), state }
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// The parameters of a valid request, with `changes` to them. An empty value removes a parameter.
fn request(changes: &[(&str, &str)]) -> String {
    let challenge = challenge(VERIFIER);
    let mut parameters = vec![
        ("client_id", "console"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid profile email"),
        ("state", "s&1"),
        ("nonce", "n"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

struct Answer {
    status: StatusCode,
    location: Option<Url>,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The value of a parameter of the address to which the user is sent back.
    fn parameter(&self, name: &str) -> Option<String> {
        let location = self.location.as_ref().unwrap();
        assert!(location.as_str().starts_with(CALLBACK), "{location}");
        let mut pairs = location.query_pairs();
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

impl Provider {
    async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        assert_eq!(parts.headers["cache-control"], "no-store");
        let location = parts.headers.get("location");
        let location = location.map(|value| Url::parse(value.to_str().unwrap()).unwrap());
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, location, text: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn get(&self, address: &str) -> Answer {
        self.send(Request::get(address).body(Body::empty()).unwrap()).await
    }

    async fn authorize(&self, changes: &[(&str, &str)]) -> Answer {
        self.get(&format!("/oauth2/authorize?{}", request(changes))).await
    }

    /// A code for Sinta.
    async fn code(&self) -> String {
        let sinta = demo_company::id("person", "sinta");
        let answer = self.authorize(&[("person", &sinta)]).await;
        assert_eq!(answer.status, StatusCode::FOUND);
        answer.parameter("code").unwrap()
    }

    async fn token(&self, code: &str, changes: &[(&str, &str)]) -> Answer {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("client_id", "console"),
            ("code_verifier", VERIFIER),
        ];
        form.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        form.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send(Request::post("/oauth2/token").body(Body::from(form)).unwrap()).await
    }

    fn claims(&self, token: &Value, audience: &str) -> Value {
        let verified =
            self.state.identity.verify(token.as_str().unwrap(), ISSUER, &[audience.to_owned()]);
        verified.unwrap().into()
    }
}

#[tokio::test]
async fn a_chosen_person_is_signed_in_with_tokens_for_the_api_and_for_the_application() {
    let provider = provider();
    let page = provider.authorize(&[]).await;
    assert_eq!(page.status, StatusCode::OK);
    let link = page.text.split("href=\"").find(|part| part.contains("Sinta Maharani")).unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&").replace("&#x2f;", "/");
    let answer = provider.get(&link).await;
    assert_eq!(answer.parameter("state").unwrap(), "s&1");

    let tokens = provider.token(&answer.parameter("code").unwrap(), &[]).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text);
    let tokens = tokens.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
    let access = provider.claims(&tokens["access_token"], "contact-service");
    assert_eq!(access["sub"], json!(demo_company::id("person", "sinta")));
    assert_eq!(access["company_sso_id"], json!(demo_company::id("company", "kopi")));
    assert_eq!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(), 900, "{access}");
    let id = provider.claims(&tokens["id_token"], "console");
    assert_eq!((&id["nonce"], &id["name"]), (&json!("n"), &json!("Sinta Maharani")));
}

#[tokio::test]
async fn a_code_is_valid_once_for_one_minute_and_for_the_client_that_asked_for_it() {
    let provider = provider();
    let refusal = |answer: Answer| {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        answer.json()["error"].as_str().unwrap().to_owned()
    };
    let code = provider.code().await;
    assert_eq!(provider.token(&code, &[]).await.status, StatusCode::OK);
    assert_eq!(refusal(provider.token(&code, &[]).await), "invalid_grant");

    let code = provider.code().await;
    provider.state.clock.advance(SignedDuration::from_secs(61));
    assert_eq!(refusal(provider.token(&code, &[]).await), "invalid_grant");

    let other_verifier = "b".repeat(50);
    for change in [
        ("code_verifier", other_verifier.as_str()),
        ("redirect_uri", "http://127.0.0.1:3002/other"),
        ("client_id", "other"),
    ] {
        let code = provider.code().await;
        assert_eq!(refusal(provider.token(&code, &[change]).await), "invalid_grant", "{change:?}");
        // A wrong request uses the code up, so that no one can guess the verifier.
        assert_eq!(refusal(provider.token(&code, &[]).await), "invalid_grant", "{change:?}");
    }
    let code = provider.code().await;
    assert_eq!(refusal(provider.token(&code, &[("code_verifier", "")]).await), "invalid_request");
    let changed = [("grant_type", "password")];
    assert_eq!(refusal(provider.token(&code, &changed).await), "unsupported_grant_type");
}

#[tokio::test]
async fn a_user_is_never_sent_to_a_foreign_page() {
    let provider = provider();
    for address in [
        "",
        "https://evil.example/signed-in",
        "http://127.0.0.1:3002.evil.example/",
        "javascript:alert(1)",
        "//evil.example",
    ] {
        let answer = provider.authorize(&[("redirect_uri", address)]).await;
        assert_eq!((answer.status, answer.location), (StatusCode::BAD_REQUEST, None), "{address}");
        let path = format!("/oauth2/logout?post_logout_redirect_uri={address}");
        assert_eq!(provider.get(&path).await.status, StatusCode::BAD_REQUEST, "{address}");
    }
    let answer = provider.authorize(&[("client_id", "<script>")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(!answer.text.contains("<script>"), "{}", answer.text);
    let back = provider.get("/oauth2/logout?post_logout_redirect_uri=http://127.0.0.1:3002/").await;
    assert_eq!(back.status, StatusCode::FOUND);
}

#[tokio::test]
async fn the_application_is_told_why_a_request_is_refused() {
    let provider = provider();
    let inactive = demo_company::id("person", "tomas");
    for (change, error) in [
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("scope", "profile"), "invalid_scope"),
        (("prompt", "none"), "login_required"),
        (("person", "unknown"), "access_denied"),
        (("person", inactive.as_str()), "access_denied"),
    ] {
        let answer = provider.authorize(&[change]).await;
        assert_eq!(answer.parameter("error").as_deref(), Some(error), "{change:?}");
        assert_eq!(answer.parameter("state").as_deref(), Some("s&1"), "{change:?}");
        assert_eq!(answer.parameter("code"), None, "{change:?}");
    }
}

#[tokio::test]
async fn the_page_shows_what_tells_the_people_apart() {
    let provider = provider();
    let page = provider.authorize(&[("login_hint", "budi")]).await.text;
    for text in
        ["Toko Senja", "starter plan", "Jakarta SMB, Bandung", "cdp_team_permission_enabled"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    let inactive = page.split("<li").find(|card| card.contains("Tomás Herrera")).unwrap();
    assert!(!inactive.contains("href"), "{inactive}");
    let suggested = page.split("<li").find(|card| card.contains("suggested")).unwrap();
    assert!(suggested.contains("Budi Hartono"), "{suggested}");
}

#[tokio::test]
async fn the_published_key_checks_the_tokens() {
    let provider = provider();
    let metadata = provider.get("/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["issuer"], ISSUER);
    let path = metadata["jwks_uri"].as_str().unwrap().strip_prefix(ISSUER).unwrap().to_owned();
    let key = &provider.get(&path).await.json()["keys"][0];
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();

    let code = provider.code().await;
    let tokens = provider.token(&code, &[]).await.json();
    let (message, signature) = tokens["id_token"].as_str().unwrap().rsplit_once('.').unwrap();
    ring::signature::UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, point)
        .verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
}
