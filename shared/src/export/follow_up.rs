//! What must happen after a change of a job: the messages that it sends and the due items that it
//! leaves, each written in the change's own transaction.

use jiff::Timestamp;

use super::Job;
use crate::{
    outbox::{Outgoing, Queue},
    table::{Due, DueKind, TableError},
};

/// The message that has a job's file written; each round has one of its own.
pub(super) fn generate_message(job: &Job, now: Timestamp) -> Result<Outgoing, TableError> {
    let round = u32::from(job.requeued);
    Outgoing::new(Queue::Export, format!("export-{}-{round}", job.id), now, &job.at())
}

/// The message that has a job's end told.
pub(super) fn email_message(job: &Job, now: Timestamp) -> Result<Outgoing, TableError> {
    Outgoing::new(Queue::ExportEmail, format!("export-email-{}", job.id), now, &job.at())
}

/// The due item of a job's deadline.
pub(super) fn deadline_due(job: &Job) -> Result<Due, TableError> {
    Due::new(DueKind::JobDeadline, job.deadline, job.id.to_string(), &job.at())
}

/// The due item at which a finished file expires.
pub(super) fn expiry_due(job: &Job, at: Timestamp) -> Result<Due, TableError> {
    Due::new(DueKind::FileExpiry, at, job.id.to_string(), &job.at())
}
