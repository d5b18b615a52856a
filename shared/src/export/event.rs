//! The structured events of exports that the functions log (SPEC §4).
//!
//! An event is a log line with an `event` field. No line ever holds a name, an email address, a
//! phone number, a query, a filter's value, a path or a note's text.

use super::{FailureCode, Job, Selection};
use crate::{
    clock::millis,
    identity::Viewer,
    metric::{self, Slice},
};

/// How many exports ended without a file; its average is their share of all that ended.
const FAILED: &str = "ExportFailed";

/// An export was asked for. Filters are named by their keys, never by their values.
pub fn export_requested(job: &Job, source_ip: Option<&str>) {
    let (selected, filter_keys) = match &job.selection {
        Selection::Ids { count } => (Some(*count), String::new()),
        Selection::Filter(filter) => (None, filter.keys().join(",")),
    };
    let fields: Vec<_> = job.columns.iter().map(|column| column.field.name()).collect();
    tracing::info!(
        event = "cdp_contacts_export_requested",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        platform = job.platform.as_str(),
        source_ip,
        format = job.format.extension(),
        selected,
        filter_keys,
        fields = fields.join(","),
    );
}

/// An export's file is there.
pub fn export_completed(job: &Job) {
    let started = job.started_at.unwrap_or(job.created_at);
    let took = job.completed_at.unwrap_or(started).duration_since(started).unsigned_abs();
    tracing::info!(
        event = "cdp_contacts_export_completed",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        platform = job.platform.as_str(),
        format = job.format.extension(),
        attempt = job.attempt,
        rows = job.rows,
        skipped = job.skipped,
        size_bytes = job.size_bytes,
        duration_ms = millis(took),
    );
    let format = [("format", job.format.extension())];
    // Counts of rows are far below where a float loses one.
    #[allow(clippy::cast_precision_loss)]
    let rows = job.rows as f64;
    let lasted = ("ExportDuration", "Milliseconds", took.as_secs_f64() * 1000.0);
    let ended = [("ExportRows", "Count", rows), (FAILED, "Count", metric::share(false))];
    metric::emit(&[Slice { by: &format, metrics: &[lasted] }, Slice { by: &[], metrics: &ended }]);
}

/// An export failed for good.
pub fn export_failed(job: &Job, code: FailureCode) {
    tracing::info!(
        event = "cdp_contacts_export_failed",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        platform = job.platform.as_str(),
        format = job.format.extension(),
        attempt = job.attempt,
        error_code = code.as_str(),
    );
    metric::emit(&[Slice { by: &[], metrics: &[(FAILED, "Count", metric::share(true))] }]);
}

/// An export was called off before it was done.
pub fn export_cancelled(job: &Job, viewer: &Viewer, source_ip: Option<&str>) {
    tracing::info!(
        event = "cdp_contacts_export_cancelled",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        platform = viewer.platform.as_str(),
        source_ip,
        rows = job.rows,
    );
}

/// Somebody opened the link to an export's file. Whoever has the link may: the address is all
/// that is known of them.
pub fn export_link_opened(job: &Job, source_ip: Option<&str>) {
    tracing::info!(
        event = "cdp_contacts_export_link_opened",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        source_ip,
        rows = job.rows,
    );
}

/// An export's file is gone: its time was over, or its owner took it away.
pub fn export_expired(job: &Job) {
    tracing::info!(
        event = "cdp_contacts_export_expired",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        rows = job.rows,
    );
}
