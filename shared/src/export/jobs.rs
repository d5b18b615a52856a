//! Reads and creates jobs, and changes them with optimistic locking.

use jiff::Timestamp;

use super::{
    follow_up::{deadline_due, generate_message},
    job::{Job, JobRef, Status},
    quota::{Quota, TooManyExports},
};
use crate::{
    id::{CompanyId, JobId, UserId},
    idempotency::IdempotencyKey,
    outbox::Outgoing,
    table::{
        Action, Attempt, Condition, Direction, Key, Query, Table, TableError, TransactError,
        Transaction, attribute, from_item, jobs_partition, retry,
    },
};

/// The export jobs in the table. A clone shares the client.
#[derive(Clone, Debug)]
pub struct Jobs {
    table: Table,
}

/// Why a job was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The user or the company has too many active exports.
    #[error(transparent)]
    TooMany(#[from] TooManyExports),
    /// A concurrent request with the same idempotency key created its job first.
    #[error("another request used the same idempotency key first")]
    KeyTaken,
    /// The call to the table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The result of [`Jobs::change`].
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Change {
    /// The job was changed. This is its new state.
    Written(Job),
    /// The job was not changed. This is its current state.
    Unchanged(Job),
    /// The job does not exist.
    Missing,
}

/// The progress of a running attempt.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct AttemptProgress {
    /// The number of rows that the attempt has written, without the header.
    pub rows: u64,
    /// The number of selected contacts that were skipped because they are deleted or outside the
    /// requester's scope.
    pub skipped: u64,
    /// The share of the work that is done, from 0 to 1.
    pub progress: f64,
}

impl Jobs {
    /// Creates a store for the jobs in this table.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// The table that stores the jobs.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Reads a job with a consistent read. `None` if it does not exist.
    pub async fn get(&self, at: &JobRef) -> Result<Option<Job>, TableError> {
        self.table.get(&at.key(), true).await
    }

    /// Lists a user's jobs, newest first. The page starts after the job `after`. Also returns the
    /// last job of the page, after which the next page starts; `None` on the last page.
    pub async fn list(
        &self,
        company: &CompanyId,
        user: UserId,
        after: Option<JobId>,
        limit: usize,
    ) -> Result<(Vec<Job>, Option<JobId>), TableError> {
        let query = Query {
            before: after.map(|job| Key::job(company, user, job).sk),
            direction: Direction::Descending,
            limit: i32::try_from(limit).unwrap_or(i32::MAX),
            consistent: true,
            ..Query::partition(jobs_partition(company, user))
        };
        let page = self.table.query(&query).await?;
        let jobs = page.items.into_iter().map(from_item).collect::<Result<Vec<Job>, _>>()?;
        let next = jobs.last().map(|job| job.id).filter(|_| page.more);
        Ok((jobs, next))
    }

    /// Stores a new job in one transaction with its place in the quota, the due item for its
    /// deadline, the message that starts it and the idempotency record. Returns the message; the
    /// caller must send it at once.
    pub async fn create(
        &self,
        job: &Job,
        idempotency: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Outgoing, CreateError> {
        let start = generate_message(job, now)?;
        retry("the job", async || {
            let quota: Option<Quota> = self.table.get(&Key::quota(&job.company), true).await?;
            let quota = quota.unwrap_or_default().admit(&job.reference(), job.deadline, now)?;
            let mut transaction = Transaction::from_iter([
                Action::Put(job.to_item()?, Some(Condition::Absent)),
                quota.put(&job.company)?,
                deadline_due(job)?.put()?,
                start.put()?,
            ]);
            let key = idempotency.map(|key| key.put(job.reference(), now)).transpose()?;
            let key = key.map(|action| transaction.push(action));
            match self.table.transact(transaction).await {
                Err(TransactError::Conditions(failed))
                    if key.is_some_and(|k| failed.contains(&k)) =>
                {
                    Err(CreateError::KeyTaken)
                }
                written => Ok(Attempt::from_transaction(written)?),
            }
        })
        .await?;
        Ok(start)
    }

    /// Renews an attempt's job lease and records its progress. Returns `false` if the attempt no
    /// longer has the lease.
    pub async fn renew_lease(
        &self,
        job: &Job,
        progress: AttemptProgress,
        now: Timestamp,
    ) -> Result<bool, TableError> {
        let sent = self
            .table
            .client()
            .update_item()
            .table_name(self.table.name())
            .set_key(Some(job.reference().key().to_attributes()))
            .update_expression(
                "SET heartbeat_at = :now, #rows = :rows, skipped = :skipped, progress = :progress \
                 ADD #version :one",
            )
            .condition_expression("#status = :running AND attempt = :attempt")
            .expression_attribute_names("#rows", "rows")
            .expression_attribute_names("#version", "version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":now", attribute(now)?)
            .expression_attribute_values(":rows", attribute(progress.rows)?)
            .expression_attribute_values(":skipped", attribute(progress.skipped)?)
            .expression_attribute_values(":progress", attribute(progress.progress)?)
            .expression_attribute_values(":one", attribute(1)?)
            .expression_attribute_values(":running", attribute(Status::Running)?)
            .expression_attribute_values(":attempt", attribute(job.attempt)?)
            .send()
            .await;
        match sent.map_err(|error| TableError::from_sdk(&error)) {
            Ok(_) => Ok(true),
            Err(TableError::ConditionFailed) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Changes a job with optimistic locking. `decide` changes the given job and returns the other
    /// writes for the same transaction, or returns `None` to leave the job unchanged. After a
    /// concurrent change, this reads the job again and calls `decide` again.
    pub(super) async fn change(
        &self,
        at: &JobRef,
        mut decide: impl FnMut(&mut Job) -> Result<Option<Vec<Action>>, TableError>,
    ) -> Result<Change, TableError> {
        retry("the job", async || {
            let Some(mut job) = self.get(at).await? else {
                return Ok(Attempt::Done(Change::Missing));
            };
            let read = job.version;
            let Some(further_writes) = decide(&mut job)? else {
                return Ok(Attempt::Done(Change::Unchanged(job)));
            };
            job.version = read + 1;
            let record = Action::Put(job.to_item()?, Some(Condition::Version(read)));
            let transaction = std::iter::once(record).chain(further_writes).collect();
            let written = self.table.transact(transaction).await;
            Ok(Attempt::from_transaction(written)?.map(|()| Change::Written(job)))
        })
        .await
    }
}
