use std::time::Duration;

use super::millis;
use crate::{
    access::{Permission, Viewer},
    id::{CompanyId, ContactId, TeamId},
    metric::{self, Slice},
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
    metric::emit(&[Slice { by: &[], metrics: &[("TeamPermissionDenied", "Count", 1.0)] }]);
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
