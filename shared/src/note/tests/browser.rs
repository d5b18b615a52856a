//! Shows stored notes in a real browser. A note must not run a script, make a request, navigate or
//! submit a form, and the browser's parser must see exactly the stored markup (ARCHITECTURE,
//! "Invariants").
//!
//! The test needs Chromium. If Chromium is not installed, the test prints a warning and passes,
//! unless the environment variable `REQUIRE_BROWSER` is set, as it is in CI. The environment
//! variable `CHROMIUM` can name the program.

use std::{
    env,
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::json;
use tempfile::TempDir;

use super::{grammar::document, xss::attacks, *};

/// The page that shows the notes, triggers events on their elements and reports the effects.
const PAGE: &str = include_str!("browser.html");
/// The time that a browser may take for all notes.
const TIME_OUT: Duration = Duration::from_secs(900);
/// The number of documents of the grammar that are shown in addition to the attack strings. The
/// environment variable `BROWSER_DOCUMENTS` sets a larger number; 6,000 take some minutes.
const DOCUMENTS: usize = 300;

/// A web server for one page. Any other request that it receives, for any host name, was made by a
/// note.
struct Server {
    port: u16,
    verdict: Receiver<Vec<Vec<String>>>,
    fetched: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(notes: &[String], judge: bool) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (verdicts, verdict) = channel();
        let fetched = Arc::new(Mutex::new(Vec::new()));
        let (record, notes) = (Arc::clone(&fetched), json!({ "notes": notes, "judge": judge }));
        let notes = Arc::new(notes.to_string());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (verdicts, record, notes) =
                    (verdicts.clone(), Arc::clone(&record), Arc::clone(&notes));
                thread::spawn(move || drop(respond(stream, &verdicts, &record, &notes)));
            }
        });
        Ok(Self { port, verdict, fetched })
    }
}

fn respond(
    stream: TcpStream,
    verdicts: &Sender<Vec<Vec<String>>>,
    fetched: &Mutex<Vec<String>>,
    notes: &str,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        lines.push(line.trim_end().to_ascii_lowercase());
    }
    if lines.is_empty() {
        // Browsers open additional connections in advance, and close unused ones without a request.
        return Ok(());
    }
    let header = |name: &str| {
        lines.iter().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    let target = lines.first().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "));
    let target = target.unwrap_or_default();
    let is_our_host = header("host: ").starts_with("127.0.0.1:");
    let (content_type, body) = match target.as_str() {
        "get /" if is_our_host => ("text/html", PAGE),
        "get /notes.json" if is_our_host => ("application/json", notes),
        "get /favicon.ico" if is_our_host => ("text/plain", ""),
        "post /verdict" if is_our_host => {
            let mut body = vec![0; header("content-length: ").parse().unwrap_or(0)];
            reader.read_exact(&mut body)?;
            drop(verdicts.send(serde_json::from_slice(&body)?));
            ("text/plain", "")
        }
        other => {
            let mut fetched = fetched.lock().unwrap();
            fetched.push(format!("{other} of {}", header("host: ")));
            ("text/plain", "")
        }
    };
    let mut head = String::new();
    let _ = write!(
        head,
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let mut stream = reader.into_inner();
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// A headless Chromium process that is stopped when the test ends.
struct Browser {
    process: Child,
    _profile: TempDir,
}

impl Browser {
    /// Opens the server's page. Other host names resolve to the same server or do not resolve.
    fn open(program: &str, port: u16) -> io::Result<Self> {
        let profile = tempfile::tempdir()?;
        let process = Command::new(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-default-apps",
                "--disable-extensions",
                "--disable-sync",
                "--no-first-run",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!(
                "--host-resolver-rules=MAP evil.example 127.0.0.1:{port}, MAP * ~NOTFOUND, \
                 EXCLUDE 127.0.0.1"
            ))
            .arg(format!("http://127.0.0.1:{port}/"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { process, _profile: profile })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The name of an installed Chromium program; `None` if no program is found.
fn chromium() -> Option<String> {
    let named = env::var("CHROMIUM").ok();
    let names = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let runs = |name: &String| {
        let mut version = Command::new(name);
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    };
    named.into_iter().chain(names).find(runs)
}

/// Shows notes in the browser. Returns the effects of each note, with the effects on the page
/// around the notes as the last entry, and the requests that notes made.
fn show(program: &str, notes: &[String], judge: bool) -> (Vec<Vec<String>>, Vec<String>) {
    let server = Server::start(notes, judge).unwrap();
    let _browser = Browser::open(program, server.port).unwrap();
    let verdict = server.verdict.recv_timeout(TIME_OUT).expect("the browser reports in time");
    let fetched = server.fetched.lock().unwrap().clone();
    assert_eq!(verdict.len(), notes.len() + 1);
    (verdict, fetched)
}

/// All attack strings, without sanitizing.
fn raw_attacks() -> Vec<String> {
    let links = attacks("addresses").into_iter().map(|href| format!("<a href=\"{href}\">x</a>"));
    attacks("markup").into_iter().chain(attacks("mutations")).chain(links).collect()
}

/// The stored form of every attack string, alone and in contexts that parsers read differently, and
/// the stored form of random documents of the grammar.
fn stored_notes() -> Vec<String> {
    let mut submitted = raw_attacks();
    let around = |attack: &String| {
        [
            format!("<table><tr><td>{attack}</td></tr></table>"),
            format!("<a data-user-id=\"{ANN}\">{attack}</a>"),
            format!("<ul><li><p><b>{attack}"),
        ]
    };
    submitted.extend(raw_attacks().iter().flat_map(around));
    let mut runner = TestRunner::deterministic();
    let documents = document();
    let requested = env::var("BROWSER_DOCUMENTS").ok().and_then(|text| text.parse().ok());
    submitted.extend(
        (0..requested.unwrap_or(DOCUMENTS))
            .map(|_| documents.new_tree(&mut runner).unwrap().current()),
    );
    let mut notes: Vec<String> = submitted.iter().map(|html| stored(html)).collect();
    notes.sort();
    notes.dedup();
    notes
}

/// Proves that the page detects attacks: without sanitizing, most of the attack strings work, and
/// they have effects of each kind. Returns the number of strings that work. The page waits only a
/// moment for each of them, so on a busy machine it can miss many, and is shown again.
fn working_attacks(program: &str, raw: &[String]) -> usize {
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (verdict, fetched) = show(program, raw, false);
        let fired = verdict.iter().filter(|what| !what.is_empty()).count();
        let has = |kind: &&str| verdict.iter().flatten().any(|seen| seen == kind);
        let kinds: Vec<_> =
            ["alert", "request", "navigate", "submit"].into_iter().filter(has).collect();
        if kinds.len() == 4 && !fetched.is_empty() && fired > raw.len() / 2 {
            return fired;
        }
        seen.push((fired, kinds, fetched.len()));
    }
    panic!("the page does not detect {} attacks: working, kinds, requests: {seen:?}", raw.len());
}

#[test]
fn note_mention_s04_err2_stored_notes_run_no_code_in_a_browser() {
    let Some(program) = chromium() else {
        assert!(
            env::var_os("REQUIRE_BROWSER").is_none(),
            "REQUIRE_BROWSER is set, but Chromium is not installed"
        );
        // Written to stderr directly because the test harness hides the output of a passing test.
        let _ = writeln!(
            io::stderr(),
            "\nSKIPPED: Chromium is not installed, so NO BROWSER CHECKED THE STORED NOTES"
        );
        return;
    };
    let (raw, notes) = (raw_attacks(), stored_notes());
    // One page mostly waits, so the other one can use the processor.
    let (fired, (verdict, fetched)) = thread::scope(|scope| {
        let fired = scope.spawn(|| working_attacks(&program, &raw));
        let shown = show(&program, &notes, true);
        (fired.join().unwrap(), shown)
    });
    let shown = notes.iter().map(String::as_str).chain(["the page around them"]);
    let happened: Vec<_> = shown.zip(&verdict).filter(|(_, what)| !what.is_empty()).collect();
    let _ = writeln!(
        io::stderr(),
        "browser: {fired} of {} attack strings work without sanitizing, {} of {} stored notes do anything",
        raw.len(),
        happened.len(),
        notes.len()
    );
    assert!(happened.is_empty(), "{happened:#?}");
    assert!(fetched.is_empty(), "{fetched:#?}");
}
