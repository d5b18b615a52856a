//! Exports: the data that can be exported from contacts, and the jobs that write the files (SPEC
//! §4).
//!
//! A request becomes a [`Job`] in the table, and a message starts it. A worker takes the job's
//! lease, writes and uploads the file, and completes the job. Another worker then delivers the
//! result by email and in the application. The clean-up handles jobs whose worker died, and files
//! that have expired.
//!
//! | module | what it does |
//! |---|---|
//! | `field` | the fields of a contact that can be exported |
//! | `label` | the labels of fields in each language; the columns of a file |
//! | `layout` | a company's saved list of columns, and how it is checked |
//! | `layouts` | stores layouts |
//! | `request` | checks the request for an export |
//! | `request_error` | the error for a request field that is not valid |
//! | `order` | the result of a checked request: format, contacts, columns |
//! | `file_name` | makes a requested file name safe |
//! | `job` | an export job: how it is stored, and how the API returns it |
//! | `follow_up` | the messages and due items that a change of a job causes |
//! | `quota` | limits the active jobs of a user and of a company |
//! | `jobs` | reads, creates and changes jobs; renews the lease of an attempt |
//! | `delivery` | delivers a job's result at most once over each channel |
//! | `transition` | the state transitions: lease, complete, fail, cancel, expire |
//! | `expiry` | processes the due items of jobs and files for the clean-up |
//! | `files` | the objects of export jobs in the bucket |
//! | `disposition` | the `Content-Disposition` header with a download's file name |
//! | `link` | links with a secret token that give access to a file |
//! | `store` | the jobs, their files and the clock in one struct |
//! | `event` | the log events and metrics of exports |

mod delivery;
pub mod disposition;
pub mod event;
mod expiry;
pub mod field;
mod file_name;
mod files;
mod follow_up;
mod job;
mod jobs;
pub mod label;
mod layout;
mod layouts;
mod link;
mod order;
mod quota;
mod request;
mod request_error;
mod store;
mod transition;

pub use delivery::{Channel, DeliveryLease};
pub use disposition::content_disposition;
pub use expiry::{ExpiryError, deadline_passed, file_expired};
pub use field::{Field, FieldError};
pub use files::{Files, FilesError, abort_upload};
pub use job::{
    ATTEMPT_TIME, Delivery, FILE_LIFETIME, FailureCode, JOB_LEASE_TIME, Job, JobRef, JobView,
    MAX_ATTEMPTS, QUEUE_TIME, Status,
};
pub use jobs::{AttemptProgress, CreateError, Jobs};
pub use label::{Column, FieldDescription, squash};
pub use layout::{Layout, LayoutDraft, LayoutField, LayoutInput, LayoutView};
pub use layouts::{LayoutError, LayoutPage, Layouts, MAX_LAYOUTS};
pub use link::{LinkError, LinkToken, NotAToken};
pub use order::{Delimiter, ExportOrder, Format, Selection};
pub use quota::{MAX_PER_COMPANY, MAX_PER_USER, TooManyExports};
pub use request::{Defaults, ExportRequest, MAX_IDS};
pub use request_error::RequestError;
pub use store::ExportStore;
pub use transition::{CancelOutcome, Finished, JobLease};

#[cfg(test)]
mod tests;
