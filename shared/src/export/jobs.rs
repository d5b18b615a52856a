//! How jobs are read and changed.

use jiff::Timestamp;

use super::{
    Job, JobRef, Status,
    follow_up::{deadline_due, generate_message},
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

/// The export jobs in the table. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Jobs {
    table: Table,
}

/// Why a job was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// Too many are under way.
    #[error(transparent)]
    TooMany(#[from] TooManyExports),
    /// Another request with the same idempotency key was first.
    #[error("another request used the same idempotency key first")]
    KeyTaken,
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// How a change ended.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Changed {
    /// The job as it is now.
    Written(Job),
    /// The job as it stays.
    Kept(Job),
    /// There is none.
    Missing,
}

/// What is known of an attempt under way.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct AttemptProgress {
    /// Rows written.
    pub rows: u64,
    /// Selected contacts that were skipped.
    pub skipped: u64,
    /// How far the file is, 0 to 1.
    pub progress: f64,
}

impl Jobs {
    /// The jobs in this table.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// A job, as it is now.
    ///
    /// # Errors
    /// As the table says.
    pub async fn get(&self, at: &JobRef) -> Result<Option<Job>, TableError> {
        self.table.get(&at.key(), true).await
    }

    /// A user's jobs, the newest first, from behind `after`; and behind which one the next page
    /// begins, if there is one.
    ///
    /// # Errors
    /// As the table says.
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

    /// Stores a new job with its place in the quota, its deadline, the message that starts it and
    /// the idempotency record, all or nothing. Returns the message, to be sent at once.
    ///
    /// # Errors
    /// [`CreateError`].
    pub async fn create(
        &self,
        job: &Job,
        idempotency: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Outgoing, CreateError> {
        let start = generate_message(job, now)?;
        retry("the job", async || {
            let quota: Option<Quota> = self.table.get(&Key::quota(&job.company), true).await?;
            let quota = quota.unwrap_or_default().admit(&job.at(), job.deadline, now)?;
            let mut transaction = Transaction::from_iter([
                Action::Put(job.to_item()?, Some(Condition::Absent)),
                quota.put(&job.company)?,
                deadline_due(job)?.put()?,
                start.put()?,
            ]);
            let key = idempotency.map(|key| key.put(job.at(), now)).transpose()?;
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

    /// Says that an attempt is alive and how far it is, as long as it still has its claim.
    ///
    /// # Errors
    /// As the table says.
    pub async fn renew(&self, job: &Job, progress: AttemptProgress, now: Timestamp) -> Result<bool, TableError> {
        let sent = self
            .table
            .client()
            .update_item()
            .table_name(self.table.name())
            .set_key(Some(job.at().key().to_attributes()))
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
        match sent.map_err(|error| TableError::of(&error)) {
            Ok(_) => Ok(true),
            Err(TableError::ConditionFailed) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Changes a job as it is now: `decide` alters it and names what must happen with it in one
    /// transaction, or leaves it alone with `None`. Decides anew when somebody else was first.
    pub(super) async fn change(
        &self,
        at: &JobRef,
        mut decide: impl FnMut(&mut Job) -> Result<Option<Vec<Action>>, TableError>,
    ) -> Result<Changed, TableError> {
        retry("the job", async || {
            let Some(mut job) = self.get(at).await? else {
                return Ok(Attempt::Done(Changed::Missing));
            };
            let read = job.version;
            let Some(beside) = decide(&mut job)? else {
                return Ok(Attempt::Done(Changed::Kept(job)));
            };
            job.version = read + 1;
            let record = Action::Put(job.to_item()?, Some(Condition::Version(read)));
            let transaction = std::iter::once(record).chain(beside).collect();
            let written = self.table.transact(transaction).await;
            Ok(Attempt::from_transaction(written)?.map(|()| Changed::Written(job)))
        })
        .await
    }
}
