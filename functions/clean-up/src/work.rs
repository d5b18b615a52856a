use std::error::Error;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use shared::{
    clock::Clock,
    contact::Contacts,
    environment::{Environment, StartError},
    error::chain,
    export::{Files, Jobs, deadline_passed, file_expired},
    note::retry_message,
    outbox::{Outbox, Outgoing, Queue},
    table::{DueItem, DueKind, Table},
};

/// The dependencies of the function.
#[derive(Debug)]
pub struct App {
    /// The table with the due items.
    pub table: Table,
    /// Sends the messages that were not sent after their transaction was committed.
    pub outbox: Outbox,
    /// The export jobs.
    pub jobs: Jobs,
    /// The files of export jobs.
    pub files: Files,
    /// The clock that ends the run before the invocation's deadline. Whether an item is due depends
    /// on the time of the event instead.
    pub clock: Clock,
}

impl App {
    /// Creates the dependencies from the environment.
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

/// Sends the messages of due items in batches, and deletes the items whose messages the queues
/// accepted. Returns the number of deleted items.
pub(crate) async fn send_messages(app: &App, items: &[&DueItem]) -> usize {
    let message = |item: &&DueItem| {
        let read = Outgoing::from_due(item);
        read.inspect_err(|error| {
            let id = item.due.id.as_str();
            tracing::error!(
                id,
                error = %chain(error),
                "a due item contains no valid message; it stays in the table"
            );
        })
        .ok()
    };
    let messages: Vec<Outgoing> = items.iter().filter_map(message).collect();
    let acknowledged = app.outbox.send(&messages).await;
    let deleted =
        stream::iter(&acknowledged).map(|key| app.table.complete_due(key)).buffer_unordered(8);
    let deleted = deleted.inspect_err(|error| {
        // Sending a message again is safe, because its receivers handle repeated messages.
        tracing::warn!(
            error = %chain(error),
            "could not delete the due item of a sent message; the message will be sent again"
        );
    });
    deleted.filter(|result| std::future::ready(result.is_ok())).count().await
}

/// Processes one due item of any kind except a message.
pub(crate) async fn process(
    app: &App,
    item: &DueItem,
    now: Timestamp,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    match item.due.kind {
        // The function processes these two kinds separately.
        DueKind::Message | DueKind::Erasure => {}
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
