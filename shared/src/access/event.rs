//! The structured events of team permissions that the functions log (RFC §3).
//!
//! An event is a log line with an `event` field. No line ever holds a name, an email address, a
//! phone number, a query, a filter's value, a path or a note's text.

use std::time::Duration;

use crate::{
    clock::millis,
    directory::DirectoryError,
    error::chain,
    id::ContactId,
    identity::{Permission, Viewer},
    metric::{self, Slice},
};

/// The viewer's teams could not be had; the scope was narrowed to `own`.
/// `cause` says why: the failure of the teams call, or of an earlier one that is remembered.
pub fn team_permission_fallback(
    viewer: &Viewer,
    permission: Permission,
    latency: Duration,
    cause: &DirectoryError,
) {
    tracing::info!(
        event = "cdp_team_permission_fallback",
        company_sso_id = %viewer.company,
        user_sso_id = %viewer.user,
        platform = viewer.platform.as_str(),
        permission_name = permission.as_str(),
        latency_ms = millis(latency),
        cause = %chain(cause),
        remembered = cause.remembered,
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
    metric::emit(&[Slice { by: &[], metrics: &[("TeamPermissionDenied", "Count", 1.0)] }]);
}
