//! The structured events of exports that the functions log (SPEC §4).
//!
//! An event is a log line whose name is in the field `event_name`. A log line never contains a
//! name, an email address, a phone number, a query, a filter's value, a path or a note's text.

use super::{
    job::{FailureCode, Job},
    order::Selection,
};
use crate::{
    clock::millis,
    identity::Viewer,
    metric::{self, MetricGroup},
};

/// The name of the metric of failed exports. Its value is 1 for a failed export and 0 for a
/// completed export, so that the average is the share of failed exports.
const FAILED: &str = "ExportFailed";

/// Logs that a user requested an export. The event contains the names of the filters, but never
/// their values.
pub fn export_requested(job: &Job, source_ip: Option<&str>) {
    let (selected, filter_keys) = match &job.selection {
        Selection::Ids { count } => (Some(*count), String::new()),
        Selection::Filter(filter) => {
            let texts = job.filter_texts.iter().map(String::as_str);
            (None, texts.chain(filter.keys()).collect::<Vec<_>>().join(","))
        }
    };
    let fields: Vec<_> = job.columns.iter().map(|column| column.field.name()).collect();
    tracing::info!(
        event_name = "cdp_contacts_export_requested",
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

/// Logs that an export is completed, and emits its metrics.
pub fn export_completed(job: &Job) {
    let started = job.started_at.unwrap_or(job.created_at);
    let elapsed = job.completed_at.unwrap_or(started).duration_since(started).unsigned_abs();
    tracing::info!(
        event_name = "cdp_contacts_export_completed",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        platform = job.platform.as_str(),
        format = job.format.extension(),
        attempt = job.attempt,
        rows = job.rows,
        skipped = job.skipped,
        size_bytes = job.size_bytes,
        duration_ms = millis(elapsed),
    );
    let format = [("format", job.format.extension())];
    #[allow(clippy::cast_precision_loss, reason = "the number of rows is small enough to be exact")]
    let rows = job.rows as f64;
    let duration = ("ExportDuration", "Milliseconds", elapsed.as_secs_f64() * 1000.0);
    let ended = [("ExportRows", "Count", rows), (FAILED, "Count", metric::share(false))];
    metric::emit(&[
        MetricGroup { dimensions: &format, metrics: &[duration] },
        MetricGroup { dimensions: &[], metrics: &ended },
    ]);
}

/// Logs that an export failed, and emits its metric.
pub fn export_failed(job: &Job, code: FailureCode) {
    tracing::info!(
        event_name = "cdp_contacts_export_failed",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        platform = job.platform.as_str(),
        format = job.format.extension(),
        attempt = job.attempt,
        error_code = code.as_str(),
    );
    metric::emit(&[MetricGroup {
        dimensions: &[],
        metrics: &[(FAILED, "Count", metric::share(true))],
    }]);
}

/// Logs that a user canceled an active export.
pub fn export_cancelled(job: &Job, viewer: &Viewer, source_ip: Option<&str>) {
    tracing::info!(
        event_name = "cdp_contacts_export_cancelled",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        platform = viewer.platform.as_str(),
        source_ip,
        rows = job.rows,
    );
}

/// Logs that a client opened a download link of an export. The link needs no sign-in, so the event
/// can contain only the client's IP address.
pub fn export_link_opened(job: &Job, source_ip: Option<&str>) {
    tracing::info!(
        event_name = "cdp_contacts_export_link_opened",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        source_ip,
        rows = job.rows,
    );
}

/// Logs that the file of an export was deleted, because it expired or because its owner canceled
/// the completed export.
pub fn export_expired(job: &Job) {
    tracing::info!(
        event_name = "cdp_contacts_export_expired",
        company_sso_id = %job.company,
        user_sso_id = %job.user,
        job_id = %job.id,
        rows = job.rows,
    );
}
