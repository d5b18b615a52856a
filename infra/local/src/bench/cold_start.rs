//! Compares the start of each HTTP function with the start of a bare function that has the same
//! clients. The binaries are built as for a deployment, and are started with the local cloud's
//! Runtime API.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::error::BenchError;
use crate::cargo::Binaries;
use crate::cloud::{LocalCloud, Options};
use crate::lambda::ColdStart;
use crate::template::{Event, Function, Template, example_parameters};

const HEAD: &str = "\
| function | MB | start ms | CPU ms | RSS MiB | bare function | MB | start ms | CPU ms | RSS MiB | CPU ratio | RSS ratio |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// The package of the bare functions.
const BARE_PACKAGE: &str = "bare";

/// One of the two programs to compare, with the measurements of its starts.
struct Subject {
    name: String,
    program: PathBuf,
    starts: Vec<ColdStart>,
}

/// The size of a program, and the medians of its starts.
struct Cost {
    megabytes: f64,
    wall_ms: f64,
    cpu_ms: f64,
    rss_mib: f64,
}

/// Builds all HTTP functions for release, or only the functions whose logical ids are in `chosen`.
/// Then starts each function and its bare function in turn, `starts` times, and returns a table of
/// the medians.
pub async fn cold_start(
    options: &Options,
    starts: usize,
    chosen: &[String],
) -> Result<String, BenchError> {
    let template = Template::read(&options.workspace.join("template.yaml"), &example_parameters())?;
    let mut functions: Vec<Function> = template.functions.into_values().collect();
    functions.retain(|function| {
        is_http(function) && (chosen.is_empty() || chosen.contains(&function.id))
    });
    let packages = functions.iter().map(|function| function.binary.as_str());
    let packages = packages.chain([BARE_PACKAGE]);
    let binaries =
        Binaries::build_release(&options.workspace, packages, &options.build_progress).await?;
    let options = Options { binaries: Some(binaries.clone()), ..options.clone() };
    let cloud = LocalCloud::start(options).await?;
    let table = table(&cloud, &binaries, &functions, starts).await;
    cloud.shutdown().await;
    table
}

fn is_http(function: &Function) -> bool {
    function.events.iter().any(|event| matches!(event, Event::Route(_)))
}

/// The name of the bare function that has the same clients as an HTTP function, according to the
/// permissions of the function's role. Two functions use a bucket but no queue: they serve a user's
/// own files, and do not call Launchpad.
fn bare(function: &Function) -> &'static str {
    let calls = |service: &str| {
        let mut actions = function.policies.iter().flat_map(|policy| &policy.actions);
        actions.any(|action| action.starts_with(service))
    };
    match (calls("s3:"), calls("sqs:")) {
        (false, false) => "bare-table",
        (false, true) => "bare-table-queue",
        (true, false) => "bare-table-bucket",
        (true, true) => "bare-table-bucket-queue",
    }
}

async fn table(
    cloud: &LocalCloud,
    binaries: &Binaries,
    functions: &[Function],
    starts: usize,
) -> Result<String, BenchError> {
    let mut table = HEAD.to_owned();
    for function in functions {
        let mut pair =
            [Subject::new(binaries, &function.binary)?, Subject::new(binaries, bare(function))?];
        // The first start is not counted, because it reads the program file into the page cache.
        for round in 0..=starts {
            for subject in &mut pair {
                let start = cloud.lambda().cold_start(&function.id, &subject.program).await?;
                if round > 0 {
                    subject.starts.push(start);
                }
            }
        }
        let _ = write!(table, "\n{}", row(&pair)?);
    }
    Ok(table)
}

fn row([function, bare]: &[Subject; 2]) -> Result<String, BenchError> {
    let (own, least) = (function.cost()?, bare.cost()?);
    let cells = |cost: &Cost| {
        let Cost { megabytes, wall_ms, cpu_ms, rss_mib } = cost;
        format!("{megabytes:.1} | {wall_ms:.1} | {cpu_ms:.1} | {rss_mib:.1}")
    };
    Ok(format!(
        "| {} | {} | {} | {} | {:.2} | {:.2} |",
        function.name,
        cells(&own),
        bare.name,
        cells(&least),
        own.cpu_ms / least.cpu_ms,
        own.rss_mib / least.rss_mib,
    ))
}

impl Subject {
    fn new(binaries: &Binaries, name: &str) -> Result<Self, BenchError> {
        let program = binaries.find(name)?.path;
        Ok(Self { name: name.to_owned(), program, starts: Vec::new() })
    }

    fn cost(&self) -> Result<Cost, BenchError> {
        let median =
            |figure: &dyn Fn(&ColdStart) -> f64| median(self.starts.iter().map(figure).collect());
        Ok(Cost {
            megabytes: std::fs::metadata(&self.program)?.len() as f64 / 1e6,
            wall_ms: median(&|start| start.wall.as_secs_f64() * 1e3),
            cpu_ms: median(&|start| start.cpu.as_secs_f64() * 1e3),
            rss_mib: median(&|start| start.peak_memory_bytes as f64 / 1_048_576.0),
        })
    }
}

/// The median: the number in the middle. If two numbers are in the middle, it is the larger one.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn each_http_function_is_compared_with_the_bare_function_that_has_its_clients() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
        let template = Template::read(&file, &example_parameters()).unwrap();
        let bare = |id: &str| bare(&template.functions[id]);
        assert_eq!(bare("ContactList"), "bare-table");
        assert_eq!(bare("NoteWrite"), "bare-table-queue");
        assert_eq!(bare("ExportRead"), "bare-table-bucket");
        assert_eq!(bare("ExportRequest"), "bare-table-bucket-queue");
        assert!(is_http(&template.functions["People"]));
        assert!(!is_http(&template.functions["CleanUp"]));
    }

    #[test]
    fn the_median_is_the_middle_number() {
        assert_eq!(median(vec![3.0, 100.0, 1.0]), 3.0);
        assert_eq!(median(vec![4.0, 1.0]), 4.0);
        assert!(median(Vec::new()).is_nan());
    }
}
