//! The fixture function of the tests, and the options of a Lambda service that runs it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use local::aws::Credentials;
use local::cargo::Binaries;
use local::console::Console;
use local::lambda::{LambdaOptions, RetryDelays};
use local::record::{Events, Requests, Usage};
use local::template::{Names, Parameters, Template};
use serde_json::Value;
use shared::clock::Clock;

/// The path of the fixture's program. Each test process builds the program once.
pub(crate) fn fixture() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // Build the fixture in the whole workspace, as the tests are built. A build of one package
        // has other features, and would compile all dependencies again.
        let output = local::cargo::command()
            .into_std()
            .args(["build", "--quiet", "--example=fixture", "--message-format=json"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .output()
            .unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["target"]["name"] == "fixture")
            .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
            .expect("cargo builds the fixture")
    })
}

/// A template with these resources and the function `Fixture`, which has these additional
/// properties.
pub(crate) fn template(resources: &str, properties: &str) -> Arc<Template> {
    let text = format!(
        "Globals: {{ Function: {{ Timeout: 20 }} }}\nResources:\n{resources}  Fixture:\n    Type: AWS::Serverless::Function\n    Metadata: {{ BuildProperties: {{ Binary: fixture }} }}\n    Properties:\n      Description: A fixture.\n{properties}"
    );
    Arc::new(Template::parse(&text, &Parameters::new()).unwrap())
}

/// The default options of the Lambda service. A test changes the options that it tests.
pub(crate) fn options(template: &Arc<Template>) -> LambdaOptions {
    LambdaOptions {
        template: Arc::clone(template),
        names: Names::new(Arc::clone(template), "http://127.0.0.1:1", [].into()),
        endpoint_url: "http://127.0.0.1:1".to_owned(),
        binaries: Binaries::from_iter([("fixture".to_owned(), fixture().to_path_buf())]),
        credentials: Credentials::new(),
        usage: Usage::default(),
        requests: Requests::default(),
        events: Events::default(),
        console: Console::silent(),
        clock: Clock::System,
        concurrency: 10,
        retry_delays: RetryDelays { after_error: vec![Duration::ZERO; 2], ..Default::default() },
    }
}

/// Waits until `condition` is true. Panics if it is not true after 30 seconds.
pub(crate) async fn eventually(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .expect("the condition did not become true");
}
