//! Latencies of `team` beside `everything` in the same run, under a mix of requests that arrive at
//! a fixed rate, however long the answers take.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{
    Bench, BenchError,
    company::{self, EVERYTHING, FIVE_TEAMS},
    first_contact,
};
use crate::{
    cargo::Binaries,
    client::Client,
    cloud::Options,
    template::{Parameters, Template},
};

/// The people of each level of a run whom no cache knows.
const STRANGERS: usize = company::STRANGERS / 3;

/// What a run is made under, at the first of the rates.
struct Trouble {
    name: &'static str,
    known_people: bool,
    slow: &'static [&'static str],
    latency_ms: u64,
}

const TROUBLES: [Trouble; 4] = [
    // About what a call takes inside a region: loopback hides that calls side by side cost one.
    Trouble {
        name: "a table call takes 5 ms more",
        known_people: true,
        slow: &["dynamodb"],
        latency_ms: 5,
    },
    Trouble { name: "cold caches", known_people: false, slow: &[], latency_ms: 0 },
    Trouble {
        name: "cold caches, Launchpad takes 200 ms",
        known_people: false,
        slow: &[
            "launchpad.teams",
            "launchpad.permissions",
            "launchpad.users",
            "launchpad.companies",
        ],
        latency_ms: 200,
    },
    // Past its budget of 500 ms.
    Trouble {
        name: "cold caches, the teams call takes 700 ms",
        known_people: false,
        slow: &["launchpad.teams"],
        latency_ms: 700,
    },
];

/// How much load, and for how long.
#[derive(Clone, Debug)]
pub struct Load {
    /// Contacts in the company.
    pub contacts: usize,
    /// How long each run takes.
    pub duration: Duration,
    /// Requests a second, one run each.
    pub rates: Vec<u32>,
    /// Whether the functions are those that are deployed.
    pub deployed: bool,
}

/// One request's outcome.
struct Outcome {
    kind: &'static str,
    level: &'static str,
    /// From the moment when it was due.
    latency: Duration,
    /// `None` for one without an answer.
    status: Option<u16>,
    fell_back: bool,
}

/// Somebody who asks.
#[derive(Clone)]
struct Asker {
    client: Client,
    level: &'static str,
}

/// Runs every kind of load one after the other.
///
/// # Errors
/// When the local cloud does not start or the company cannot be loaded; failed requests are
/// counted.
pub async fn load(options: &Options, load: &Load) -> Result<String, BenchError> {
    let mut options = options.clone();
    if load.deployed {
        options.binaries = Some(deployed(&options.workspace).await?);
    }
    let bench = Bench::start(&options, load.contacts).await?;
    let told = runs(&bench, load).await;
    bench.cloud.shutdown().await;
    told
}

async fn deployed(workspace: &Path) -> Result<Binaries, BenchError> {
    let template = Template::read(&workspace.join("template.yaml"), &Parameters::new())?;
    let packages = template.functions.values().map(|function| function.binary.as_str());
    Ok(Binaries::build_release(workspace, packages).await?)
}

async fn runs(bench: &Bench, load: &Load) -> Result<String, BenchError> {
    let team = Asker { client: bench.sign_in(FIVE_TEAMS).await?, level: "team" };
    let everything = Asker { client: bench.sign_in(EVERYTHING).await?, level: "everything" };
    let contact = first_contact(&team.client).await?;
    let known = vec![team, everything];
    let mut table = String::from(
        "| run | request | `team` p50 / p95 ms | `everything` p50 / p95 ms | p95 ratio | requests \
         | 5xx or none | fallbacks |\n|---|---|---|---|---|---|---|---|",
    );
    // Processes are started and caches filled before anything counts.
    run(&known, &contact, load.rates[0], load.duration / 2).await;
    for rate in &load.rates {
        let outcomes = run(&known, &contact, *rate, load.duration).await;
        tell(&mut table, &format!("{rate}/s"), &outcomes);
    }
    let mut unknown = 0..;
    for trouble in TROUBLES {
        let askers = match trouble.known_people {
            true => known.clone(),
            false => {
                let numbers = unknown.by_ref().take(STRANGERS);
                strangers(bench, numbers).await?
            }
        };
        for target in trouble.slow {
            let fault = json!({ "target": target, "latency_ms": trouble.latency_ms });
            bench.nobody.fetch(Method::POST, "/_local/faults", Some(&fault)).await?;
        }
        let outcomes = run(&askers, &contact, load.rates[0], load.duration).await;
        tell(&mut table, trouble.name, &outcomes);
        bench.nobody.fetch(Method::DELETE, "/_local/faults", None).await?;
    }
    let usage = bench.nobody.fetch(Method::GET, "/_local/usage", None).await?;
    tell_functions(&mut table, &usage["data"]);
    Ok(table)
}

/// What the functions needed over all runs: what `MemorySize` is chosen by.
fn tell_functions(table: &mut String, usage: &Value) {
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

/// People whom no cache knows, of both levels in turn.
async fn strangers(
    bench: &Bench,
    numbers: impl Iterator<Item = usize>,
) -> Result<Vec<Asker>, BenchError> {
    let mut askers = Vec::new();
    for number in numbers {
        for level in ["team", "everything"] {
            let client = bench.sign_in(&company::stranger(level, number)).await?;
            askers.push(Asker { client, level });
        }
    }
    Ok(askers)
}

/// Sends requests at a fixed rate, each when it is due, and waits for every answer.
async fn run(askers: &[Asker], contact: &str, rate: u32, duration: Duration) -> Vec<Outcome> {
    let between = Duration::from_secs(1) / rate.max(1);
    let start = Instant::now();
    let mut under_way = JoinSet::new();
    let mut number: u32 = 0;
    while between * number < duration {
        let due = start + between * number;
        tokio::time::sleep_until(due).await;
        let place = usize::try_from(number).unwrap_or_default();
        let asker = askers[place % askers.len()].clone();
        // Both levels get each kind of request equally often.
        under_way.spawn(ask(asker, place / 2 % 10, contact.to_owned(), due));
        number += 1;
    }
    under_way.join_all().await
}

async fn ask(asker: Asker, turn: usize, contact: String, due: Instant) -> Outcome {
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
        json!({ "note": format!("<p>Called. <a data-user-id=\"{mention}\">@Somebody</a></p>") })
    });
    let answer = asker.client.call(method, &path, body.as_ref()).await;
    let fell_back =
        answer.as_ref().is_ok_and(|one| one.headers.contains_key("x-team-permission-fallback"));
    Outcome {
        kind,
        level: asker.level,
        latency: due.elapsed(),
        status: answer.ok().map(|answer| answer.status.as_u16()),
        fell_back,
    }
}

fn tell(table: &mut String, run: &str, outcomes: &[Outcome]) {
    let mut kinds: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        kinds.entry(outcome.kind).or_default().push(outcome);
    }
    for (kind, outcomes) in kinds {
        let of = |level: &str| Latencies::of(outcomes.iter().filter(|one| one.level == level));
        let (team, everything) = (of("team"), of("everything"));
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

/// In milliseconds.
struct Latencies {
    p50: f64,
    p95: f64,
}

impl Latencies {
    fn of<'a>(outcomes: impl Iterator<Item = &'a &'a Outcome>) -> Self {
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
