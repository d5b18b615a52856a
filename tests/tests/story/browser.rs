//! A page on another origin calls the API in headless Chromium, which sends preflight requests and
//! hides the answers that the API does not allow it to read.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

use local::{LocalCloud, Options, client::Client, template::Parameters};
use reqwest::Method;
use serde_json::{Value, json};
use tests::workspace;

/// The page calls the API with requests of all methods, one after the other, before it is loaded. A
/// synchronous request is blocked in the same way as any other one.
const PAGE: &str = r#"<!doctype html><title>page</title><script>
const call = ([method, path, body]) => {
  const request = new XMLHttpRequest();
  try {
    request.open(method, API + path, false);
    request.setRequestHeader("authorization", "Bearer " + TOKEN);
    request.setRequestHeader("x-platform", "web");
    if (body) request.setRequestHeader("content-type", "application/json");
    request.send(body && JSON.stringify(body));
    return request.status;
  } catch { return "blocked"; }
};
document.title = "answers:" + CALLS.map(call).join(",");
</script>"#;

/// Listens on any free port, and returns the origin of the pages that are served there.
fn listen() -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let origin = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
    Ok((listener, origin))
}

/// Answers each request with one page.
fn serve(listener: TcpListener, page: String) {
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            let mut reader = BufReader::new(&mut stream);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close";
            let length = page.len();
            let _ = write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{page}");
        }
    });
}

/// The name of an installed Chromium; `None` if there is none.
fn chromium() -> Option<String> {
    let names = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let runs = |name: &String| {
        let mut version = Command::new(name);
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    };
    env::var("CHROMIUM").ok().into_iter().chain(names).find(runs)
}

/// Opens a page and returns what its calls were answered with.
fn open(program: &str, url: &str) -> Vec<String> {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(program)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--dump-dom", url])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let document = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers = document.split("answers:").nth(1).unwrap_or_default();
    answers.split('<').next().unwrap_or_default().split(',').map(str::to_owned).collect()
}

fn page(api: &str, token: &str, calls: &Value) -> String {
    let constants = format!("const API = {api:?}, TOKEN = {token:?}, CALLS = {calls};\n");
    PAGE.replace("<script>\n", &format!("<script>\n{constants}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_on_an_allowed_origin_calls_the_api_and_another_page_does_not() {
    let Some(program) = chromium() else {
        assert!(
            env::var_os("REQUIRE_BROWSER").is_none(),
            "REQUIRE_BROWSER is set, but Chromium is not installed"
        );
        let _ = writeln!(io::stderr(), "\nSKIPPED: Chromium is not installed: no page was opened");
        return;
    };
    let (allowed_listener, allowed) = listen().unwrap();
    let (foreign_listener, foreign) = listen().unwrap();
    let parameters: Parameters = [("AllowOrigins".to_owned(), allowed.clone())].into();
    let options = Options { parameters, ..Options::new(workspace()) };
    let cloud = LocalCloud::start(options).await.unwrap();
    let client = Client::new(cloud.gateway_url()).unwrap();
    let query = client.call(Method::GET, "/_local/token?user=maya", None).await.unwrap();
    let token = query.body["token"].as_str().unwrap();
    let contact = client.sign_in("maya").await.unwrap();
    let contact = contact.call(Method::GET, "/cdp/customers?limit=1", None).await.unwrap();
    let path = format!("/cdp/customers/{}", contact.body["data"][0]["id"].as_str().unwrap());
    let calls = json!([
        ["GET", "/cdp/customers?limit=1"],
        ["POST", "/cdp/customers", { "name": "Written by a page" }],
        ["PATCH", path, { "company_name": "Page" }],
        ["DELETE", path],
        ["GET", path],
        ["GET", "/nothing/here"],
    ]);
    let page = page(cloud.gateway_url(), token, &calls);
    serve(allowed_listener, page.clone());
    serve(foreign_listener, page);
    let answers =
        tokio::task::spawn_blocking(move || (open(&program, &allowed), open(&program, &foreign)));
    let (allowed, foreign) = answers.await.unwrap();
    cloud.shutdown().await;
    assert_eq!(allowed, ["200", "201", "200", "200", "404", "404"]);
    assert_eq!(foreign, ["blocked"; 6]);
}
