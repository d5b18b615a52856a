use std::{
    collections::HashMap, error::Error, future::Future, pin::Pin, sync::Arc, time::Duration,
};

use serde_json::Value;
use shared::{
    entry::{
        Failure, Reply,
        direct::Invocation,
        direct_or_queue, http,
        queue::{self, Message, QueueSource},
    },
    environment::{Environment, StartError},
};
use tokio::sync::Mutex;

use crate::World;

/// The functions of one world. Each function is set up when it receives its first event, as a real
/// process sets itself up when it starts.
#[derive(Default)]
pub struct Functions {
    started: Mutex<HashMap<String, Function>>,
}

impl Functions {
    /// Ends a function's process. The next event starts a new one.
    pub(crate) async fn stop(&self, name: &str) {
        self.started.lock().await.remove(name);
    }

    /// Runs a function on an event.
    ///
    /// # Panics
    /// Panics if the world has no function with this name, or if the function cannot receive events
    /// of this kind.
    pub(crate) async fn invoke(&self, world: &World, name: &str, event: Value) -> Value {
        let function = {
            let mut started = self.started.lock().await;
            match started.get(name) {
                Some(function) => Arc::clone(function),
                None => {
                    let environment = world.environment(name).await;
                    let function = start(world, name, &environment);
                    started.insert(name.to_owned(), Arc::clone(&function));
                    function
                }
            }
        };
        function(event, world.invocation()).await
    }
}

/// A function that is set up: it receives an event and the limits of the invocation, and returns
/// the response. The future is boxed because the handlers' futures are large, and one future that
/// contained all of them would overflow the stack of a test.
type Function = Arc<dyn Fn(Value, Invocation) -> Answer + Send + Sync>;

type Answer = Pin<Box<dyn Future<Output = Value>>>;

/// Sets up a function from its environment, as its `main` does.
fn start(world: &World, name: &str, env: &Environment) -> Function {
    match name {
        "ContactList" => request(contact_list::App::from_env(env), contact_list::handle),
        "ContactRead" => request(contact_read::App::from_env(env), contact_read::handle),
        "ContactSearch" => request(contact_search::App::from_env(env), contact_search::handle),
        "ContactWrite" => request(contact_write::App::from_env(env), contact_write::handle),
        "ContactDelete" => request(contact_delete::App::from_env(env), contact_delete::handle),
        "ContactAccess" => request(contact_access::App::from_env(env), contact_access::handle),
        "ContactImport" => request(contact_import::App::from_env(env), contact_import::handle),
        "ContactSync" => request(contact_sync::App::from_env(env), contact_sync::handle),
        "NoteRead" => request(note_read::App::from_env(env), note_read::handle),
        "NoteWrite" => request(note_write::App::from_env(env), note_write::handle),
        "NoteDelete" => request(note_delete::App::from_env(env), note_delete::handle),
        "People" => request(people::App::from_env(env), people::handle),
        "ExportRequest" => request(export_request::App::from_env(env), export_request::handle),
        "ExportLayouts" => request(export_layouts::App::from_env(env), export_layouts::handle),
        "ExportRead" => request(export_read::App::from_env(env), export_read::handle),
        "ExportDownload" => request(export_download::App::from_env(env), export_download::handle),
        "SetFlags" => direct(set_flags::App::from_env(env), set_flags::handle),
        "CompanyRemoval" => {
            let app = Arc::new(company_removal::App::from_env(env).expect("its variables"));
            Arc::new(move |event, invocation| {
                let app = Arc::clone(&app);
                Box::pin(
                    async move { invoke(app, event, invocation, company_removal::handle).await },
                )
            })
        }
        "CleanUp" => direct(clean_up::App::from_env(env), clean_up::handle),
        "MentionNotify" => {
            use mention_notify::{App, QUEUE_URL, handle};
            worker(App::from_env(env), QueueSource::from_env(env, QUEUE_URL), handle)
        }
        "ExportEmail" => {
            use export_email::{App, QUEUE_URL, handle};
            worker(App::from_env(env), QueueSource::from_env(env, QUEUE_URL), handle)
        }
        "ExportGenerate" => {
            use export_generate::{App, QUEUE_URL, handle};
            let (limits, directory) = (world.export_limits(), world.export_directory());
            let app = App::from_env(env).map(|app| App { limits, directory, ..app });
            worker(app, QueueSource::from_env(env, QUEUE_URL), handle)
        }
        "TeamBackfill" => {
            use team_backfill::{App, QUEUE_URL, handle, resume};
            let app = Arc::new(App::from_env(env).expect("the variables of TeamBackfill"));
            let source = QueueSource::from_env(env, QUEUE_URL).expect("the queue of TeamBackfill");
            Arc::new(move |event, invocation| {
                let (app, source) = (Arc::clone(&app), source.clone());
                Box::pin(async move {
                    if direct_or_queue::is_batch(&event) {
                        let deadline = Some(invocation.deadline());
                        let resume =
                            |app, message: Message<_>| resume(app, Message { deadline, ..message });
                        work(app, &source, event, resume).await
                    } else {
                        invoke(app, event, invocation, handle).await
                    }
                })
            })
        }
        other => panic!("the template has no function {other}"),
    }
}

/// Wraps the handler of a function behind the HTTP API.
fn request<A, H, F>(app: Result<A, StartError>, handler: H) -> Function
where
    A: Send + Sync + 'static,
    H: Fn(Arc<A>, http::Request) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Failure>>,
{
    let app = Arc::new(app.expect("the function's variables"));
    Arc::new(move |event, _| {
        let app = Arc::clone(&app);
        Box::pin(async move {
            let event = serde_json::from_value(event).expect("an HTTP event");
            let handler = |request| Box::pin(handler(app, request));
            let answer = http::respond("test-request", event, UNLIMITED, handler).await;
            serde_json::to_value(answer).expect("an answer")
        })
    })
}

/// Wraps the handler of a function that is invoked directly or by a schedule.
fn direct<A, T, R, H, F>(app: Result<A, StartError>, handler: H) -> Function
where
    A: Send + Sync + 'static,
    T: serde::de::DeserializeOwned,
    R: serde::Serialize,
    H: Fn(Arc<A>, T, Invocation) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<R, Failure>>,
{
    let app = Arc::new(app.expect("the function's variables"));
    Arc::new(move |event, _| {
        let app = Arc::clone(&app);
        Box::pin(async move { invoke(app, event, forever(), handler).await })
    })
}

/// Wraps the handler of a function that receives messages from a queue.
fn worker<A, T, H, F, E>(
    app: Result<A, StartError>,
    source: Result<QueueSource, StartError>,
    handler: H,
) -> Function
where
    A: Send + Sync + 'static,
    T: serde::de::DeserializeOwned,
    H: Fn(Arc<A>, Message<T>) -> F + Copy + Send + Sync + 'static,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let app = Arc::new(app.expect("the function's variables"));
    let source = source.expect("the queue's URL");
    Arc::new(move |event, _| {
        let (app, source) = (Arc::clone(&app), source.clone());
        Box::pin(async move { work(app, &source, event, handler).await })
    })
}

async fn invoke<A, T, R, H, F>(app: Arc<A>, event: Value, at: Invocation, handler: H) -> Value
where
    T: serde::de::DeserializeOwned,
    R: serde::Serialize,
    H: Fn(Arc<A>, T, Invocation) -> F,
    F: Future<Output = Result<R, Failure>>,
{
    let event = serde_json::from_value(event).expect("the function's event");
    match Box::pin(handler(app, event, at)).await {
        Ok(answer) => serde_json::to_value(answer).expect("an answer"),
        Err(failure) => failure.body(),
    }
}

async fn work<A, T, H, F, E>(app: Arc<A>, source: &QueueSource, event: Value, handler: H) -> Value
where
    T: serde::de::DeserializeOwned,
    H: Fn(Arc<A>, Message<T>) -> F,
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let event = serde_json::from_value(event).expect("a queue event");
    let work = |message| Box::pin(handler(Arc::clone(&app), message));
    let answer = queue::respond("test-request", event, source, work).await;
    serde_json::to_value(answer.expect("messages with ids")).expect("an answer")
}

/// The time that is left for a request in tests that do not limit the time.
const UNLIMITED: Duration = Duration::from_secs(3600);

/// An invocation without a time limit.
pub(crate) fn forever() -> Invocation {
    Invocation { deadline_ms: u64::MAX }
}
