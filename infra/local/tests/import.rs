//! Tests of the `import` command against a small server that plays the API, with the failures of a
//! real one.

// The helper functions of tests may panic like the tests. The setting in clippy.toml covers only
// test functions.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri, header};
use local::import::{self, Credentials, Options, Session};
use serde_json::{Value, json};
use shared::import::Delimiter;
use tempfile::TempDir;
use tokio::sync::watch;

/// A request that the API received.
#[derive(Clone, Debug, Default)]
struct Received {
    is_dry_run: bool,
    query: String,
    token: String,
    rows: Vec<String>,
}

/// Decides what the API answers; `None` answers that every row was created.
type Answer = dyn Fn(&Received, usize) -> Option<Response> + Send + Sync;

/// The API, which records what it receives.
struct Api {
    url: String,
    requests: Arc<Mutex<Vec<Received>>>,
    folder: TempDir,
    /// Interrupts the sessions of `session`. No test uses it.
    sender: watch::Sender<bool>,
}

#[derive(Clone)]
struct Server {
    requests: Arc<Mutex<Vec<Received>>>,
    answer: Arc<Answer>,
}

impl Api {
    /// Starts the API. `answer` gets each request and the number of writing requests before it.
    async fn start(
        answer: impl Fn(&Received, usize) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let requests: Arc<Mutex<Vec<Received>>> = Arc::default();
        let server = Server { requests: Arc::clone(&requests), answer: Arc::new(answer) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(handle).with_state(server);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (folder, sender) = (tempfile::tempdir().unwrap(), watch::Sender::new(false));
        Self { url, requests, folder, sender }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A file with this number of rows.
    fn rows(&self, count: usize) -> PathBuf {
        let rows: String = (1..=count).map(|row| format!("{row}@shop.example\n")).collect();
        self.file("contacts.csv", &format!("Email\n{rows}"))
    }

    /// A session that nothing interrupts.
    async fn session(&self) -> Session {
        self.stoppable(self.sender.subscribe()).await
    }

    async fn stoppable(&self, stop: watch::Receiver<bool>) -> Session {
        Session::start(&self.url, Credentials::Token("token".to_owned()), stop).await.unwrap()
    }

    async fn import(&self, file: &Path, options: &Options) -> import::Summary {
        import::run(&mut self.session().await, file, options).await.unwrap()
    }

    /// The requests that write.
    fn writes(&self) -> Vec<Received> {
        let requests = self.requests.lock().unwrap().clone();
        requests.into_iter().filter(|request| !request.is_dry_run).collect()
    }

    /// The number of rows in each request that writes.
    fn sizes(&self) -> Vec<usize> {
        self.writes().iter().map(|request| request.rows.len()).collect()
    }
}

async fn handle(
    State(server): State<Server>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = uri.query().unwrap_or_default().to_owned();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let received = Received {
        is_dry_run: query.contains("dry_run=true"),
        query,
        token: headers[header::AUTHORIZATION].to_str().unwrap().to_owned(),
        rows: text.lines().skip(1).map(str::to_owned).collect(),
    };
    let before = {
        let mut requests = server.requests.lock().unwrap();
        let before = requests.iter().filter(|request| !request.is_dry_run).count();
        requests.push(received.clone());
        before
    };
    let data = if received.is_dry_run {
        json!({ "columns": [], "rows": received.rows.len() })
    } else {
        received.rows.iter().map(|_| json!({ "status": "created" })).collect()
    };
    let answer = (server.answer)(&received, before);
    answer.unwrap_or_else(|| Json(json!({ "data": data })).into_response())
}

fn answer(status: u16, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, Json(json!({ "error": "CODE", "message": message, "details": {} }))).into_response()
}

/// An answer that asks the client to repeat the request after `seconds`.
fn answer_later(status: u16, seconds: &str) -> Response {
    let mut response = answer(status, "later");
    response.headers_mut().insert(header::RETRY_AFTER, seconds.parse().unwrap());
    response
}

/// The values of a parameter of a request, decoded.
fn parameters(request: &Received, name: &str) -> Vec<String> {
    url::form_urlencoded::parse(request.query.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .collect()
}

#[tokio::test]
async fn a_part_that_is_too_large_is_halved_until_it_fits() {
    let api = Api::start(|request, _| {
        let is_large = request.rows.len() > 3 || request.rows.iter().any(|row| row.len() > 100);
        (is_large && !request.is_dry_run).then(|| answer(413, "too large"))
    })
    .await;
    let long = format!("{}@shop.example", "x".repeat(100));
    let text = format!("Email\na@x.example\nb@x.example\n{long}\nc@x.example\nd@x.example\n");
    let summary = api.import(&api.file("contacts.csv", &text), &Options::default()).await;
    assert_eq!((summary.created, summary.rejected.len(), summary.open), (4, 1, 0));
    assert_eq!((summary.rejected[0].row, summary.rejected[0].line), (3, 4));
    assert!(summary.rejected[0].reason.contains("too large"), "{}", summary.rejected[0].reason);
    let order: Vec<String> = api.writes().into_iter().flat_map(|request| request.rows).collect();
    let last: Vec<&str> = ["c@x.example", "d@x.example"].to_vec();
    assert_eq!(order[order.len() - 2..], last, "the rows are sent in the order of the file");
    assert_eq!(api.sizes(), [5, 2, 3, 1, 2]);
}

#[tokio::test]
async fn a_throttled_part_and_a_failing_service_are_tried_again_until_they_answer() {
    let api = Api::start(|request, before| match before {
        _ if request.is_dry_run => None,
        0 => Some(answer_later(429, "0")),
        1 => Some(answer_later(503, "0")),
        _ => None,
    })
    .await;
    let summary = api.import(&api.rows(2), &Options::default()).await;
    assert!(summary.is_complete(), "{summary}");
    assert_eq!((summary.created, api.sizes()), (2, vec![2, 2, 2]));
}

#[tokio::test]
async fn a_service_that_keeps_failing_stops_the_import_with_what_was_written_and_how_to_go_on() {
    let api = Api::start(|request, before| {
        (!request.is_dry_run && before > 0).then(|| answer_later(503, "0"))
    })
    .await;
    let file = api.rows(250);
    let summary = api.import(&file, &Options::default()).await;
    assert_eq!((summary.created, summary.open), (100, 150));
    assert_eq!(
        summary.to_string(),
        "250 rows: 100 created, 0 updated or unchanged, 0 rejected, 150 not sent\n\
         stopped at row 101, line 102: later (503 Service Unavailable)\n\
         continue with --from-row 101"
    );
    let rest = Api::start(|_, _| None).await;
    let options = Options { from_row: 101, ..Options::default() };
    let summary = rest.import(&file, &options).await;
    assert_eq!((summary.created, summary.rows()), (150, 150));
    assert_eq!(rest.writes()[0].rows[0], "101@shop.example");
}

#[tokio::test]
async fn an_expired_token_is_read_again_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "old\n").unwrap();
    let renewed = path.clone();
    let api = Api::start(move |request, before| {
        if before == 1 && request.token == "Bearer old" {
            fs::write(&renewed, "new\n").unwrap();
        }
        (before > 0 && request.token == "Bearer old").then(|| answer(401, "Unauthorized"))
    })
    .await;
    let (_sender, stop) = watch::channel(false);
    let mut session = Session::start(&api.url, Credentials::TokenFile(path), stop).await.unwrap();
    let summary = import::run(&mut session, &api.rows(200), &Options::default()).await.unwrap();
    assert!(summary.is_complete(), "{summary}");
    let tokens: Vec<String> = api.writes().into_iter().map(|request| request.token).collect();
    assert_eq!(tokens, ["Bearer old", "Bearer old", "Bearer new"]);
}

#[tokio::test]
async fn a_token_that_stays_refused_stops_the_import() {
    let api = Api::start(|_, before| (before > 0).then(|| answer(401, "Unauthorized"))).await;
    let summary = api.import(&api.rows(150), &Options::default()).await;
    assert_eq!((summary.created, summary.open), (100, 50));
    let stopped = summary.stopped.unwrap();
    assert_eq!(stopped.row, 101);
    assert!(stopped.reason.contains("token"), "{}", stopped.reason);
}

#[tokio::test]
async fn an_interruption_ends_the_import_after_the_request_that_is_under_way() {
    let (sender, stop) = watch::channel(false);
    let api = Api::start(move |request, before| {
        if !request.is_dry_run && before == 1 {
            sender.send(true).unwrap();
        }
        None
    })
    .await;
    let mut session = api.stoppable(stop).await;
    let summary = import::run(&mut session, &api.rows(350), &Options::default()).await.unwrap();
    assert_eq!(
        summary.to_string(),
        "350 rows: 200 created, 0 updated or unchanged, 0 rejected, 150 not sent\n\
         stopped at row 201, line 202: interrupted\ncontinue with --from-row 201"
    );
    assert!(!summary.is_complete(), "the exit status is not 0");
}

#[tokio::test]
async fn an_interruption_ends_the_wait_for_a_throttled_api() {
    let (sender, stop) = watch::channel(false);
    let api = Api::start(move |request, _| {
        if request.is_dry_run {
            return None;
        }
        sender.send(true).unwrap();
        Some(answer_later(429, "300"))
    })
    .await;
    let mut session = api.stoppable(stop).await;
    let summary = import::run(&mut session, &api.rows(3), &Options::default()).await.unwrap();
    assert_eq!((summary.created, summary.open), (0, 3));
    let stopped = summary.stopped.unwrap();
    assert_eq!((stopped.row, stopped.reason.as_str()), (1, "interrupted"));
}

#[tokio::test]
async fn the_delimiter_and_the_fields_that_the_user_chose_are_sent_with_every_part() {
    let api = Api::start(|_, _| None).await;
    let file = api.file("contacts.csv", "Mail;Name, first\na@shop.example;Ann\n");
    let refused = import::run(&mut api.session().await, &file, &Options::default()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("delimiter"), "{refused}");
    assert!(api.requests.lock().unwrap().is_empty(), "nothing is sent");
    let options = Options {
        delimiter: Some(Delimiter::Semicolon),
        map: vec!["Mail=emails".to_owned(), "#2=-".to_owned()],
        ..Options::default()
    };
    let summary = api.import(&file, &options).await;
    assert_eq!(summary.created, 1);
    for request in api.requests.lock().unwrap().iter() {
        assert_eq!(parameters(request, "delimiter"), ["semicolon"]);
        assert_eq!(parameters(request, "map"), ["Mail=emails", "#2=-"]);
        assert_eq!(request.rows, ["a@shop.example;Ann"]);
    }
    let options = Options { map: vec!["Mail".to_owned()], ..options };
    let before = api.requests.lock().unwrap().len();
    assert!(import::run(&mut api.session().await, &file, &options).await.is_err());
    assert_eq!(api.requests.lock().unwrap().len(), before, "nothing is sent");
}

#[tokio::test]
async fn a_refused_mapping_is_reported_before_anything_is_written() {
    let api = Api::start(|request, _| {
        request.is_dry_run.then(|| answer(400, "header: no column with an address"))
    })
    .await;
    let refused =
        import::run(&mut api.session().await, &api.rows(3), &Options::default()).await.unwrap_err();
    assert!(refused.to_string().starts_with("nothing was imported: header"), "{refused}");
    assert!(api.writes().is_empty());
}

#[tokio::test]
async fn rejected_rows_are_written_to_a_file_that_can_be_imported_after_a_correction() {
    let api = Api::start(|request, _| {
        let result = |row: &String| match row.starts_with("2@") {
            true => json!({ "status": "rejected", "error": {
                "error": "FORBIDDEN", "message": "out of scope" } }),
            false => json!({ "status": "updated" }),
        };
        let data: Value = request.rows.iter().map(result).collect();
        (!request.is_dry_run).then(|| Json(json!({ "data": data })).into_response())
    })
    .await;
    let rejects = api.folder.path().join("rejects.csv");
    let options = Options { rejects: Some(rejects.clone()), ..Options::default() };
    let summary = api.import(&api.rows(3), &options).await;
    assert_eq!((summary.updated, summary.rejected.len()), (2, 1));
    let written = fs::read_to_string(rejects).unwrap();
    assert_eq!(
        written,
        "\u{feff}Email,Import row,Import line,Import error\n\
         2@shop.example,2,3,FORBIDDEN out of scope\n"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_so_that_the_token_stays_with_the_api() {
    let other = Api::start(|_, _| None).await;
    let to = format!("{}/cdp/customers/import", other.url);
    let api = Api::start(move |_, _| {
        let mut response = answer(307, "moved");
        response.headers_mut().insert(header::LOCATION, to.parse().unwrap());
        Some(response)
    })
    .await;
    let refused =
        import::run(&mut api.session().await, &api.rows(1), &Options::default()).await.unwrap_err();
    assert!(refused.to_string().contains("redirect"), "{refused}");
    assert!(other.requests.lock().unwrap().is_empty());
}
