//! The structured events that the functions log about team permissions (RFC §3).
//!
//! An event is a log line whose name is in the field `event_name`. No line contains a name, an
//! email address, a phone number, a query, a value of a filter, a path or the text of a note.

use std::time::Duration;

use crate::{
    clock::millis,
    directory::DirectoryError,
    error::chain,
    id::ContactId,
    identity::{Permission, Viewer},
    metric::{self, MetricGroup},
};

/// Logs that the viewer's teams could not be loaded, so that the scope was narrowed to `own`. The
/// field `cause` is the error of the teams call; `remembered` is true if it is the error of an
/// earlier call.
pub fn team_permission_fallback(
    viewer: &Viewer,
    permission: Permission,
    latency: Duration,
    cause: &DirectoryError,
) {
    tracing::info!(
        event_name = "cdp_team_permission_fallback",
        company_sso_id = %viewer.company,
        user_sso_id = %viewer.user,
        platform = viewer.platform.as_str(),
        permission_name = permission.as_str(),
        latency_ms = millis(latency),
        cause = %chain(cause),
        remembered = cause.remembered,
    );
}

/// Logs and counts that an action on one contact was refused because of the viewer's team scope.
pub fn team_permission_denied(
    viewer: &Viewer,
    contact: ContactId,
    permission: Permission,
    viewer_team_count: usize,
) {
    tracing::info!(
        event_name = "cdp_team_permission_denied",
        company_sso_id = %viewer.company,
        user_sso_id = %viewer.user,
        contact_id = %contact,
        permission_name = permission.as_str(),
        viewer_team_count,
    );
    metric::emit(&[MetricGroup {
        dimensions: &[],
        metrics: &[("TeamPermissionDenied", "Count", 1.0)],
    }]);
}
