//! The messages and due items that follow from a change of a job. They are written in the same
//! transaction as the change.

use jiff::Timestamp;

use super::job::Job;
use crate::{
    outbox::{Outgoing, Queue},
    table::{Due, DueKind, TableError},
};

/// The message that starts the processing of a job. If the clean-up queues a job again, the second
/// message has a different id.
pub(super) fn generate_message(job: &Job, now: Timestamp) -> Result<Outgoing, TableError> {
    let round = u32::from(job.requeued);
    Outgoing::new(Queue::Export, format!("export-{}-{round}", job.id), now, &job.reference())
}

/// The message that starts the delivery of a job's result.
pub(super) fn email_message(job: &Job, now: Timestamp) -> Result<Outgoing, TableError> {
    Outgoing::new(Queue::ExportEmail, format!("export-email-{}", job.id), now, &job.reference())
}

/// The due item for a job's deadline.
pub(super) fn deadline_due(job: &Job) -> Result<Due, TableError> {
    Due::new(DueKind::JobDeadline, job.deadline, job.id.to_string(), &job.reference())
}

/// The due item for the time at which a finished file expires.
pub(super) fn expiry_due(job: &Job, at: Timestamp) -> Result<Due, TableError> {
    Due::new(DueKind::FileExpiry, at, job.id.to_string(), &job.reference())
}
