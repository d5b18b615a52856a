//! Reads the contacts of a file ahead of the writer.

use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{iter, try_unfold},
};
use shared::{
    access::{Authorized, Scope},
    contact::{Contacts, Criteria, ListRequest, OrderBy, Pointer, StoredContact},
    id::ContactId,
    table::{Direction, TableError},
};
use tokio::sync::mpsc::Sender;

/// The number of contacts of one read, which is the batch size of the table.
const CHUNK: usize = 100;
/// The number of concurrent reads.
const READS_AHEAD: usize = 4;

/// A message to the writer.
#[derive(Debug)]
pub enum Feed {
    /// The next contacts, in the order of the file.
    Contacts(Chunk),
    /// There are no more contacts. If the channel closes without this message, the feed was
    /// interrupted.
    End,
}

/// The contacts of one read.
#[derive(Debug)]
pub struct Chunk {
    /// The contacts that the requester may see.
    pub contacts: Vec<Authorized<StoredContact>>,
    /// The number of selected contacts that are deleted or outside the requester's scope.
    pub skipped: u64,
    /// The share of the selection that has been read up to the end of this chunk, from 0 to 1.
    pub progress: f64,
}

/// Reads the contacts with these ids, in the order of `ids`.
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

/// Reads the contacts that match the criteria. Each contact is read once, even if other requests
/// change contacts at the same time. The newest contacts come first; in a text search, the best
/// matches do. If a contact's pointer shows that it is out of scope, the contact is not read.
pub async fn feed_filter(
    contacts: &Contacts,
    scope: &Scope,
    criteria: Criteria,
    into: Sender<Feed>,
) -> Result<(), TableError> {
    let request = &ListRequest::first_page(criteria, CHUNK);
    let oldest = oldest(contacts, scope, request).await?;
    let start = (contacts.walk(scope, request), None, None);
    let pointers = try_unfold(start, async |(mut walk, newest, reached)| {
        let mut pointers = Vec::with_capacity(CHUNK);
        let (mut newest, mut last) = (newest, None);
        while pointers.len() < CHUNK {
            let Some(pointer) = walk.next().await? else { break };
            newest = newest.or(Some(millis(pointer.id)));
            last = Some(millis(pointer.id));
            if request.criteria.may_match(&pointer, scope) {
                pointers.push(pointer);
            }
        }
        let Some((newest, last)) = newest.zip(last) else { return Ok(None) };
        // The walk may start again at the newest contact; the progress never goes back.
        let last = last.min(reached.unwrap_or(last));
        let progress = oldest.map_or(0.0, |oldest| {
            share(newest.saturating_sub(last), newest.saturating_sub(oldest).max(1))
        });
        Ok(Some(((pointers, progress), (walk, Some(newest), Some(last)))))
    });
    let reads = pointers.map_ok(async |(chunk, progress): (Vec<Pointer>, f64)| {
        let found = contacts.fetch(scope, request.order, &request.criteria, chunk).await?;
        Ok(Chunk { contacts: found, skipped: 0, progress })
    });
    pump(reads.try_buffered(READS_AHEAD), into).await
}

/// The time at which the oldest contact was created, in milliseconds since the Unix epoch. `None`
/// for a text search, in which the creation time does not show the progress.
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

/// The time at which a contact was created, in milliseconds since the Unix epoch. Progress is
/// measured by this time, because the number of a company's contacts is not known.
fn millis(id: ContactId) -> usize {
    id.created_at().and_then(|at| usize::try_from(at.as_millisecond()).ok()).unwrap_or_default()
}

#[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn share(part: usize, whole: usize) -> f64 {
    (part as f64 / whole as f64).clamp(0.0, 1.0)
}

/// Sends the chunks to the writer in order. If the writer has already failed, returns `Ok`, because
/// the writer's result contains the error.
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
    // If the channel is closed, the writer's result contains the error.
    let _ = into.send(Feed::End).await;
    Ok(())
}
