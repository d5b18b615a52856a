//! An export job: how it is stored, and how the API returns it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    field::Field,
    label::Column,
    order::{Delimiter, ExportOrder, Format, Selection},
};
use crate::{
    id::{CompanyId, JobId, LayoutId, UserId},
    identity::{Platform, Viewer},
    locale::Locale,
    outbox::MessageBody,
    table::{EXPIRES_AT, Item, Key, TableError, attribute, to_item},
};

/// The time for which a file can be downloaded, counted from the start of its upload (SPEC §4, "48
/// hours").
pub const FILE_LIFETIME: SignedDuration = SignedDuration::from_hours(48);
/// The maximum time that a job may wait in the queue before the clean-up queues it again.
pub const QUEUE_TIME: SignedDuration = SignedDuration::from_mins(30);
/// The maximum time that an attempt may take before the clean-up queues its job again: the 10
/// minutes of an invocation plus the pauses between retries.
pub const ATTEMPT_TIME: SignedDuration = SignedDuration::from_mins(15);
/// The time after the last heartbeat at which a job lease expires. Another worker may then take the
/// job.
pub const JOB_LEASE_TIME: SignedDuration = SignedDuration::from_secs(30);
/// The maximum number of attempts of a job.
pub const MAX_ATTEMPTS: u32 = 5;
/// The time for which a job is stored and listed for its owner.
const LISTED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A reference to a job: the ids that its key contains.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobRef {
    /// The tenant, from the requester's token.
    pub company: CompanyId,
    /// The user who requested the job.
    pub user: UserId,
    /// The job's id.
    pub job: JobId,
}

impl MessageBody for JobRef {
    fn company(&self) -> &CompanyId {
        &self.company
    }
}

/// The state of a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The job waits for a worker.
    Queued,
    /// A worker has the job lease and is writing the file.
    Running,
    /// The file is complete and can be downloaded until [`Job::expires_at`].
    Completed,
    /// The job ended without a file. [`Job::error`] contains the reason.
    Failed,
    /// The owner canceled the job before it was completed.
    Cancelled,
    /// The file expired or was deleted by its owner.
    Expired,
}

/// The state of the delivery of a job's result over one channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// The delivery has not begun.
    Pending,
    /// A worker has the delivery lease and is sending.
    Sending,
    /// The channel accepted the message. The recipient may not have received it.
    Sent,
    /// It is not known whether the channel accepted the message. The delivery is never repeated.
    Unknown,
    /// The channel refused the message, or all attempts failed.
    Failed,
    /// There is nothing to deliver, or the requester has no address.
    Skipped,
}

/// Why a job failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureCode {
    /// The file would exceed the limit of rows, cells or bytes.
    ExportTooLarge,
    /// Launchpad did not return the data that decides which contacts the requester may see.
    DirectoryUnavailable,
    /// The requester no longer has permission to see contacts.
    Forbidden,
    /// Any other error. Its causes are logged; the requester gets only this code.
    ExportFailed,
}

/// An export job as the table stores it: the request and its progress.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The job's id. It contains the time at which the job was created.
    pub id: JobId,
    /// The tenant, from the requester's token.
    pub company: CompanyId,
    /// The name of the tenant at the time of the request, for the email; `None` if it was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// The requester. The file contains only contacts in the requester's scope.
    pub user: UserId,
    /// The requester's name, from the token's claim `name` or from Launchpad. `None` if it is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The requester's email address, from the token's claim `email` or from Launchpad. If it is
    /// `None`, no email is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The client from which the export was requested.
    pub platform: Platform,
    /// The format of the file.
    pub format: Format,
    /// The character between the cells of a CSV file. A workbook ignores it.
    #[serde(default)]
    pub delimiter: Delimiter,
    /// The contacts to export. Contacts outside the requester's scope are skipped. The texts of a
    /// filter are not included: they can be personal data, which must not stay in the table when a
    /// contact is erased (SPEC §2, "Retention").
    pub selection: Selection,
    /// The names of the filter's fields with texts. The object [`Job::filter_key`] contains the whole
    /// filter as long as the job has other objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter_texts: Vec<String>,
    /// The columns of the file, in order.
    pub columns: Vec<Column>,
    /// The layout from which the columns were copied; `None` if the request listed fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout_id: Option<LayoutId>,
    /// The name of the file. It is safe in object keys and headers.
    pub file_name: String,
    /// The IANA name of the time zone in which dates are written.
    pub time_zone: String,
    /// The language of column headers and emails.
    pub locale: Locale,
    /// The state of the job.
    pub status: Status,
    /// The number of the current attempt, from 1. It is 0 before the first attempt.
    pub attempt: u32,
    /// Whether the clean-up has queued the job again. It does this at most once.
    pub requeued: bool,
    /// The time of the last heartbeat of a running attempt. The lease expires [`JOB_LEASE_TIME`]
    /// later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_at: Option<Timestamp>,
    /// The number of rows that the current attempt has written, without the header.
    pub rows: u64,
    /// The number of selected contacts that are deleted or outside the requester's scope.
    pub skipped: u64,
    /// The number of cells whose text was cut because it is too long for a spreadsheet.
    pub cut_cells: u64,
    /// The share of the work that is done, from 0 to 1. It is stored when the worker renews its
    /// lease.
    pub progress: f64,
    /// The size of the file in bytes; `None` until the file is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// The time at which the export was requested.
    pub created_at: Timestamp,
    /// The time at which the first attempt began; `None` before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The time at which the job was completed, failed or was canceled; `None` for an active job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// The time at which the clean-up checks the job. If the job is active, the clean-up checks
    /// whether its worker died. If it failed or was canceled, the clean-up deletes objects left in
    /// the bucket.
    pub deadline: Timestamp,
    /// The time at which the file expires; `None` until the file is complete. The stored attribute
    /// has another name, because the table uses `expires_at` for the expiry of items.
    #[serde(rename = "file_expires_at", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The status of the email. It is `skipped` if the requester has no email address.
    pub email_status: Delivery,
    /// The time at which `email_status` last changed.
    pub email_changed_at: Timestamp,
    /// The status of the in-app notification.
    pub notification_status: Delivery,
    /// The time at which `notification_status` last changed.
    pub notification_changed_at: Timestamp,
    /// Why the job failed; `None` unless the status is `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<FailureCode>,
    /// The version for optimistic locking. Each change increments it.
    pub version: u64,
}

/// A job as the API returns it (SPEC §4): its state, and what was requested, so that a client can
/// offer to run the export again.
#[derive(Clone, Debug, Serialize)]
pub struct JobView<'a> {
    id: JobId,
    status: Status,
    format: Format,
    delimiter: Delimiter,
    file_name: &'a str,
    rows: u64,
    skipped: u64,
    progress: f64,
    size_bytes: Option<u64>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    email_status: Delivery,
    selection: SelectionView<'a>,
    fields: Vec<&'a Field>,
    layout_id: Option<LayoutId>,
    time_zone: &'a str,
    locale: Locale,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<JobFailure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    download_url: Option<String>,
}

/// What was selected, and the names of the filter's fields that were deleted with the file.
#[derive(Clone, Debug, Serialize)]
struct SelectionView<'a> {
    #[serde(flatten)]
    selection: &'a Selection,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    removed: &'a [String],
}

#[derive(Clone, Debug, Serialize)]
struct JobFailure {
    code: FailureCode,
    message: &'static str,
}

impl JobRef {
    /// The key of the job's item in the table.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::job(&self.company, self.user, self.job)
    }
}

impl Status {
    /// Whether the job is queued or running. An active job counts toward the quota.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

impl FailureCode {
    /// A message for the requester that describes the failure and, where possible, what to do.
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
    /// Creates a queued job. The result is sent by email only if `requester` has an email address.
    #[must_use]
    pub fn queued(requester: &Viewer, order: &ExportOrder, now: Timestamp) -> Self {
        let (selection, filter_texts) = order.selection.without_texts();
        Self {
            id: JobId::generate(now),
            company: requester.company.clone(),
            company_name: None,
            user: requester.user,
            user_name: requester.name.clone(),
            email_status: match requester.email {
                Some(_) => Delivery::Pending,
                None => Delivery::Skipped,
            },
            email: requester.email.clone(),
            platform: requester.platform,
            format: order.format,
            delimiter: order.delimiter,
            selection,
            filter_texts: filter_texts.into_iter().map(str::to_owned).collect(),
            columns: order.columns.clone(),
            layout_id: order.layout_id,
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

    /// The job's reference, for example for messages.
    #[must_use]
    pub fn reference(&self) -> JobRef {
        JobRef { company: self.company.clone(), user: self.user, job: self.id }
    }

    /// The requester as a viewer. The viewer's scope limits the exported contacts.
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

    /// The object key of the current attempt's file.
    #[must_use]
    pub fn object_key(&self) -> String {
        self.object_key_of_attempt(self.attempt)
    }

    /// The object key of the file of the attempt with this number.
    #[must_use]
    pub fn object_key_of_attempt(&self, attempt: u32) -> String {
        format!("{}/{attempt}/{}", self.prefix(), self.file_name)
    }

    /// The object key of the job's selected contact ids.
    #[must_use]
    pub fn ids_key(&self) -> String {
        format!("{}/ids.json", self.prefix())
    }

    /// The object key of the job's whole filter, which exists only if the filter has texts.
    #[must_use]
    pub fn filter_key(&self) -> String {
        format!("{}/filter.json", self.prefix())
    }

    /// Whether the bucket has the objects from which the file is made, or the file.
    #[must_use]
    pub fn has_objects(&self, now: Timestamp) -> bool {
        self.status.is_active() || self.available_until(now).is_some()
    }

    /// The key prefix of all objects of the job, without a slash at the end.
    pub(super) fn prefix(&self) -> String {
        format!("private/exports/{}/{}", self.company, self.id)
    }

    /// The time at which the file expires; `None` if the file cannot be downloaded now.
    #[must_use]
    pub fn available_until(&self, now: Timestamp) -> Option<Timestamp> {
        let completed = self.status == Status::Completed;
        self.expires_at.filter(|until| completed && now < *until)
    }

    /// The job as the API returns it. If the file has expired, the status is `expired`, even if the
    /// clean-up has not yet processed the job. `selection` is the selection with the texts of its
    /// filter, if they are still in the bucket.
    #[must_use]
    pub fn view<'a>(
        &'a self,
        now: Timestamp,
        selection: Option<&'a Selection>,
        download_url: Option<String>,
    ) -> JobView<'a> {
        let is_expired = self.status == Status::Completed && self.available_until(now).is_none();
        JobView {
            id: self.id,
            status: if is_expired { Status::Expired } else { self.status },
            format: self.format,
            delimiter: self.delimiter,
            file_name: &self.file_name,
            rows: self.rows,
            skipped: self.skipped,
            progress: self.progress,
            size_bytes: self.size_bytes,
            created_at: self.created_at,
            expires_at: self.expires_at,
            email_status: self.email_status,
            selection: match selection {
                Some(selection) => SelectionView { selection, removed: &[] },
                None => SelectionView { selection: &self.selection, removed: &self.filter_texts },
            },
            fields: self.columns.iter().map(|column| &column.field).collect(),
            layout_id: self.layout_id,
            time_zone: &self.time_zone,
            locale: self.locale,
            error: self.error.map(|code| JobFailure { code, message: code.message() }),
            download_url: download_url.filter(|_| !is_expired),
        }
    }

    /// The item that stores the job. The table deletes it 30 days after the job was created.
    pub(super) fn to_item(&self) -> Result<Item, TableError> {
        let mut item = to_item(&self.reference().key(), self)?;
        let until = self.created_at + LISTED;
        item.insert(EXPIRES_AT.to_owned(), attribute(until.as_second())?);
        Ok(item)
    }
}
