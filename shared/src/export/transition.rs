//! The state transitions of jobs. Each transition is one conditional transaction. It writes the
//! job, its place in the quota, its due items and its messages. Because of the conditions, a
//! message that is delivered twice, or a worker that resumes after its lease expired, changes
//! nothing.

use jiff::Timestamp;

use super::{
    delivery::skip_undelivered,
    follow_up::{deadline_due, email_message, expiry_due, generate_message},
    job::{
        ATTEMPT_TIME, Delivery, FILE_LIFETIME, FailureCode, JOB_LEASE_TIME, Job, JobRef,
        MAX_ATTEMPTS, QUEUE_TIME, Status,
    },
    jobs::{Change, Jobs},
    quota::{keep, release},
};
use crate::{
    outbox::{GRACE, Outgoing},
    table::{Action, TableError},
};

/// Whether a worker may process a job.
#[derive(Clone, PartialEq, Debug)]
pub enum JobLease {
    /// This worker has the job lease. The job has a new attempt number.
    Acquired(Box<Job>),
    /// Another worker has the job lease. The message must stay in the queue.
    HeldByAnother,
    /// The job has used all its attempts. The caller must fail it.
    AttemptsExhausted(Box<Job>),
    /// The job has ended or does not exist.
    Finished,
}

/// A finished file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finished {
    /// The time at which the upload began. The 48 hours of the file start at this time, because S3
    /// uses it as the date of the object.
    pub upload_started_at: Timestamp,
    /// The number of data rows, without the header.
    pub rows: u64,
    /// The number of selected contacts that are deleted or outside the requester's scope.
    pub skipped: u64,
    /// The number of cells whose text was cut because it is too long for a spreadsheet.
    pub cut_cells: u64,
    /// The size of the file in bytes.
    pub size_bytes: u64,
}

/// The result of [`Jobs::cancel`].
#[derive(Clone, PartialEq, Debug)]
pub enum CancelOutcome {
    /// This call ended the job. The caller must delete the objects that the job left in the bucket.
    Ended(Job),
    /// The job had already ended before this call.
    AlreadyEnded(Job),
    /// The user has no job with this id.
    Missing,
}

/// The result of [`Jobs::overdue`].
#[derive(Clone, Debug)]
pub(super) enum Overdue {
    /// The job was queued again. The message starts it.
    Requeued(Job, Outgoing),
    /// The job failed. The message starts the delivery of this result to the owner.
    Failed(Job, Outgoing),
    /// The job had already ended without a file. The caller must delete the objects that it left in
    /// the bucket.
    Ended(Job),
    /// There is nothing to do.
    Unchanged,
}

impl Jobs {
    /// Takes the lease of a job and starts a new attempt. The job must be queued, or it must be
    /// running with an expired lease.
    pub async fn acquire_lease(&self, at: &JobRef, now: Timestamp) -> Result<JobLease, TableError> {
        let change = self
            .change(at, |job| {
                if !job.status.is_active()
                    || has_live_lease(job, now)
                    || job.attempt >= MAX_ATTEMPTS
                {
                    return Ok(None);
                }
                job.status = Status::Running;
                job.attempt += 1;
                job.started_at.get_or_insert(now);
                job.heartbeat_at = Some(now);
                (job.rows, job.skipped, job.cut_cells, job.progress) = (0, 0, 0, 0.0);
                move_deadline(job, now + ATTEMPT_TIME, QuotaPlace::Keep).map(Some)
            })
            .await?;
        Ok(match change {
            Change::Written(job) => JobLease::Acquired(Box::new(job)),
            Change::Unchanged(job) if !job.status.is_active() => JobLease::Finished,
            Change::Unchanged(job) if has_live_lease(&job, now) => JobLease::HeldByAnother,
            Change::Unchanged(job) => JobLease::AttemptsExhausted(Box::new(job)),
            Change::Missing => JobLease::Finished,
        })
    }

    /// Releases an attempt's job lease, so that another attempt can start. Returns `false` if the
    /// attempt no longer had the lease.
    pub async fn release_lease(&self, leased: &Job) -> Result<bool, TableError> {
        let at = leased.reference();
        let change = self.change(&at, |job| {
            Ok(has_lease(leased, job).then(|| {
                job.status = Status::Queued;
                job.heartbeat_at = None;
                Vec::new()
            }))
        });
        Ok(matches!(change.await?, Change::Written(_)))
    }

    /// Completes the job: sets the time at which its file expires (48 hours after the upload
    /// began), removes the job from the quota, and writes the message that starts the delivery.
    /// Returns `None` if the attempt no longer has the lease; the caller must then delete the
    /// object.
    ///
    /// # Errors
    /// [`TableError`]. It is then unknown whether the job was completed.
    pub async fn complete(
        &self,
        leased: &Job,
        file: Finished,
        now: Timestamp,
    ) -> Result<Option<(Job, Outgoing)>, TableError> {
        let message = email_message(leased, now)?;
        let expires_at = file.upload_started_at + FILE_LIFETIME;
        let change = self
            .change(&leased.reference(), |job| {
                if !has_lease(leased, job) {
                    return Ok(None);
                }
                let deadline = deadline_due(job)?.delete();
                job.status = Status::Completed;
                job.completed_at = Some(now);
                job.expires_at = Some(expires_at);
                (job.rows, job.skipped, job.cut_cells) = (file.rows, file.skipped, file.cut_cells);
                job.progress = 1.0;
                job.size_bytes = Some(file.size_bytes);
                let expiry = expiry_due(job, expires_at)?.put()?;
                Ok(Some(vec![release(&job.reference())?, deadline, expiry, message.put()?]))
            })
            .await?;
        Ok(match change {
            Change::Written(job) => Some((job, message)),
            // The first attempt completed the job but its response was lost. The retry finds the job
            // completed by this attempt.
            Change::Unchanged(job) if completed_by(leased, &job) => Some((job, message)),
            Change::Unchanged(_) | Change::Missing => None,
        })
    }

    /// Fails the job; it will have no file. Returns `None` if the job has already ended or another
    /// attempt has started.
    pub async fn fail(
        &self,
        tried: &Job,
        code: FailureCode,
        now: Timestamp,
    ) -> Result<Option<(Job, Outgoing)>, TableError> {
        let message = email_message(tried, now)?;
        let change = self
            .change(&tried.reference(), |job| {
                if !job.status.is_active() || job.attempt != tried.attempt {
                    return Ok(None);
                }
                let mut further_writes = end_active_job(job, Status::Failed, now)?;
                job.error = Some(code);
                further_writes.push(message.put()?);
                Ok(Some(further_writes))
            })
            .await?;
        Ok(match change {
            Change::Written(job) => Some((job, message)),
            Change::Unchanged(_) | Change::Missing => None,
        })
    }

    /// Cancels a job. An active job becomes `cancelled`. A completed job loses its file. The caller
    /// then deletes the job's objects. If the caller dies before that, a due item makes the
    /// clean-up delete them.
    pub async fn cancel(&self, at: &JobRef, now: Timestamp) -> Result<CancelOutcome, TableError> {
        let change = self
            .change(at, |job| match (job.status, job.expires_at) {
                (Status::Queued | Status::Running, _) => {
                    end_active_job(job, Status::Cancelled, now).map(Some)
                }
                (Status::Completed, Some(expires_at)) => {
                    job.status = Status::Expired;
                    skip_undelivered(job, now);
                    job.expires_at = Some(now.min(expires_at));
                    if now >= expires_at {
                        return Ok(Some(Vec::new()));
                    }
                    let (old, new) = (expiry_due(job, expires_at)?, expiry_due(job, now)?);
                    Ok(Some(vec![old.delete(), new.put()?]))
                }
                _ => Ok(None),
            })
            .await?;
        Ok(match change {
            Change::Written(job) => CancelOutcome::Ended(job),
            Change::Unchanged(job) => CancelOutcome::AlreadyEnded(job),
            Change::Missing => CancelOutcome::Missing,
        })
    }

    /// Handles a passed deadline. An active job is queued again the first time, and fails the
    /// second time. A job that has ended without a file may have left objects in the bucket.
    pub(super) async fn overdue(
        &self,
        at: &JobRef,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Result<Overdue, TableError> {
        let mut message = None;
        let change = self
            .change(at, |job| {
                // The deadline was moved, so another due item exists for it.
                if !job.status.is_active() || job.deadline != deadline {
                    return Ok(None);
                }
                let mut further_writes = if job.requeued || job.attempt >= MAX_ATTEMPTS {
                    job.error = Some(FailureCode::ExportFailed);
                    end_active_job(job, Status::Failed, now)?
                } else {
                    job.requeued = true;
                    job.status = Status::Queued;
                    job.heartbeat_at = None;
                    move_deadline(job, now + QUEUE_TIME, QuotaPlace::Keep)?
                };
                let next = match job.status {
                    Status::Failed => email_message(job, now)?,
                    _ => generate_message(job, now)?,
                };
                further_writes.push(next.put()?);
                message = Some(next);
                Ok(Some(further_writes))
            })
            .await?;
        Ok(match (change, message) {
            (Change::Written(job), Some(message)) if job.status == Status::Failed => {
                Overdue::Failed(job, message)
            }
            (Change::Written(job), Some(message)) => Overdue::Requeued(job, message),
            (Change::Unchanged(job), _)
                if matches!(job.status, Status::Failed | Status::Cancelled) =>
            {
                Overdue::Ended(job)
            }
            _ => Overdue::Unchanged,
        })
    }

    /// Expires a completed job when the 48 hours of its file are over. If the job's objects must be
    /// deleted, returns the job and whether this call expired it.
    pub(super) async fn expire(
        &self,
        at: &JobRef,
        now: Timestamp,
    ) -> Result<Option<(Job, bool)>, TableError> {
        let change = self.change(at, |job| {
            let over = job.status == Status::Completed && job.available_until(now).is_none();
            Ok(over.then(|| {
                job.status = Status::Expired;
                skip_undelivered(job, now);
                Vec::new()
            }))
        });
        Ok(match change.await? {
            Change::Written(job) => Some((job, true)),
            Change::Unchanged(job) if job.status == Status::Expired => Some((job, false)),
            Change::Unchanged(_) | Change::Missing => None,
        })
    }
}

/// Whether the job is running and its lease has not expired.
fn has_live_lease(job: &Job, now: Timestamp) -> bool {
    let renewed_at = job.heartbeat_at.filter(|_| job.status == Status::Running);
    renewed_at.is_some_and(|renewed_at| now < renewed_at + JOB_LEASE_TIME)
}

/// Whether the attempt of `leased` still has the lease of `job`.
fn has_lease(leased: &Job, job: &Job) -> bool {
    job.status == Status::Running && job.attempt == leased.attempt
}

fn completed_by(leased: &Job, job: &Job) -> bool {
    job.status == Status::Completed && job.attempt == leased.attempt
}

/// The change of a job's place in the quota.
#[derive(Clone, Copy)]
enum QuotaPlace {
    Keep,
    Release,
}

/// Ends an active job and returns the other writes for the transaction. Moves the deadline to
/// shortly after `now`, so that the clean-up soon deletes the objects that the caller could not
/// delete.
fn end_active_job(
    job: &mut Job,
    status: Status,
    now: Timestamp,
) -> Result<Vec<Action>, TableError> {
    job.status = status;
    job.completed_at = Some(now);
    (job.notification_status, job.notification_changed_at) = (Delivery::Skipped, now);
    if status == Status::Cancelled {
        (job.email_status, job.email_changed_at) = (Delivery::Skipped, now);
    }
    move_deadline(job, now + GRACE, QuotaPlace::Release)
}

/// Moves a job's deadline and returns the writes for its due item and its place in the quota.
fn move_deadline(
    job: &mut Job,
    to: Timestamp,
    place: QuotaPlace,
) -> Result<Vec<Action>, TableError> {
    let before = deadline_due(job)?;
    job.deadline = to;
    let after = deadline_due(job)?;
    let mut actions = vec![match place {
        QuotaPlace::Keep => keep(&job.reference(), to)?,
        QuotaPlace::Release => release(&job.reference())?,
    }];
    if before.key() != after.key() {
        actions.push(before.delete());
    }
    actions.push(after.put()?);
    Ok(actions)
}
