//! Erases contacts in the background: after the end of their retention, or after a request to erase
//! them (SPEC §2, "Retention").
//!
//! An erasure has three steps, and a due item for the next one. All of them can be repeated, and a
//! crash at any point leaves a due item with which the clean-up continues:
//!
//! 1. **Tombstone.** The record loses its personal data, together with the contact's last index
//!    entries. A restoration now finds nothing to restore, and a note write that reads the record
//!    fails.
//! 2. **Sweep.** Everything else in the contact's partition is deleted: the notes and the ledger
//!    entries of their mentions. What is deleted is the saved progress.
//! 3. **Last sweep**, [`LAST_SWEEP_AFTER`] later. A note write that had read the record before the
//!    tombstone can store its note after the sweep, but not that late, because no function runs for
//!    so long. Then the tombstone is deleted.

use jiff::{SignedDuration, Timestamp};

use super::{
    Contact, Contacts, SaveError, StalePointers, event,
    retention::{Erasure, ErasureStep},
};
use crate::{
    clock::Clock,
    table::{
        Action, Attempt, Condition, Due, Key, PK, Query, Table, TableError, TransactError,
        Transaction, contact_partition, retry,
    },
};

/// The time between the end of the sweep and the last sweep. It is longer than any function that
/// writes notes can run.
const LAST_SWEEP_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// The maximum number of items that one step deletes. A step then takes less than a second, even if
/// the items are large notes.
const CHUNK: i32 = 200;

/// What one step of an erasure did.
#[derive(Debug)]
pub struct ErasureProgress {
    /// The number of items that were written or deleted.
    pub writes: usize,
    /// The work that can be done next. `None` if the erasure is finished, or the next step is due
    /// at a later time.
    pub next: Option<Due>,
}

impl ErasureProgress {
    fn finished(writes: usize) -> Self {
        Self { writes, next: None }
    }
}

impl Contacts {
    /// Performs one bounded step of the erasure that a due item of the kind
    /// [`DueKind::Erasure`](crate::table::DueKind::Erasure) is about, at the time `now`. The due
    /// item is replaced or deleted when its step is complete.
    ///
    /// # Errors
    /// [`TableError`]. The due item then stays in the table, and the step can be repeated.
    pub async fn erasure_step(
        table: &Table,
        clock: &Clock,
        due: &Due,
        now: Timestamp,
    ) -> Result<ErasureProgress, TableError> {
        let erasure: Erasure = due.payload()?;
        let contacts = Self::new(table.clone(), erasure.company.clone(), clock.clone());
        match erasure.step {
            ErasureStep::Tombstone => contacts.end_retention(&erasure, due, now).await,
            ErasureStep::Sweep | ErasureStep::LastSweep => contacts.sweep(&erasure, due, now).await,
        }
    }

    /// Writes the tombstone, unless the contact was restored since the due item was written.
    async fn end_retention(
        &self,
        erasure: &Erasure,
        due: &Due,
        now: Timestamp,
    ) -> Result<ErasureProgress, TableError> {
        let key = Key::contact(&self.company, erasure.contact);
        let stone = retry("the contact", async || {
            let old: Option<Contact> = self.table.get(&key, true).await?;
            // A contact that was restored and deleted again has a later due item.
            let Some(old) = old.filter(|old| old.erased_after == Some(due.at)) else {
                return Ok(Attempt::Done(None));
            };
            let stone = old.tombstone(now);
            let written = self.write(Some(&old), &stone, StalePointers::Delete).await;
            Ok::<_, TableError>(SaveError::attempt(written)?.map(|()| Some(stone)))
        })
        .await?;
        if stone.is_none() {
            self.table.complete_due(&due.key()).await?;
            return Ok(ErasureProgress::finished(1));
        }
        event::contact_erased(&self.company, None, erasure.contact);
        // The record, the pointer, and the two due items.
        let next = Erasure { step: ErasureStep::Sweep, ..erasure.clone() }.due(now)?;
        Ok(ErasureProgress { writes: 4, next: Some(next) })
    }

    /// Deletes up to [`CHUNK`] items of the contact. If none is left, completes the step.
    async fn sweep(
        &self,
        erasure: &Erasure,
        due: &Due,
        now: Timestamp,
    ) -> Result<ErasureProgress, TableError> {
        let record_key = Key::contact(&self.company, erasure.contact);
        let record: Option<Contact> = self.table.get(&record_key, true).await?;
        if record.is_none_or(|record| record.erased_at.is_none()) {
            // The erasure is finished, and this due item was written once more by a repetition.
            self.table.complete_due(&due.key()).await?;
            return Ok(ErasureProgress::finished(1));
        }
        let page = self
            .table
            .query(&Query {
                limit: CHUNK,
                consistent: true,
                keys_only: true,
                ..Query::partition(contact_partition(&self.company, erasure.contact))
            })
            .await?;
        let mut keys: Vec<Key> = page.items.iter().filter_map(Key::from_item).collect();
        keys.retain(|key| *key != record_key);
        if !keys.is_empty() {
            self.table.delete_all(&keys).await?;
            return Ok(ErasureProgress { writes: keys.len(), next: Some(due.clone()) });
        }
        let last = match erasure.step {
            ErasureStep::LastSweep => {
                let is_tombstone = Condition::Expression {
                    text: "attribute_exists(#erased) OR attribute_not_exists(#pk)".to_owned(),
                    names: vec![("#erased", "erased_at"), ("#pk", PK)],
                    values: Vec::new(),
                };
                Action::Delete(record_key, Some(is_tombstone))
            }
            ErasureStep::Tombstone | ErasureStep::Sweep => {
                let next = Erasure { step: ErasureStep::LastSweep, ..erasure.clone() };
                next.due(now + LAST_SWEEP_AFTER)?.put()?
            }
        };
        match self.table.transact(Transaction::from_iter([due.delete(), last])).await {
            Ok(()) => Ok(ErasureProgress::finished(2)),
            Err(TransactError::Conditions(_)) => Err(TableError::ConditionFailed),
            Err(TransactError::Table(error)) => Err(error),
        }
    }
}
