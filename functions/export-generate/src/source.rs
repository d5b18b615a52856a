//! Reads the contacts that go into a file, ahead of the writer.

use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{iter, try_unfold},
};
use shared::{
    access::{Authorized, Scope},
    contact::{Contact, Contacts, Criteria, ListRequest, OrderBy, Pointer},
    id::ContactId,
    table::{Direction, TableError},
};
use tokio::sync::mpsc::Sender;

/// The contacts of one read: a table's batch.
const CHUNK: usize = 100;
/// Reads under way at the same time.
const READS_AHEAD: usize = 4;

/// What the writer is fed with.
#[derive(Debug)]
pub enum Feed {
    /// Contacts in their order.
    Contacts(Chunk),
    /// There are no more. A feed that ends without this was broken off.
    End,
}

/// The contacts of one read.
#[derive(Debug)]
pub struct Chunk {
    /// Contacts past the guard.
    pub contacts: Vec<Authorized<Contact>>,
    /// Selected contacts that are gone or out of scope.
    pub skipped: u64,
    /// How much of the selection this read comes to the end of, 0 to 1.
    pub progress: f64,
}

/// Feeds the contacts with these ids, in their order.
///
/// # Errors
/// As the table says.
pub async fn feed_ids(
    contacts: &Contacts,
    scope: &Scope,
    ids: &[ContactId],
    into: Sender<Feed>,
) -> Result<(), TableError> {
    let total = ids.len().max(1);
    let reads = iter(ids.chunks(CHUNK).enumerate()).map(|(index, chunk)| async move {
        let (found, skipped) = contacts.read_many(chunk, scope).await?;
        Ok(Chunk {
            contacts: found,
            skipped: u64::try_from(skipped).unwrap_or(u64::MAX),
            progress: share(index * CHUNK + chunk.len(), total),
        })
    });
    pump(reads.buffered(READS_AHEAD), into).await
}

/// Feeds the contacts that the criteria want, each once while others write: the newest first, or
/// what a text finds in the order of its matches. What the pointers tell to be out of scope costs
/// no read.
///
/// # Errors
/// As the table says.
pub async fn feed_filter(
    contacts: &Contacts,
    scope: &Scope,
    criteria: Criteria,
    into: Sender<Feed>,
) -> Result<(), TableError> {
    let request = &ListRequest::of(criteria, CHUNK);
    let oldest = oldest(contacts, scope, request).await?;
    let pointers = try_unfold((contacts.walk(scope, request), None), async |(mut walk, newest)| {
        let mut wanted = Vec::with_capacity(CHUNK);
        let (mut newest, mut last) = (newest, None);
        while wanted.len() < CHUNK {
            let Some(pointer) = walk.next().await? else { break };
            newest = newest.or(Some(millis(pointer.id)));
            last = Some(millis(pointer.id));
            if pointer.is_wanted(scope, &request.criteria) {
                wanted.push(pointer);
            }
        }
        let Some((newest, last)) = newest.zip(last) else { return Ok(None) };
        let progress = oldest.map_or(0.0, |oldest| {
            share(newest.saturating_sub(last), newest.saturating_sub(oldest).max(1))
        });
        Ok(Some(((wanted, progress), (walk, Some(newest)))))
    });
    let reads = pointers.map_ok(async |(wanted, progress): (Vec<Pointer>, f64)| {
        let found = contacts.fetch(scope, request.order, &request.criteria, wanted).await?;
        Ok(Chunk { contacts: found, skipped: 0, progress })
    });
    pump(reads.try_buffered(READS_AHEAD), into).await
}

/// When the last contact to come was created, in milliseconds; in the order of matches that says
/// nothing of how far it is.
async fn oldest(
    contacts: &Contacts,
    scope: &Scope,
    request: &ListRequest,
) -> Result<Option<usize>, TableError> {
    if request.order != OrderBy::CreatedAt {
        return Ok(None);
    }
    let from_the_end = ListRequest { direction: Direction::Ascending, limit: 1, ..request.clone() };
    let oldest = contacts.walk(scope, &from_the_end).next().await?;
    Ok(Some(oldest.map_or(0, |pointer| millis(pointer.id))))
}

/// When a contact was created, in milliseconds: how far a walk is can only be told by time, as
/// nobody counts a company's contacts.
fn millis(id: ContactId) -> usize {
    id.created_at().and_then(|at| usize::try_from(at.as_millisecond()).ok()).unwrap_or_default()
}

#[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn share(part: usize, whole: usize) -> f64 {
    (part as f64 / whole as f64).clamp(0.0, 1.0)
}

/// Hands what is read to the writer, in order. A writer that ended early has its own reason to
/// tell.
async fn pump(
    reads: impl Stream<Item = Result<Chunk, TableError>>,
    into: Sender<Feed>,
) -> Result<(), TableError> {
    let mut reads = std::pin::pin!(reads);
    while let Some(chunk) = reads.try_next().await? {
        if into.send(Feed::Contacts(chunk)).await.is_err() {
            return Ok(());
        }
    }
    // A closed channel is told by the writer's own result.
    let _ = into.send(Feed::End).await;
    Ok(())
}
