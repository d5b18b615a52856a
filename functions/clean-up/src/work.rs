use std::error::Error;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use shared::{
    clock::Clock,
    contact::Contacts,
    environment::{Environment, StartError},
    export::{Files, Jobs, deadline_passed, file_expired},
    note::retry_message,
    outbox::{Outbox, Outgoing, Queue},
    table::{DueItem, DueKind, Table},
};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    /// Where the due items stand.
    pub table: Table,
    /// Sends what was not sent.
    pub outbox: Outbox,
    /// Where export jobs stand.
    pub jobs: Jobs,
    /// Where their files are.
    pub files: Files,
    /// Tells when the invocation's time is up; what is due is told by the event.
    pub clock: Clock,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self {
            table: environment.table()?,
            jobs: Jobs::new(environment.table()?),
            files: environment.files()?,
            outbox: environment.outbox(&Queue::ALL)?,
            clock: environment.clock(),
        })
    }
}

/// Sends messages in batches, and deletes the items of those that the queues acknowledged. Tells how
/// many are met.
pub(crate) async fn send_messages(app: &App, items: &[&DueItem]) -> usize {
    let message = |item: &&DueItem| {
        let read = Outgoing::from_due(item);
        read.inspect_err(|_| {
            tracing::error!(id = item.due.id, "a due item contains no valid message")
        })
        .ok()
    };
    let messages: Vec<Outgoing> = items.iter().filter_map(message).collect();
    let acknowledged = app.outbox.send(&messages).await;
    let deleted =
        stream::iter(&acknowledged).map(|key| app.table.complete_due(key)).buffer_unordered(8);
    // An item that could not be deleted is sent once more, which is harmless.
    deleted.filter(|result| std::future::ready(result.is_ok())).count().await
}

/// Works one item off.
pub(crate) async fn one(
    app: &App,
    item: &DueItem,
    now: Timestamp,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    match item.due.kind {
        DueKind::Message => {}
        DueKind::Pointers => Contacts::settle(&app.table, &item.due).await?,
        DueKind::Verification => {
            let (transaction, message) = retry_message(item, now)?;
            app.table.transact(transaction).await?;
            app.outbox.send(&[message]).await;
        }
        DueKind::JobDeadline => {
            deadline_passed(&app.jobs, &app.files, &app.outbox, item, now).await?;
        }
        DueKind::FileExpiry => file_expired(&app.jobs, &app.files, item, now).await?,
    }
    Ok(())
}
