use std::collections::HashMap;

use futures::future::try_join_all;

use super::{
    Contact, WritePlan,
    write_plan::{Stages, Steps, Touched, in_chunks, in_order},
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

/// The contacts of one company. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Contacts {
    pub(super) table: Table,
    pub(super) company: CompanyId,
    pub(super) clock: Clock,
}

/// Why a change was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Somebody else changed the contact or took a claim meanwhile: read again and decide anew.
    #[error("another request changed the contact")]
    Changed,
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl SaveError {
    /// The outcome of a save as an attempt: a changed contact is a conflict.
    ///
    /// # Errors
    /// Every other error of the table.
    pub(super) fn attempt(saved: Result<(), Self>) -> Result<Attempt<()>, TableError> {
        match saved {
            Ok(()) => Ok(Attempt::Done(())),
            Err(Self::Changed) => Ok(Attempt::Conflict),
            Err(Self::Table(error)) => Err(error),
        }
    }
}

impl Contacts {
    /// The contacts of a company.
    #[must_use]
    pub fn new(table: Table, company: CompanyId, clock: Clock) -> Self {
        Self { table, company, clock }
    }

    /// The contacts of a company, in the table and by the clock of these services.
    #[must_use]
    pub fn from_services(services: &Services, company: &CompanyId) -> Self {
        Self::new(services.table.clone(), company.clone(), services.clock.clone())
    }

    /// A contact that the scope admits; `None` for one that is not there.
    ///
    /// # Errors
    /// [`AccessError::OutOfScope`] for one that the scope does not admit.
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

    /// The contacts with these ids that are there, whoever may see them; `consistent` tells them as
    /// they are now. Otherwise a miss alone is read again so: the contact may be a moment old.
    ///
    /// # Errors
    /// As the table says.
    pub(super) async fn records(
        &self,
        ids: impl IntoIterator<Item = &ContactId>,
        consistent: bool,
    ) -> Result<HashMap<ContactId, Contact>, TableError> {
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

    /// The contacts with these ids that the scope admits, in the order asked for, and how many
    /// there are not: gone or out of scope.
    ///
    /// # Errors
    /// As the table says.
    pub async fn read_many(
        &self,
        ids: &[ContactId],
        scope: &Scope,
    ) -> Result<(Vec<Authorized<Contact>>, usize), TableError> {
        let mut records = self.records(ids, false).await?;
        let found: Vec<_> = ids
            .iter()
            .filter_map(|id| records.remove(id))
            .filter(Contact::is_live)
            .filter_map(|contact| scope.authorize(contact))
            .collect();
        let skipped = ids.len() - found.len();
        Ok((found, skipped))
    }

    /// Carries a plan out.
    ///
    /// # Errors
    /// [`SaveError::Changed`] when a condition did not hold.
    pub async fn save(&self, id: ContactId, plan: WritePlan) -> Result<(), SaveError> {
        match plan.steps(&self.company, id, self.clock.now())? {
            Steps::Record(item, condition) => saved(self.table.put_if(item, condition).await),
            Steps::Once(transaction) => saved(self.table.transact(transaction).await),
            Steps::Staged(stages) => self.save_in_stages(*stages).await,
        }
    }

    async fn save_in_stages(&self, stages: Stages) -> Result<(), SaveError> {
        let Stages { due, before, record, after } = stages;
        let first = Transaction::from_iter([due.put()?]);
        saved(self.table.transact(first).await)?;
        let changed = async {
            self.all(before).await?;
            saved(self.table.transact(record).await)
        };
        let changed = changed.await;
        let put_in_order = match &changed {
            // What became of it nobody knows; the clean-up puts it in order when it is due.
            Err(SaveError::Table(_)) => Ok(()),
            Ok(()) if !after.is_empty() => self.all(after).await,
            // Also when somebody else was first: what was begun is put in order now rather than
            // when it is due.
            Ok(()) | Err(SaveError::Changed) => {
                Self::settle(&self.table, &due).await.map_err(SaveError::from)
            }
        };
        // The record has decided by now; what is not done after it, the clean-up does.
        if let Err(error) = put_in_order {
            tracing::warn!(error = %chain(&error), "could not update the index entries of a contact; the clean-up will update them");
        }
        changed
    }

    async fn all(&self, transactions: Vec<Transaction>) -> Result<(), SaveError> {
        let each = transactions.into_iter();
        let each = each.map(async |transaction| saved(self.table.transact(transaction).await));
        try_join_all(each).await.map(drop)
    }

    /// Puts every key that a change touched or where a pointer lingers into the order that the
    /// contact, as it is now, asks for, and says that the due item is met. Each write happens only
    /// while the contact stays as it was read: another writer's pointers are neither lost nor
    /// brought back.
    ///
    /// # Errors
    /// [`TableError::Contention`] when the contact keeps changing; the due item then stays.
    pub async fn settle(table: &Table, due: &Due) -> Result<(), TableError> {
        let touched: Touched = due.payload()?;
        let key = Key::contact(&touched.company, touched.contact);
        retry("the contact", async || {
            let now: Option<Contact> = table.get(&key, true).await?;
            let unchanged = now
                .as_ref()
                .map_or(Condition::Absent, |contact| Condition::Version(contact.version));
            let guard = Action::Check(key.clone(), unchanged);
            // Read behind the contact: what comes later changes the contact too.
            let standing = table.batch_get(&touched.keys, true).await?;
            let actions = in_order(&touched, now.as_ref(), &standing, due.at)?;
            let transactions = in_chunks(actions.into_iter(), Some(&guard));
            let written = try_join_all(transactions.into_iter().map(|t| table.transact(t))).await;
            Attempt::from_transaction(written.map(drop))
        })
        .await?;
        table.complete_due(&due.key()).await
    }
}

fn saved(written: Result<(), TransactError>) -> Result<(), SaveError> {
    match written {
        Ok(()) => Ok(()),
        Err(TransactError::Conditions(_)) => Err(SaveError::Changed),
        Err(TransactError::Table(error)) => Err(error.into()),
    }
}

fn decode(items: impl Iterator<Item = Item>) -> Result<HashMap<ContactId, Contact>, TableError> {
    items
        .map(|item| {
            let contact: Contact = from_item(item)?;
            Ok((contact.id, contact))
        })
        .collect()
}
