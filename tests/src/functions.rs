use std::{future::Future, sync::Arc, time::Duration};

use mention_notify::MentionWorker;
use serde_json::Value;
use shared::{
    access::Authority,
    contact::ContactWriter,
    entry::{
        Failure, Reply,
        direct::Invocation,
        direct_or_queue, http,
        queue::{self, Message, Source},
    },
    environment::Environment,
    export::ExportStore,
    note::{NoteDeleter, NoteReader, NoteWriter},
};
use tokio::sync::OnceCell;

use crate::World;

/// The functions of one world, each wired at its first event, as its process would be.
#[derive(Default)]
pub struct Functions {
    contact_list: OnceCell<Arc<Authority>>,
    contact_read: OnceCell<Arc<Authority>>,
    contact_search: OnceCell<Arc<Authority>>,
    contact_write: OnceCell<Arc<ContactWriter>>,
    contact_sync: OnceCell<Arc<ContactWriter>>,
    contact_delete: OnceCell<Arc<ContactWriter>>,
    contact_access: OnceCell<Arc<Authority>>,
    note_read: OnceCell<Arc<NoteReader>>,
    note_write: OnceCell<Arc<NoteWriter>>,
    note_delete: OnceCell<Arc<NoteDeleter>>,
    people: OnceCell<Arc<Authority>>,
    mention_notify: OnceCell<Worker<MentionWorker>>,
    export_request: OnceCell<Arc<export_request::App>>,
    export_layouts: OnceCell<Arc<export_layouts::App>>,
    export_read: OnceCell<Arc<ExportStore>>,
    export_download: OnceCell<Arc<ExportStore>>,
    export_generate: OnceCell<Worker<export_generate::App>>,
    export_email: OnceCell<Worker<export_email::App>>,
    set_flags: OnceCell<Arc<set_flags::App>>,
    team_backfill: OnceCell<Worker<team_backfill::App>>,
    clean_up: OnceCell<Arc<clean_up::App>>,
}

impl Functions {
    /// Runs a function on an event. What it runs is boxed: a handler's future is deep, and this
    /// one would hold those of all functions, on the stack of a test.
    ///
    /// # Panics
    /// When the world has no such function, or its event is none.
    pub(crate) async fn invoke(&self, world: &World, function: &str, event: Value) -> Value {
        match function {
            "ContactList" => {
                let app = authority(&self.contact_list, world, function).await;
                request(event, |request| contact_list::handle(app, request)).await
            }
            "ContactRead" => {
                let app = authority(&self.contact_read, world, function).await;
                request(event, |request| contact_read::handle(app, request)).await
            }
            "ContactSearch" => {
                let app = authority(&self.contact_search, world, function).await;
                request(event, |request| contact_search::handle(app, request)).await
            }
            "ContactWrite" => {
                let app = contacts(&self.contact_write, world, function).await;
                request(event, |request| contact_write::handle(app, request)).await
            }
            "ContactDelete" => {
                let app = contacts(&self.contact_delete, world, function).await;
                request(event, |request| contact_delete::handle(app, request)).await
            }
            "ContactAccess" => {
                let app = authority(&self.contact_access, world, function).await;
                request(event, |request| contact_access::handle(app, request)).await
            }
            "ContactSync" => {
                let app = contacts(&self.contact_sync, world, function).await;
                request(event, |request| contact_sync::handle(app, request)).await
            }
            "NoteRead" => {
                let make = async {
                    let environment = world.environment(function).await;
                    Arc::new(NoteReader::new(environment.authority().expect("an authority")))
                };
                let app = Arc::clone(self.note_read.get_or_init(|| Box::pin(make)).await);
                request(event, |request| note_read::handle(app, request)).await
            }
            "NoteWrite" => {
                let make = async {
                    let environment = world.environment(function).await;
                    Arc::new(environment.note_writer().expect("the variables of a writer"))
                };
                let app = Arc::clone(self.note_write.get_or_init(|| Box::pin(make)).await);
                request(event, |request| note_write::handle(app, request)).await
            }
            "NoteDelete" => {
                let make = async {
                    let environment = world.environment(function).await;
                    Arc::new(NoteDeleter::new(environment.authority().expect("an authority")))
                };
                let app = Arc::clone(self.note_delete.get_or_init(|| Box::pin(make)).await);
                request(event, |request| note_delete::handle(app, request)).await
            }
            "People" => {
                let app = authority(&self.people, world, function).await;
                request(event, |request| people::handle(app, request)).await
            }
            "MentionNotify" => {
                let make = async {
                    let environment = world.environment(function).await;
                    let app = MentionWorker::new(&environment).expect("the worker's variables");
                    Worker::new(&environment, "MENTION_QUEUE_URL", app)
                };
                let worker = self.mention_notify.get_or_init(|| Box::pin(make)).await;
                worker.work(event, mention_notify::handle).await
            }
            "ExportRequest" => {
                let make = async {
                    let environment = world.environment(function).await;
                    Arc::new(export_request::App::new(&environment).expect("the variables"))
                };
                let app = Arc::clone(self.export_request.get_or_init(|| Box::pin(make)).await);
                request(event, |request| export_request::handle(app, request)).await
            }
            "ExportLayouts" => {
                let make = async {
                    let environment = world.environment(function).await;
                    Arc::new(export_layouts::App::new(&environment).expect("the variables"))
                };
                let app = Arc::clone(self.export_layouts.get_or_init(|| Box::pin(make)).await);
                request(event, |request| export_layouts::handle(app, request)).await
            }
            "ExportRead" => {
                let app = export_store(&self.export_read, world, function).await;
                request(event, |request| export_read::handle(app, request)).await
            }
            "ExportDownload" => {
                let app = export_store(&self.export_download, world, function).await;
                request(event, |request| export_download::handle(app, request)).await
            }
            "ExportGenerate" => {
                let make = async {
                    let environment = world.environment(function).await;
                    let mut app = export_generate::App::new(&environment).expect("the variables");
                    app.limits = world.export_limits();
                    Worker::new(&environment, "EXPORT_QUEUE_URL", app)
                };
                let worker = self.export_generate.get_or_init(|| Box::pin(make)).await;
                worker.work(event, export_generate::handle).await
            }
            "ExportEmail" => {
                let make = async {
                    let environment = world.environment(function).await;
                    let app = export_email::App::new(&environment).expect("the variables");
                    Worker::new(&environment, "EXPORT_EMAIL_QUEUE_URL", app)
                };
                let worker = self.export_email.get_or_init(|| Box::pin(make)).await;
                worker.work(event, export_email::handle).await
            }
            "SetFlags" => {
                let make = async {
                    let environment = world.environment(function).await;
                    Arc::new(set_flags::App {
                        table: environment.table().expect("TABLE_NAME"),
                        directory: environment.directory().expect("LAUNCHPAD_URL"),
                    })
                };
                let app = Arc::clone(self.set_flags.get_or_init(|| Box::pin(make)).await);
                direct(event, |event| set_flags::handle(app, event, forever())).await
            }
            "TeamBackfill" => {
                let make = async {
                    let environment = world.environment(function).await;
                    let app = team_backfill::App::new(&environment).expect("the variables");
                    Worker::new(&environment, "BACKFILL_QUEUE_URL", app)
                };
                let worker = self.team_backfill.get_or_init(|| Box::pin(make)).await;
                let until = world.invocation();
                if direct_or_queue::is_batch(&event) {
                    let resume = |app, message: Message<_>| {
                        let deadline = Some(until.deadline());
                        team_backfill::resume(app, Message { deadline, ..message })
                    };
                    worker.work(event, resume).await
                } else {
                    let app = Arc::clone(&worker.app);
                    direct(event, |event| team_backfill::handle(app, event, until)).await
                }
            }
            "CleanUp" => {
                let make = async {
                    let environment = world.environment(function).await;
                    Arc::new(clean_up::App::new(&environment).expect("the clean-up's variables"))
                };
                let app = Arc::clone(self.clean_up.get_or_init(|| Box::pin(make)).await);
                direct(event, |event| clean_up::handle(app, event, forever())).await
            }
            other => panic!("the world has no function {other}"),
        }
    }
}

/// A worker and the queue that it is fed from.
struct Worker<A> {
    app: Arc<A>,
    source: Source,
}

impl<A> Worker<A> {
    fn new(environment: &Environment, url: &'static str, app: A) -> Self {
        Self { app: Arc::new(app), source: environment.source(url).expect("the queue's URL") }
    }

    async fn work<T, H, F, E>(&self, event: Value, handler: H) -> Value
    where
        T: serde::de::DeserializeOwned,
        H: Fn(Arc<A>, Message<T>) -> F,
        F: Future<Output = Result<(), E>>,
        E: std::fmt::Display,
    {
        let event = serde_json::from_value(event).expect("a queue event");
        let work = |message| Box::pin(handler(Arc::clone(&self.app), message));
        let answer = queue::respond("test-request", event, &self.source, work).await;
        let answer = answer.expect("messages with ids");
        serde_json::to_value(answer).expect("an answer")
    }
}

async fn authority(
    cell: &OnceCell<Arc<Authority>>,
    world: &World,
    function: &str,
) -> Arc<Authority> {
    let make = async {
        let environment = world.environment(function).await;
        Arc::new(environment.authority().expect("the variables of an authority"))
    };
    Arc::clone(cell.get_or_init(|| Box::pin(make)).await)
}

async fn export_store(cell: &OnceCell<Arc<ExportStore>>, world: &World, function: &str) -> Arc<ExportStore> {
    let make = async {
        let environment = world.environment(function).await;
        Arc::new(environment.export_store().expect("the variables of an export store"))
    };
    Arc::clone(cell.get_or_init(|| Box::pin(make)).await)
}

async fn contacts(
    cell: &OnceCell<Arc<ContactWriter>>,
    world: &World,
    function: &str,
) -> Arc<ContactWriter> {
    let make = async {
        let environment = world.environment(function).await;
        Arc::new(environment.contact_writer().expect("the variables of a writer"))
    };
    Arc::clone(cell.get_or_init(|| Box::pin(make)).await)
}

async fn request<H, F>(event: Value, handler: H) -> Value
where
    H: FnOnce(http::Request) -> F,
    F: Future<Output = Result<Reply, Failure>>,
{
    let event = serde_json::from_value(event).expect("an HTTP event");
    let handler = |request| Box::pin(handler(request));
    let answer = http::respond("test-request", event, ALL_THAT_IT_WANTS, handler).await;
    serde_json::to_value(answer).expect("an answer")
}

async fn direct<T, R, H, F>(event: Value, handler: H) -> Value
where
    T: serde::de::DeserializeOwned,
    R: serde::Serialize,
    H: FnOnce(T) -> F,
    F: Future<Output = Result<R, Failure>>,
{
    let event = serde_json::from_value(event).expect("the function's event");
    match Box::pin(handler(event)).await {
        Ok(answer) => serde_json::to_value(answer).expect("an answer"),
        Err(failure) => failure.body(),
    }
}

/// What a request may take where its time does not matter.
const ALL_THAT_IT_WANTS: Duration = Duration::from_secs(3600);

/// An invocation whose time is never up.
pub(crate) fn forever() -> Invocation {
    Invocation { deadline_ms: u64::MAX }
}
