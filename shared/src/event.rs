//! The structured events that the functions log, by the names of the RFC (§3) and the PRD (§11).
//!
//! An event is a log line with an `event` field. No line ever holds a name, an email address, a
//! phone number, a query, a filter's value, a path or a note's text.

use std::time::Duration;

use crate::{
    access::{Permission, Viewer},
    export::{FailureCode, Job, Selection},
    id::{CompanyId, ContactId, TeamId},
};

/// The viewer's teams could not be had; the scope was narrowed to `own`.
pub fn team_permission_fallback(viewer: &Viewer, permission: Permission, latency: Duration) {
    tracing::info!(
        event = "cdp_team_permission_fallback",
        company_sso_id = %viewer.company,
        user_sso_id = %viewer.user,
        platform = viewer.platform.as_str(),
        permission_name = permission.as_str(),
        latency_ms = millis(latency),
    );
}

/// An action on one record was refused by team scope.
pub fn team_permission_denied(
    viewer: &Viewer,
    contact: ContactId,
    permission: Permission,
    viewer_team_count: usize,
) {
    tracing::info!(
        event = "cdp_team_permission_denied",
        company_sso_id = %viewer.company,
        user_sso_id = %viewer.user,
        contact_id = %contact,
        permission_name = permission.as_str(),
        viewer_team_count,
    );
}

/// Team owners were written.
pub fn team_owner_set(
    company: &CompanyId,
    contact: ContactId,
    team_owner_count: usize,
    source: &str,
) {
    tracing::info!(
        event = "cdp_team_owner_set",
        company_sso_id = %company,
        contact_id = %contact,
        team_owner_count,
        source,
    );
}

/// Team owners were refused, being no teams of the actor's.
pub fn team_owner_validation_rejected(viewer: &Viewer, rejected: &[TeamId]) {
    let rejected: Vec<String> = rejected.iter().map(ToString::to_string).collect();
    tracing::info!(
        event = "cdp_team_owner_validation_rejected",
        company_sso_id = %viewer.company,
        user_sso_id = %viewer.user,
        rejected_team_ids = rejected.join(","),
    );
}

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
    let took = job.completed_at.map(|at| at.duration_since(started).unsigned_abs());
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
        duration_ms = took.map(millis),
    );
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

/// A duration in whole milliseconds, as logs have it.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
