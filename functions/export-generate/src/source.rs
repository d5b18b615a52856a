//! Reads the contacts that go into a file, ahead of the writer.

use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{iter, try_unfold},
};
use shared::{
    access::{Authorized, Scope},
    contact::{Contact, Contacts, Filter, ListRequest, OrderBy, Pointer, Walk},
    id::ContactId,
    table::{Direction, Partition, TableError},
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

/// Feeds the contacts that a filter wants, the newest first, each once while others write. What
/// the pointers tell to be out of scope costs no read.
///
/// # Errors
/// As the table says.
pub async fn feed_filter(
    contacts: &Contacts,
    scope: &Scope,
    filter: &Filter,
    into: Sender<Feed>,
) -> Result<(), TableError> {
    let order = order(scope, filter);
    let oldest = walk(contacts, order, filter, Direction::Ascending, 1).next().await?;
    let oldest = oldest.map_or(0, |pointer| millis(pointer.id));
    let walk = walk(contacts, order, filter, Direction::Descending, CHUNK);
    let pointers = try_unfold((walk, None), async |(mut walk, newest)| {
        let mut wanted = Vec::with_capacity(CHUNK);
        let (mut newest, mut last) = (newest, None);
        while wanted.len() < CHUNK {
            let Some(pointer) = walk.next().await? else { break };
            newest = newest.or(Some(millis(pointer.id)));
            last = Some(millis(pointer.id));
            if pointer.is_wanted(scope, filter) {
                wanted.push(pointer);
            }
        }
        let Some((newest, last)) = newest.zip(last) else { return Ok(None) };
        let progress = share(newest.saturating_sub(last), newest.saturating_sub(oldest).max(1));
        Ok(Some(((wanted, progress), (walk, Some(newest)))))
    });
    let reads = pointers.map_ok(async |(wanted, progress): (Vec<Pointer>, f64)| {
        let found = contacts.fetch(scope, OrderBy::CreatedAt, filter, wanted).await?;
        Ok(Chunk { contacts: found, skipped: 0, progress })
    });
    pump(reads.try_buffered(READS_AHEAD), into).await
}

/// The one order to walk: a partition that holds everything in the scope that the filter wants, or
/// else the whole company's. In one partition a contact that stays in scope has one place; between
/// two it could move behind the walk's back and be missed. A company's pointers are cheap to pass
/// over (a million are 38,000 read units), a missing row is not.
fn order(scope: &Scope, filter: &Filter) -> Partition {
    match filter.partitions(scope)[..] {
        [one] => one,
        _ => Partition::All,
    }
}

fn walk(
    contacts: &Contacts,
    order: Partition,
    filter: &Filter,
    direction: Direction,
    page: usize,
) -> Walk {
    let request = ListRequest {
        order: OrderBy::CreatedAt,
        direction,
        limit: page,
        cursor: None,
        filter: filter.clone(),
    };
    Walk::new(contacts, &[order], &request, page)
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
