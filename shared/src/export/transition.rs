//! What can happen to a job. Each transition is one conditional transaction of the job, its place
//! in the quota, its due items and its messages, so that a message delivered twice, or a worker
//! that woke up late, changes nothing.

use jiff::Timestamp;

use super::{
    ATTEMPT_TIME, Delivery, FILE_LIFETIME, FailureCode, Job, JobRef, Jobs, MAX_ATTEMPTS,
    QUEUE_TIME, STALE, Status,
    delivery::skip_undelivered,
    follow_up::{deadline_due, email_message, expiry_due, generate_message},
    jobs::Changed,
    quota::{keep, release},
};
use crate::{
    outbox::{GRACE, Outgoing},
    table::{Action, TableError},
};

/// What a worker may do with a job that a message names.
#[derive(Clone, PartialEq, Debug)]
pub enum JobLease {
    /// It is the worker's, under a new attempt.
    Held(Box<Job>),
    /// Somebody else is at work: leave the message.
    Busy,
    /// Tried too often.
    Exhausted(Box<Job>),
    /// There is nothing to do any more.
    Over,
}

/// A finished file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finished {
    /// When its upload began; its 48 hours count from there, as S3 dates it.
    pub upload_started_at: Timestamp,
    /// Rows of data.
    pub rows: u64,
    /// Selected contacts that were gone or out of scope.
    pub skipped: u64,
    /// Cells that were cut.
    pub cut_cells: u64,
    /// Its size.
    pub size_bytes: u64,
}

/// How calling a job off ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Cancellation {
    /// The job is over because of it: what it left must go.
    Done(Job),
    /// The job was over before.
    Over(Job),
    /// There is no such job.
    Missing,
}

/// What the clean-up found at a job's deadline.
#[derive(Clone, Debug)]
pub(super) enum Overdue {
    /// It is queued once more; the message starts it.
    Requeued(Job, Outgoing),
    /// It failed; the message tells.
    Failed(Job, Outgoing),
    /// It is over: what it left must go.
    Over(Job),
    /// Nothing is to be done.
    Nothing,
}

impl Jobs {
    /// Claims a job for a new attempt: a queued one, or a running one without a sign of life.
    ///
    /// # Errors
    /// As the table says.
    pub async fn claim(&self, at: &JobRef, now: Timestamp) -> Result<JobLease, TableError> {
        let changed = self
            .change(at, |job| {
                if !job.status.is_active() || is_alive(job, now) || job.attempt >= MAX_ATTEMPTS {
                    return Ok(None);
                }
                job.status = Status::Running;
                job.attempt += 1;
                job.started_at.get_or_insert(now);
                job.heartbeat_at = Some(now);
                (job.rows, job.skipped, job.cut_cells, job.progress) = (0, 0, 0, 0.0);
                move_deadline(job, now + ATTEMPT_TIME, Kept::InQuota).map(Some)
            })
            .await?;
        Ok(match changed {
            Changed::Written(job) => JobLease::Held(Box::new(job)),
            Changed::Kept(job) if !job.status.is_active() => JobLease::Over,
            Changed::Kept(job) if is_alive(&job, now) => JobLease::Busy,
            Changed::Kept(job) => JobLease::Exhausted(Box::new(job)),
            Changed::Missing => JobLease::Over,
        })
    }

    /// Gives a claim back, for another attempt later; `false` when it was lost.
    ///
    /// # Errors
    /// As the table says.
    pub async fn give_back(&self, claimed: &Job) -> Result<bool, TableError> {
        let at = claimed.at();
        let changed = self.change(&at, |job| {
            Ok(holds(claimed, job).then(|| {
                job.status = Status::Queued;
                job.heartbeat_at = None;
                Vec::new()
            }))
        });
        Ok(matches!(changed.await?, Changed::Written(_)))
    }

    /// The file is there: its 48 hours run, the place in the quota is free, and the message that
    /// tells is written. `None` when the claim is lost: the object must go.
    ///
    /// # Errors
    /// As the table says; it is then unknown whether it happened.
    pub async fn complete(
        &self,
        claimed: &Job,
        file: Finished,
        now: Timestamp,
    ) -> Result<Option<(Job, Outgoing)>, TableError> {
        let message = email_message(claimed, now)?;
        let expires_at = file.upload_started_at + FILE_LIFETIME;
        let changed = self
            .change(&claimed.at(), |job| {
                if !holds(claimed, job) {
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
                Ok(Some(vec![release(&job.at())?, deadline, expiry, message.put()?]))
            })
            .await?;
        Ok(match changed {
            Changed::Written(job) => Some((job, message)),
            // An answer was lost and the change was tried again.
            Changed::Kept(job) if completed_by(claimed, &job) => Some((job, message)),
            Changed::Kept(_) | Changed::Missing => None,
        })
    }

    /// There will be no file. `None` when the attempt has nothing to say any more.
    ///
    /// # Errors
    /// As the table says.
    pub async fn fail(
        &self,
        tried: &Job,
        code: FailureCode,
        now: Timestamp,
    ) -> Result<Option<(Job, Outgoing)>, TableError> {
        let message = email_message(tried, now)?;
        let changed = self
            .change(&tried.at(), |job| {
                if !job.status.is_active() || job.attempt != tried.attempt {
                    return Ok(None);
                }
                let mut beside = wind_up(job, Status::Failed, now)?;
                job.error = Some(code);
                beside.push(message.put()?);
                Ok(Some(beside))
            })
            .await?;
        Ok(match changed {
            Changed::Written(job) => Some((job, message)),
            Changed::Kept(_) | Changed::Missing => None,
        })
    }

    /// Calls a job off: an active one is cancelled, a completed one loses its file. The clean-up
    /// looks after it in any case, should the caller die before the remains are gone.
    ///
    /// # Errors
    /// As the table says.
    pub async fn cancel(&self, at: &JobRef, now: Timestamp) -> Result<Cancellation, TableError> {
        let changed = self
            .change(at, |job| match (job.status, job.expires_at) {
                (Status::Queued | Status::Running, _) => {
                    wind_up(job, Status::Cancelled, now).map(Some)
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
        Ok(match changed {
            Changed::Written(job) => Cancellation::Done(job),
            Changed::Kept(job) => Cancellation::Over(job),
            Changed::Missing => Cancellation::Missing,
        })
    }

    /// A deadline passed: an active job is queued once more, then fails; one that is over may have
    /// left something.
    pub(super) async fn overdue(
        &self,
        at: &JobRef,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Result<Overdue, TableError> {
        let mut message = None;
        let changed = self
            .change(at, |job| {
                // A deadline that has moved since is looked after when it comes.
                if !job.status.is_active() || job.deadline != deadline {
                    return Ok(None);
                }
                let mut beside = if job.requeued || job.attempt >= MAX_ATTEMPTS {
                    job.error = Some(FailureCode::ExportFailed);
                    wind_up(job, Status::Failed, now)?
                } else {
                    job.requeued = true;
                    job.status = Status::Queued;
                    job.heartbeat_at = None;
                    move_deadline(job, now + QUEUE_TIME, Kept::InQuota)?
                };
                let next = match job.status {
                    Status::Failed => email_message(job, now)?,
                    _ => generate_message(job, now)?,
                };
                beside.push(next.put()?);
                message = Some(next);
                Ok(Some(beside))
            })
            .await?;
        Ok(match (changed, message) {
            (Changed::Written(job), Some(message)) if job.status == Status::Failed => {
                Overdue::Failed(job, message)
            }
            (Changed::Written(job), Some(message)) => Overdue::Requeued(job, message),
            (Changed::Kept(job), _) if matches!(job.status, Status::Failed | Status::Cancelled) => {
                Overdue::Over(job)
            }
            _ => Overdue::Nothing,
        })
    }

    /// A file's 48 hours are over. Returns the job while there is an object to take away, and
    /// whether this call ended it.
    pub(super) async fn expire(
        &self,
        at: &JobRef,
        now: Timestamp,
    ) -> Result<Option<(Job, bool)>, TableError> {
        let changed = self.change(at, |job| {
            let over = job.status == Status::Completed && job.available_until(now).is_none();
            Ok(over.then(|| {
                job.status = Status::Expired;
                skip_undelivered(job, now);
                Vec::new()
            }))
        });
        Ok(match changed.await? {
            Changed::Written(job) => Some((job, true)),
            Changed::Kept(job) if job.status == Status::Expired => Some((job, false)),
            Changed::Kept(_) | Changed::Missing => None,
        })
    }
}

/// Whether a running attempt has given a sign of life lately.
fn is_alive(job: &Job, now: Timestamp) -> bool {
    let seen = job.heartbeat_at.filter(|_| job.status == Status::Running);
    seen.is_some_and(|seen| now < seen + STALE)
}

/// Whether the attempt that claimed the job still has it.
fn holds(claimed: &Job, job: &Job) -> bool {
    job.status == Status::Running && job.attempt == claimed.attempt
}

fn completed_by(claimed: &Job, job: &Job) -> bool {
    job.status == Status::Completed && job.attempt == claimed.attempt
}

/// What happens with a job's place in the quota.
#[derive(Clone, Copy)]
enum Kept {
    InQuota,
    No,
}

/// Ends an active job. Its deadline moves close: the clean-up then takes away what whoever ended
/// it could not.
fn wind_up(job: &mut Job, status: Status, now: Timestamp) -> Result<Vec<Action>, TableError> {
    job.status = status;
    job.completed_at = Some(now);
    (job.notification_status, job.notification_changed_at) = (Delivery::Skipped, now);
    if status == Status::Cancelled {
        (job.email_status, job.email_changed_at) = (Delivery::Skipped, now);
    }
    move_deadline(job, now + GRACE, Kept::No)
}

/// Moves a job's deadline, with its due item and its place in the quota.
fn move_deadline(job: &mut Job, to: Timestamp, kept: Kept) -> Result<Vec<Action>, TableError> {
    let before = deadline_due(job)?;
    job.deadline = to;
    let after = deadline_due(job)?;
    let mut actions = vec![match kept {
        Kept::InQuota => keep(&job.at(), to)?,
        Kept::No => release(&job.at())?,
    }];
    if before.key() != after.key() {
        actions.push(before.delete());
    }
    actions.push(after.put()?);
    Ok(actions)
}
