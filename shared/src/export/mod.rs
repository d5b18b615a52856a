//! Exports: what can be exported from a contact, what a file calls it, and the jobs that write
//! the files (SPEC §4).

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
mod quota;
mod request;
mod store;
mod transition;

pub use delivery::{Channel, DeliveryClaim};
pub use disposition::content_disposition;
pub use expiry::{ExpiryError, deadline_passed, file_expired};
pub use field::{Field, FieldError};
pub use files::{Files, FilesError, abort_upload};
pub use job::{
    ATTEMPT_TIME, Delivery, FILE_LIFETIME, FailureCode, Format, Job, JobRef, JobView, MAX_ATTEMPTS,
    QUEUE_TIME, STALE, Selection, Status,
};
pub use jobs::{AttemptProgress, CreateError, Jobs};
pub use label::{Column, FieldDescription};
pub use layout::{Layout, LayoutDraft, LayoutField, LayoutInput, LayoutView};
pub use layouts::{LayoutError, LayoutPage, Layouts, MAX_LAYOUTS};
pub use link::{LinkError, LinkToken, NotAToken};
pub use quota::{MAX_PER_COMPANY, MAX_PER_USER, TooManyExports};
pub use request::{Defaults, ExportOrder, ExportRequest, MAX_IDS, RequestError};
pub use store::ExportStore;
pub use transition::{Cancellation, Finished, JobLease};

#[cfg(test)]
mod tests;
