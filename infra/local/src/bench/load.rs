//! Compares the latencies of users with access level `team` and `everything` in the same run. A mix
//! of requests arrives at a fixed rate, no matter how long the responses take.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::company::{self, EVERYTHING, FIVE_TEAMS};
use super::error::BenchError;
use super::session::{Session, first_contact};
use crate::{
    cargo::Binaries,
    client::Client,
    cloud::Options,
    template::{Template, example_parameters},
};

/// For each access level, the number of people in one run who are in no cache.
const UNCACHED_PEOPLE: usize = company::UNCACHED_PEOPLE / 3;

/// A condition under which a run is made. The run uses the first of the request rates.
struct Condition {
    name: &'static str,
    cached_people: bool,
    /// The fault injection targets whose calls take longer.
    slow: &'static [&'static str],
    latency_ms: u64,
}

const CONDITIONS: [Condition; 4] = [
    // 5 ms is about the time of a call inside an AWS region. Without this latency, the loopback
    // interface hides whether calls are made one after the other or at the same time.
    Condition {
        name: "a table call takes 5 ms more",
        cached_people: true,
        slow: &["dynamodb"],
        latency_ms: 5,
    },
    Condition { name: "cold caches", cached_people: false, slow: &[], latency_ms: 0 },
    Condition {
        name: "cold caches, Launchpad takes 200 ms",
        cached_people: false,
        slow: &[
            "launchpad.teams",
            "launchpad.permissions",
            "launchpad.users",
            "launchpad.companies",
        ],
        latency_ms: 200,
    },
    // 700 ms is longer than the time-out of 500 ms.
    Condition {
        name: "cold caches, the teams call takes 700 ms",
        cached_people: false,
        slow: &["launchpad.teams"],
        latency_ms: 700,
    },
];

/// The parameters of the benchmark.
#[derive(Clone, Debug)]
pub struct Load {
    /// Number of contacts in the company.
    pub contacts: usize,
    /// How long each run takes.
    pub duration: Duration,
    /// Requests per second. The benchmark makes one run for each rate.
    pub rates: Vec<u32>,
    /// Whether to build the functions for release, as for a deployment.
    pub deployed: bool,
}

/// The outcome of one request.
struct Outcome {
    kind: &'static str,
    level: &'static str,
    /// Time from the moment when the request was due until its response.
    latency: Duration,
    /// HTTP status of the response; `None` if there was no response.
    status: Option<u16>,
    fell_back: bool,
}

/// A user who sends requests.
#[derive(Clone)]
struct User {
    client: Client,
    level: &'static str,
}

/// Makes a run for each rate and for each condition, one after the other, and counts failed
/// requests. Returns the results as a Markdown table.
pub async fn load(options: &Options, load: &Load) -> Result<String, BenchError> {
    let mut options = options.clone();
    if load.deployed {
        options.binaries = Some(deployed(&options).await?);
    }
    let session = Session::start(&options, load.contacts).await?;
    let table = runs(&session, load).await;
    session.cloud.shutdown().await;
    table
}

async fn deployed(options: &Options) -> Result<Binaries, BenchError> {
    let workspace = &options.workspace;
    let template = Template::read(&workspace.join("template.yaml"), &example_parameters())?;
    let packages = template.functions.values().map(|function| function.binary.as_str());
    Ok(Binaries::build_release(workspace, packages, &options.build_progress).await?)
}

async fn runs(session: &Session, load: &Load) -> Result<String, BenchError> {
    let team = User { client: session.sign_in(FIVE_TEAMS).await?, level: "team" };
    let everything = User { client: session.sign_in(EVERYTHING).await?, level: "everything" };
    let contact = first_contact(&team.client).await?;
    let cached = vec![team, everything];
    let mut table = String::from(
        "| run | request | `team` p50 / p95 ms | `everything` p50 / p95 ms | p95 ratio | requests \
         | 5xx or none | fallbacks |\n|---|---|---|---|---|---|---|---|",
    );
    // The results of this run are not counted: it starts the processes and fills the caches.
    run(&cached, &contact, load.rates[0], load.duration / 2).await;
    for rate in &load.rates {
        let outcomes = run(&cached, &contact, *rate, load.duration).await;
        add_rows(&mut table, &format!("{rate}/s"), &outcomes);
    }
    let mut uncached = 0..;
    for condition in CONDITIONS {
        let users = match condition.cached_people {
            true => cached.clone(),
            false => {
                let numbers = uncached.by_ref().take(UNCACHED_PEOPLE);
                uncached_users(session, numbers).await?
            }
        };
        for target in condition.slow {
            let fault = json!({ "target": target, "latency_ms": condition.latency_ms });
            session.anonymous.fetch(Method::POST, "/_local/faults", Some(&fault)).await?;
        }
        let outcomes = run(&users, &contact, load.rates[0], load.duration).await;
        add_rows(&mut table, condition.name, &outcomes);
        session.anonymous.fetch(Method::DELETE, "/_local/faults", None).await?;
    }
    let usage = session.anonymous.fetch(Method::GET, "/_local/usage", None).await?;
    add_functions(&mut table, &usage["data"]);
    Ok(table)
}

/// Adds a table with the processor time and the memory of each function over all runs. `MemorySize`
/// is chosen from this table.
fn add_functions(table: &mut String, usage: &Value) {
    table.push_str(
        "\n\n| function | invocations | processes | CPU ms, p50 | ms, p95 | peak MiB |\n\
         |---|---|---|---|---|---|",
    );
    for (function, usage) in usage.as_object().into_iter().flatten() {
        let number = |name: &str| usage[name].as_f64().unwrap_or_default();
        let _ = write!(
            table,
            "\n| {function} | {} | {} | {:.2} | {:.1} | {:.1} |",
            number("invocations"),
            number("cold_starts"),
            number("cpu_p50_ms"),
            number("duration_p95_ms"),
            number("peak_memory_bytes") / f64::from(1 << 20),
        );
    }
}

/// Signs in users who are in no cache. The two access levels alternate.
async fn uncached_users(
    session: &Session,
    numbers: impl Iterator<Item = usize>,
) -> Result<Vec<User>, BenchError> {
    let mut users = Vec::new();
    for number in numbers {
        for level in ["team", "everything"] {
            let client = session.sign_in(&company::uncached_person(level, number)).await?;
            users.push(User { client, level });
        }
    }
    Ok(users)
}

/// Sends requests at a fixed rate, each at the time when it is due. Waits for all responses.
async fn run(users: &[User], contact: &str, rate: u32, duration: Duration) -> Vec<Outcome> {
    let between = Duration::from_secs(1) / rate.max(1);
    let start = Instant::now();
    let mut requests = JoinSet::new();
    let mut number: u32 = 0;
    while between * number < duration {
        let due = start + between * number;
        tokio::time::sleep_until(due).await;
        let place = usize::try_from(number).unwrap_or_default();
        let user = users[place % users.len()].clone();
        // Users of both access levels send each kind of request equally often.
        requests.spawn(send(user, place / 2 % 10, contact.to_owned(), due));
        number += 1;
    }
    requests.join_all().await
}

async fn send(user: User, turn: usize, contact: String, due: Instant) -> Outcome {
    let (kind, method, path) = match turn {
        0..5 => ("list", Method::GET, "/cdp/customers?limit=25".to_owned()),
        5 => ("search", Method::GET, "/cdp/customers/search-assoc?q=citra".to_owned()),
        6 => ("detail", Method::GET, format!("/cdp/customers/{contact}")),
        7 => ("notes", Method::GET, format!("/v1/contacts/{contact}/notes")),
        8 => ("typeahead", Method::GET, "/cdp/people?query=bench".to_owned()),
        _ => ("note", Method::POST, format!("/v1/contacts/{contact}/notes")),
    };
    let body = (kind == "note").then(|| {
        let mention = &company::colleagues()[0];
        json!({ "note": format!("<p>Called. <a data-user-id=\"{mention}\">@Colleague</a></p>") })
    });
    let response = user.client.call(method, &path, body.as_ref()).await;
    let fell_back =
        response.as_ref().is_ok_and(|one| one.headers.contains_key("x-team-permission-fallback"));
    Outcome {
        kind,
        level: user.level,
        latency: due.elapsed(),
        status: response.ok().map(|response| response.status.as_u16()),
        fell_back,
    }
}

fn add_rows(table: &mut String, run: &str, outcomes: &[Outcome]) {
    let mut kinds: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        kinds.entry(outcome.kind).or_default().push(outcome);
    }
    for (kind, outcomes) in kinds {
        let latencies =
            |level: &str| Latencies::new(outcomes.iter().filter(|one| one.level == level));
        let (team, everything) = (latencies("team"), latencies("everything"));
        let bad = outcomes.iter().filter(|one| one.status.is_none_or(|status| status >= 500));
        let fallbacks = outcomes.iter().filter(|one| one.fell_back).count();
        let _ = write!(
            table,
            "\n| {run} | {kind} | {team} | {everything} | {:.2} | {} | {} | {fallbacks} |",
            team.p95 / everything.p95,
            outcomes.len(),
            bad.count()
        );
    }
}

/// Percentiles of latencies, in milliseconds.
struct Latencies {
    p50: f64,
    p95: f64,
}

impl Latencies {
    fn new<'a>(outcomes: impl Iterator<Item = &'a &'a Outcome>) -> Self {
        let mut latencies: Vec<Duration> = outcomes.map(|outcome| outcome.latency).collect();
        latencies.sort_unstable();
        let at = |percent: usize| {
            let rank = (latencies.len() * percent).div_ceil(100).saturating_sub(1);
            latencies.get(rank).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
        };
        Self { p50: at(50), p95: at(95) }
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.1} / {:.1}", self.p50, self.p95)
    }
}
