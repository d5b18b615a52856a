//! An export job as it is stored, and as the API shows it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Column, ExportOrder};
use crate::{
    contact::Filter,
    id::{CompanyId, JobId, UserId},
    identity::{Platform, Viewer},
    locale::Locale,
    table::{EXPIRES_AT, Item, Key, TableError, attribute, to_item},
};

/// How long a file can be had, from the start of its upload (SPEC §4, "48 hours").
pub const FILE_LIFETIME: SignedDuration = SignedDuration::from_hours(48);
/// How long a job may wait in the queue until it counts as dead.
pub const QUEUE_TIME: SignedDuration = SignedDuration::from_mins(30);
/// How long an attempt may take until it counts as dead: an invocation's 10 minutes and the
/// retries' pauses.
pub const ATTEMPT_TIME: SignedDuration = SignedDuration::from_mins(15);
/// After this long without a sign of life somebody else takes an attempt over.
pub const STALE: SignedDuration = SignedDuration::from_secs(30);
/// How often a job is tried.
pub const MAX_ATTEMPTS: u32 = 5;
/// How long a job stays in its owner's list.
const LISTED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Where a job is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JobRef {
    /// The tenant.
    pub company: CompanyId,
    /// Who asked for it.
    pub user: UserId,
    /// Which one.
    pub job: JobId,
}

/// The kind of file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "each name says all")]
pub enum Format {
    Xlsx,
    Csv,
}

/// What a job is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Waits for a worker.
    Queued,
    /// Is worked on.
    Running,
    /// The file is there.
    Completed,
    /// There is no file and will be none.
    Failed,
    /// Its owner called it off.
    Cancelled,
    /// The file is gone.
    Expired,
}

/// How far the telling of a job's end is, over one channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// Not begun.
    Pending,
    /// Claimed by somebody who is about to send it.
    Sending,
    /// Sent.
    Sent,
    /// Perhaps sent; never repeated.
    Unknown,
    /// Refused.
    Failed,
    /// Not wanted, or impossible.
    Skipped,
}

/// Which contacts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// Those with the ids that are kept under the job's prefix.
    Ids {
        /// How many.
        count: u64,
    },
    /// Those that a list with this filter shows.
    Filter(Box<Filter>),
}

/// Why a job failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureCode {
    /// Past the limits of rows and cells.
    ExportTooLarge,
    /// Launchpad could not tell what the requester may see.
    DirectoryUnavailable,
    /// The requester may no longer see contacts.
    Forbidden,
    /// Anything else.
    ExportFailed,
}

/// An export job.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The id.
    pub id: JobId,
    /// The tenant.
    pub company: CompanyId,
    /// Who asked for it, and whose scope counts.
    pub user: UserId,
    /// Their name, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Where the result is sent, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What they called from.
    pub platform: Platform,
    /// The kind of file.
    pub format: Format,
    /// Which contacts.
    pub selection: Selection,
    /// What of each contact.
    pub columns: Vec<Column>,
    /// The file's name, safe in keys and headers.
    pub file_name: String,
    /// The IANA name of the zone that dates are told in.
    pub time_zone: String,
    /// The language of headers and emails.
    pub locale: Locale,
    /// What the job is doing.
    pub status: Status,
    /// The number of the attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Whether the clean-up has queued the job once more.
    pub requeued: bool,
    /// The last sign of life of a running attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_at: Option<Timestamp>,
    /// Rows written.
    pub rows: u64,
    /// Selected contacts that were gone or out of scope.
    pub skipped: u64,
    /// Cells that were too long for a spreadsheet.
    pub cut_cells: u64,
    /// How far the file is, 0 to 1.
    pub progress: f64,
    /// The file's size, once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the first attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended, one way or another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When the clean-up looks after it: for a dead attempt while the job is active, for remains
    /// after a failure or a cancellation.
    pub deadline: Timestamp,
    /// When the file is gone. Stored under a name of its own, `expires_at` being the table's.
    #[serde(rename = "file_expires_at", default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The email about its end.
    pub email_status: Delivery,
    /// When that was last changed.
    pub email_changed_at: Timestamp,
    /// The in-app notification about its end.
    pub notification_status: Delivery,
    /// When that was last changed.
    pub notification_changed_at: Timestamp,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<FailureCode>,
    /// Rises with each change.
    pub version: u64,
}

/// A job as the API shows it (SPEC §4).
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
    /// The job's item.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::job(&self.company, self.user, self.job)
    }
}

impl Format {
    /// The file name's extension.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
        }
    }

    /// The media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

impl Status {
    /// Whether the job still has work to do, and its place in the quota.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

impl FailureCode {
    /// In plain words, with what to do.
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

    /// The code's text.
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
    /// A new job of `requester`, who is told by email if they have an address.
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

    /// Where the job is.
    #[must_use]
    pub fn at(&self) -> JobRef {
        JobRef { company: self.company.clone(), user: self.user, job: self.id }
    }

    /// Whose scope the file has.
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

    /// The key of the attempt's object.
    #[must_use]
    pub fn object_key(&self) -> String {
        self.object_key_of(self.attempt)
    }

    /// The key of the object that an attempt makes.
    #[must_use]
    pub fn object_key_of(&self, attempt: u32) -> String {
        format!("{}/{attempt}/{}", self.prefix(), self.file_name)
    }

    /// The key of the object that holds the selected ids.
    #[must_use]
    pub fn ids_key(&self) -> String {
        format!("{}/ids.json", self.prefix())
    }

    /// Where everything of the job is kept.
    pub(super) fn prefix(&self) -> String {
        format!("private/exports/{}/{}", self.company, self.id)
    }

    /// Until when the file can be had, if it can.
    #[must_use]
    pub fn available_until(&self, now: Timestamp) -> Option<Timestamp> {
        let completed = self.status == Status::Completed;
        self.expires_at.filter(|until| completed && now < *until)
    }

    /// The job as the API shows it; a file past its time is gone, whether the clean-up has been
    /// there or not.
    #[must_use]
    pub fn view(&self, now: Timestamp, download_url: Option<String>) -> JobView<'_> {
        let gone = self.status == Status::Completed && self.available_until(now).is_none();
        JobView {
            id: self.id,
            status: if gone { Status::Expired } else { self.status },
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
            download_url: download_url.filter(|_| !gone),
        }
    }

    /// The item that holds the job.
    pub(super) fn to_item(&self) -> Result<Item, TableError> {
        let mut item = to_item(&self.at().key(), self)?;
        let until = self.created_at + LISTED;
        item.insert(EXPIRES_AT.to_owned(), attribute(until.as_second())?);
        Ok(item)
    }
}
