use std::collections::HashMap;

use futures::future::try_join_all;

use super::{
    Contact, StoredText, WritePlan,
    write_plan::{
        Stages, Steps, TouchedKeys, have_conditions, into_transactions, settling_actions,
    },
};
use crate::{
    access::{AccessError, Authorized, Scope},
    clock::Clock,
    error::chain,
    id::{CompanyId, ContactId},
    services::Services,
    table::{
        Action, Attempt, Condition, Due, Item, Key, Table, TableError, TransactError, Transaction,
        from_item, retry,
    },
};

/// Reads and writes the contacts of one company. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Contacts {
    pub(super) table: Table,
    pub(super) company: CompanyId,
    pub(super) clock: Clock,
}

/// Why a change of a contact was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Another request changed the contact or took a unique key since they were read. The caller
    /// must read them again.
    #[error("another request changed the contact")]
    Changed,
    /// The table request failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl SaveError {
    /// Converts the result of a save for [`retry`]: [`SaveError::Changed`] is a conflict.
    pub(super) fn attempt(saved: Result<(), Self>) -> Result<Attempt<()>, TableError> {
        match saved {
            Ok(()) => Ok(Attempt::Done(())),
            Err(Self::Changed) => Ok(Attempt::Conflict),
            Err(Self::Table(error)) => Err(error),
        }
    }
}

impl Contacts {
    /// Creates an instance for a company.
    #[must_use]
    pub fn new(table: Table, company: CompanyId, clock: Clock) -> Self {
        Self { table, company, clock }
    }

    /// Creates an instance for a company with the table and the clock of these services.
    #[must_use]
    pub fn from_services(services: &Services, company: &CompanyId) -> Self {
        Self::new(services.table.clone(), company.clone(), services.clock.clone())
    }

    /// Reads a contact that is in scope; `None` if it does not exist or is deleted.
    ///
    /// # Errors
    /// [`AccessError::OutOfScope`] if the contact exists and is out of scope.
    pub async fn read(
        &self,
        id: ContactId,
        scope: &Scope,
    ) -> Result<Option<Authorized<Contact>>, AccessError> {
        let key = Key::contact(&self.company, id);
        let found: Option<Contact> = self.table.get(&key, true).await?;
        match found.filter(Contact::is_live) {
            None => Ok(None),
            Some(contact) => scope.authorize(contact).map(Some).ok_or(AccessError::OutOfScope),
        }
    }

    /// Reads the records of the contacts with these ids, including deleted contacts, without
    /// checking a scope. If `consistent` is false, the records may be slightly out of date; only
    /// the ids without a record are then read again consistently.
    pub(super) async fn records<C: StoredText>(
        &self,
        ids: impl IntoIterator<Item = &ContactId>,
        consistent: bool,
    ) -> Result<HashMap<ContactId, Contact<C>>, TableError> {
        let ids = ids.into_iter();
        let keys: Vec<Key> = ids.map(|id| Key::contact(&self.company, *id)).collect();
        let mut items = self.table.batch_get(&keys, consistent).await?;
        if !consistent {
            let is_missing = |key: &Key| !items.contains_key(key);
            let missing: Vec<Key> = keys.into_iter().filter(is_missing).collect();
            items.extend(self.table.batch_get(&missing, true).await?);
        }
        decode(items.into_values())
    }

    /// Reads the contacts with these ids that are in scope, in the order of `ids`. Also returns the
    /// number of the other ids, whose contacts do not exist or are out of scope.
    pub async fn read_many<C: StoredText>(
        &self,
        ids: &[ContactId],
        scope: &Scope,
    ) -> Result<(Vec<Authorized<Contact<C>>>, usize), TableError> {
        let mut records = self.records(ids, false).await?;
        let found: Vec<_> = ids
            .iter()
            .filter_map(|id| records.remove(id))
            .filter(Contact::is_live)
            .filter_map(|contact: Contact<C>| scope.authorize(contact))
            .collect();
        let skipped = ids.len() - found.len();
        Ok((found, skipped))
    }

    /// Writes the plan for a contact to the table, in the [`Steps`] into which the plan is divided.
    ///
    /// # Errors
    /// [`SaveError::Changed`] when a condition of the plan was not met.
    pub async fn save(&self, id: ContactId, plan: WritePlan) -> Result<(), SaveError> {
        match plan.steps(&self.company, id, self.clock.now())? {
            Steps::Record(item, condition) => save_result(self.table.put_if(item, condition).await),
            Steps::Once(transaction) => save_result(self.table.transact(transaction).await),
            Steps::Staged(stages) => self.save_in_stages(*stages).await,
        }
    }

    async fn save_in_stages(&self, stages: Stages) -> Result<(), SaveError> {
        let Stages { due, keeps_pointers, before, record, after } = stages;
        let first = Transaction::from_iter([due.put()?]);
        save_result(self.table.transact(first).await)?;
        let changed = async {
            self.write_all(before).await?;
            save_result(self.table.transact(record).await)
        };
        let changed = changed.await;
        let settled = match &changed {
            // It is not known whether the record was written. The clean-up settles the index
            // entries when the due item is due.
            Err(SaveError::Table(_)) => Ok(()),
            Ok(()) if keeps_pointers => self.write_all(after).await,
            // This includes a write that failed because another request changed the contact first.
            // Its index entries are settled now, and not only when the due item is due.
            Ok(()) | Err(SaveError::Changed) => {
                Self::settle(&self.table, &due).await.map_err(SaveError::from)
            }
        };
        // At this point the record is written or the write has failed. If the index entries could
        // not be updated, the clean-up updates them later.
        if let Err(error) = settled {
            tracing::warn!(
                error = %chain(&error),
                "could not update the index entries of a contact; the clean-up will update them"
            );
        }
        changed
    }

    async fn write_all(&self, transactions: Vec<Transaction>) -> Result<(), SaveError> {
        let each = transactions.into_iter();
        let each =
            each.map(async |transaction| save_result(self.table.transact(transaction).await));
        try_join_all(each).await.map(drop)
    }

    /// Settles the index entries of a contact after a write in stages: writes, updates or deletes
    /// the items of all touched keys as the current contact requires, and deletes the due item.
    /// Every transaction checks that the contact is unchanged since it was read, or that the stale
    /// pointers that it deletes are, so that entries of a concurrent write are neither lost nor
    /// restored.
    ///
    /// # Errors
    /// [`TableError::Contention`] when the contact keeps changing. The due item then stays in the
    /// table.
    pub async fn settle(table: &Table, due: &Due) -> Result<(), TableError> {
        let touched: TouchedKeys = due.payload()?;
        let key = Key::contact(&touched.company, touched.contact);
        retry("the contact", async || {
            let now: Option<Contact> = table.get(&key, true).await?;
            let unchanged = now
                .as_ref()
                .map_or(Condition::Absent, |contact| Condition::Version(contact.version));
            let guard = Action::Check(key.clone(), unchanged);
            // These items are read after the contact. A later change of these items also changes
            // the version of the contact, so that the guard detects it.
            let stored = table.batch_get(&touched.keys, true).await?;
            let actions = settling_actions(&touched, now.as_ref(), &stored, due.at)?;
            let guard = (!have_conditions(&actions)).then_some(&guard);
            let transactions = into_transactions(actions.into_iter(), guard);
            let written = try_join_all(transactions.into_iter().map(|t| table.transact(t))).await;
            Attempt::from_transaction(written.map(drop))
        })
        .await?;
        table.complete_due(&due.key()).await
    }
}

fn save_result(written: Result<(), TransactError>) -> Result<(), SaveError> {
    match written {
        Ok(()) => Ok(()),
        Err(TransactError::Conditions(_)) => Err(SaveError::Changed),
        Err(TransactError::Table(error)) => Err(error.into()),
    }
}

fn decode<C: StoredText>(
    items: impl Iterator<Item = Item>,
) -> Result<HashMap<ContactId, Contact<C>>, TableError> {
    items
        .map(|item| {
            let contact: Contact<C> = from_item(item)?;
            Ok((contact.id, contact))
        })
        .collect()
}
