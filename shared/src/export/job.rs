//! An export job: as it is stored, and as the API returns it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    label::Column,
    order::{ExportOrder, Format, Selection},
};
use crate::{
    id::{CompanyId, JobId, UserId},
    identity::{Platform, Viewer},
    locale::Locale,
    table::{EXPIRES_AT, Item, Key, TableError, attribute, to_item},
};

/// How long a file can be downloaded, from the start of its upload (SPEC §4, "48 hours").
pub const FILE_LIFETIME: SignedDuration = SignedDuration::from_hours(48);
/// How long a job may wait in the queue before the clean-up queues it again.
pub const QUEUE_TIME: SignedDuration = SignedDuration::from_mins(30);
/// How long an attempt may take before the clean-up queues its job again: the 10 minutes of an
/// invocation, and the pauses between retries.
pub const ATTEMPT_TIME: SignedDuration = SignedDuration::from_mins(15);
/// How long a job lease lasts after its last heartbeat. Then another worker may take the job.
pub const JOB_LEASE_TIME: SignedDuration = SignedDuration::from_secs(30);
/// The maximum number of attempts of a job.
pub const MAX_ATTEMPTS: u32 = 5;
/// How long a job is listed for its owner.
const LISTED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Identifies a job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobRef {
    /// The tenant, from the requester's token.
    pub company: CompanyId,
    /// The user who requested the job.
    pub user: UserId,
    /// The job's id.
    pub job: JobId,
}

/// The state of a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The job waits for a worker.
    Queued,
    /// A worker has the lease of the job and is writing the file.
    Running,
    /// The file is complete and can be downloaded until [`Job::expires_at`].
    Completed,
    /// There is no file and there will be none. [`Job::error`] says why.
    Failed,
    /// The owner cancelled the job before it was completed.
    Cancelled,
    /// The file is deleted.
    Expired,
}

/// The state of the delivery of a job's result over one channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// The delivery has not begun.
    Pending,
    /// A worker holds the delivery lease and is sending.
    Sending,
    /// The channel accepted it. This does not say that the recipient has received it.
    Sent,
    /// It is not known whether the channel accepted it. It is never repeated.
    Unknown,
    /// The channel refused it, or all tries failed.
    Failed,
    /// There is nothing to deliver, or no address to deliver to.
    Skipped,
}

/// Why a job failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureCode {
    /// The file would exceed the limits of rows, cells or bytes.
    ExportTooLarge,
    /// Launchpad could not return what the requester may see.
    DirectoryUnavailable,
    /// The requester may no longer see contacts.
    Forbidden,
    /// Any other error. The log has its causes; the requester gets only this code.
    ExportFailed,
}

/// An export job as the table stores it: what was requested, and how far it is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The job's id. It holds the time of its creation.
    pub id: JobId,
    /// The tenant, from the requester's token.
    pub company: CompanyId,
    /// The requester, whose scope limits the contacts.
    pub user: UserId,
    /// The requester's name; `None` if their token has no claim `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The requester's email address; `None` if their token has no claim `email`. Then no email is
    /// sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The client from which the export was requested.
    pub platform: Platform,
    /// The format of the file.
    pub format: Format,
    /// Which contacts the file contains, as far as they are in the requester's scope.
    pub selection: Selection,
    /// The columns of the file, in order.
    pub columns: Vec<Column>,
    /// The name of the file; safe in object keys and headers.
    pub file_name: String,
    /// The IANA name of the time zone in which dates are written.
    pub time_zone: String,
    /// The language of headers and emails.
    pub locale: Locale,
    /// The state of the job.
    pub status: Status,
    /// The number of the attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Whether the clean-up has queued the job once more.
    pub requeued: bool,
    /// The last heartbeat of a running attempt; its lease lasts [`JOB_LEASE_TIME`] longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_at: Option<Timestamp>,
    /// Rows that the current attempt has written so far, without the headers.
    pub rows: u64,
    /// Selected contacts that were deleted or out of scope.
    pub skipped: u64,
    /// Cells whose text was cut because it is too long for a spreadsheet.
    pub cut_cells: u64,
    /// The finished share of the work, 0 to 1. It is stored when the worker renews its lease.
    pub progress: f64,
    /// The size of the file in bytes, once it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// When the export was requested.
    pub created_at: Timestamp,
    /// When the first attempt began; `None` while the job waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When the job was completed, failed or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When the clean-up checks the job: for a dead worker while the job is active, and for objects
    /// left in the bucket after a failure or a cancellation.
    pub deadline: Timestamp,
    /// When the file expires. It is stored under another name, because `expires_at` is the table's
    /// attribute for the expiry of items.
    #[serde(rename = "file_expires_at", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The delivery of the email, which is skipped if the requester has no address.
    pub email_status: Delivery,
    /// When `email_status` last changed.
    pub email_changed_at: Timestamp,
    /// The delivery of the in-app notification.
    pub notification_status: Delivery,
    /// When `notification_status` last changed.
    pub notification_changed_at: Timestamp,
    /// Why the job failed; `None` unless the status is `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<FailureCode>,
    /// Incremented by each change, for optimistic locking.
    pub version: u64,
}

/// A job as the API returns it (SPEC §4).
#[derive(Clone, Debug, Serialize)]
pub struct JobView<'a> {
    id: JobId,
    status: Status,
    format: Format,
    file_name: &'a str,
    rows: u64,
    skipped: u64,
    progress: f64,
    size_bytes: Option<u64>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    email_status: Delivery,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<JobFailure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    download_url: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct JobFailure {
    code: FailureCode,
    message: &'static str,
}

impl JobRef {
    /// The key of the job's item.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::job(&self.company, self.user, self.job)
    }
}

impl Status {
    /// Whether the job has not ended. An active job has a place in the quota.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

impl FailureCode {
    /// A message for the requester that says what to do.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::ExportTooLarge => {
                "the export is too large for one file: it has more than 2,000,000 rows or \
                 100,000,000 cells, or its texts are very long; choose fewer contacts, for example \
                 by owner or creation date, or fewer fields"
            }
            Self::DirectoryUnavailable => {
                "the service could not determine which contacts you can see; try again in a few minutes"
            }
            Self::Forbidden => "you no longer have permission to see contacts",
            Self::ExportFailed => "an internal error stopped the export; try again",
        }
    }

    /// The code as the API returns it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExportTooLarge => "EXPORT_TOO_LARGE",
            Self::DirectoryUnavailable => "DIRECTORY_UNAVAILABLE",
            Self::Forbidden => "FORBIDDEN",
            Self::ExportFailed => "EXPORT_FAILED",
        }
    }
}

impl Job {
    /// A new job of `requester`. Its result is sent by email if they have an address.
    #[must_use]
    pub fn queued(requester: &Viewer, order: &ExportOrder, now: Timestamp) -> Self {
        Self {
            id: JobId::generate(now),
            company: requester.company.clone(),
            user: requester.user,
            user_name: requester.name.clone(),
            email_status: match requester.email {
                Some(_) => Delivery::Pending,
                None => Delivery::Skipped,
            },
            email: requester.email.clone(),
            platform: requester.platform,
            format: order.format,
            selection: order.selection.clone(),
            columns: order.columns.clone(),
            file_name: order.file_name.clone(),
            time_zone: order.time_zone.clone(),
            locale: order.locale,
            status: Status::Queued,
            attempt: 0,
            requeued: false,
            heartbeat_at: None,
            rows: 0,
            skipped: 0,
            cut_cells: 0,
            progress: 0.0,
            size_bytes: None,
            created_at: now,
            started_at: None,
            completed_at: None,
            deadline: now + QUEUE_TIME,
            expires_at: None,
            email_changed_at: now,
            notification_status: Delivery::Pending,
            notification_changed_at: now,
            error: None,
            version: 1,
        }
    }

    /// The reference that identifies the job.
    #[must_use]
    pub fn reference(&self) -> JobRef {
        JobRef { company: self.company.clone(), user: self.user, job: self.id }
    }

    /// The requester, as the viewer whose scope limits the contacts.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        Viewer {
            company: self.company.clone(),
            user: self.user,
            name: self.user_name.clone(),
            email: self.email.clone(),
            platform: self.platform,
        }
    }

    /// The object key of the file of the current attempt.
    #[must_use]
    pub fn object_key(&self) -> String {
        self.object_key_of_attempt(self.attempt)
    }

    /// The object key of the file of an attempt.
    #[must_use]
    pub fn object_key_of_attempt(&self, attempt: u32) -> String {
        format!("{}/{attempt}/{}", self.prefix(), self.file_name)
    }

    /// The object key of the selected ids.
    #[must_use]
    pub fn ids_key(&self) -> String {
        format!("{}/ids.json", self.prefix())
    }

    /// The key prefix of all objects of the job, without a slash at its end.
    pub(super) fn prefix(&self) -> String {
        format!("private/exports/{}/{}", self.company, self.id)
    }

    /// When the file expires, if it can be downloaded now.
    #[must_use]
    pub fn available_until(&self, now: Timestamp) -> Option<Timestamp> {
        let completed = self.status == Status::Completed;
        self.expires_at.filter(|until| completed && now < *until)
    }

    /// The job as the API returns it. A job whose file has expired is shown as `expired`, even if
    /// the clean-up has not yet processed it.
    #[must_use]
    pub fn view(&self, now: Timestamp, download_url: Option<String>) -> JobView<'_> {
        let is_expired = self.status == Status::Completed && self.available_until(now).is_none();
        JobView {
            id: self.id,
            status: if is_expired { Status::Expired } else { self.status },
            format: self.format,
            file_name: &self.file_name,
            rows: self.rows,
            skipped: self.skipped,
            progress: self.progress,
            size_bytes: self.size_bytes,
            created_at: self.created_at,
            expires_at: self.expires_at,
            email_status: self.email_status,
            error: self.error.map(|code| JobFailure { code, message: code.message() }),
            download_url: download_url.filter(|_| !is_expired),
        }
    }

    /// The item that stores the job. It is deleted 30 days after the job was created.
    pub(super) fn to_item(&self) -> Result<Item, TableError> {
        let mut item = to_item(&self.reference().key(), self)?;
        let until = self.created_at + LISTED;
        item.insert(EXPIRES_AT.to_owned(), attribute(until.as_second())?);
        Ok(item)
    }
}
