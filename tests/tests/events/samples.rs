//! Tests that every file in `events/` is a valid event of its function, and that every event source
//! has a file.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;
use tests::{Variables, World, workspace};

use super::scene::{Scene, Scenes};

/// An event from a file in `events/{binary}/`.
struct Sample {
    binary: String,
    file: PathBuf,
    event: Value,
}

impl Sample {
    fn all() -> Vec<Self> {
        let mut samples = Vec::new();
        for folder in fs::read_dir(workspace().join("events")).unwrap() {
            let folder = folder.unwrap().path();
            let binary = folder.file_name().unwrap().to_string_lossy().into_owned();
            for file in fs::read_dir(&folder).unwrap() {
                let file = file.unwrap().path();
                let event = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
                samples.push(Self { binary: binary.clone(), file, event });
            }
        }
        samples
    }

    fn from_path(path: &str) -> Self {
        let mut samples = Self::all().into_iter();
        samples.find(|sample| sample.file.ends_with(path)).unwrap()
    }

    /// The source of the event, as the template names it; `None` if the function is invoked
    /// directly.
    fn source(&self) -> Option<String> {
        if let Some(route) = self.event["routeKey"].as_str() {
            return Some(route.to_owned());
        }
        if let Some(arn) = self.event["Records"][0]["eventSourceARN"].as_str() {
            return arn.rsplit(':').next().map(str::to_owned);
        }
        self.event["detail-type"].is_string().then(|| "schedule".to_owned())
    }

    async fn invoke(&self, scene: &Scene) -> Value {
        let function = scene.world.function_with_binary(&self.binary);
        scene.world.invoke(&function, scene.event(&self.event)).await
    }
}

#[tokio::test]
async fn every_sample_event_is_accepted_by_its_function() {
    let mut scenes = Scenes::default();
    for sample in Sample::all() {
        let shown = sample.file.display();
        let response = sample.invoke(scenes.unchanged().await).await;
        scenes.after(sample.event["requestContext"]["http"]["method"].as_str().unwrap_or_default());
        if let Some(status) = response["statusCode"].as_u64() {
            let is_unknown = sample.event["routeKey"] == "$default";
            assert_eq!(status < 400, !is_unknown, "{shown}: {response}");
        } else {
            assert!(response["error"].is_null(), "{shown}: {response}");
            assert!(response["batchItemFailures"].as_array().is_none_or(Vec::is_empty), "{shown}");
        }
    }
}

#[tokio::test]
async fn the_sample_messages_have_the_effect_of_real_queue_messages() {
    let scene = Scene::requested().await;
    Sample::from_path("mention-notify/notify.json").invoke(&scene).await;
    assert_eq!(scene.world.notifications.list().len(), 1);
    Sample::from_path("export-generate/queue.json").invoke(&scene).await;
    let export = scene.export().await;
    assert_eq!(
        (&export["status"], &export["email_status"]),
        (&"completed".into(), &"pending".into())
    );
    Sample::from_path("export-email/queue.json").invoke(&scene).await;
    assert_eq!(scene.world.aws.mailbox().list().len(), 1);
    assert_eq!(scene.export().await["email_status"], "sent");
}

#[tokio::test]
async fn sample_events_exist_for_exactly_the_routes_queues_and_schedules_of_the_template() {
    let world = World::start().await;
    let samples = Sample::all();
    let sampled: BTreeSet<_> = samples
        .iter()
        .filter_map(|sample| Some((sample.binary.clone(), sample.source()?)))
        .collect();
    assert_eq!(sampled, world.sources());
    let binaries: BTreeSet<_> = samples.into_iter().map(|sample| sample.binary).collect();
    assert_eq!(binaries, world.binaries());
}

#[tokio::test]
async fn every_function_reads_exactly_the_environment_variables_that_the_template_sets() {
    let world = World::start().await;
    for sample in Sample::all() {
        world.invoke(&world.function_with_binary(&sample.binary), sample.event).await;
    }
    let (set, read) = (world.variables_set(), world.variables_read());
    // A function may ignore a variable that all functions get. The start of a process, which tests
    // leave out, reads `RUST_LOG` and `METRIC_NAMESPACE`.
    let shared = in_every_function(&set);
    let used: BTreeSet<_> = read.values().flatten().cloned().collect();
    let by_start = ["RUST_LOG", "METRIC_NAMESPACE"];
    let unused: Vec<_> =
        shared.difference(&used).filter(|name| !by_start.contains(&name.as_str())).collect();
    assert!(unused.is_empty(), "no function reads {unused:?}");
    for (function, set) in &set {
        let read = &read[function];
        let missing: Vec<_> = read.difference(set).collect();
        assert!(missing.is_empty(), "{function} reads {missing:?}, which is not set");
        let mut own = set.difference(&shared).cloned().collect::<BTreeSet<_>>();
        // Only a deploy needs it (`another_version_of_the_secret_changes_the_environment_…`).
        own.remove("UPSTREAM_SECRET_VERSION");
        let unread: Vec<_> = own.difference(read).collect();
        assert!(unread.is_empty(), "{function} never reads {unread:?}");
    }
}

/// The variables that every function gets.
fn in_every_function(set: &Variables) -> BTreeSet<String> {
    let all = set.values().cloned();
    all.reduce(|shared, own| shared.intersection(&own).cloned().collect()).unwrap_or_default()
}
