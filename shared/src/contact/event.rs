//! The structured events that the functions log about contacts' team owners (RFC §3).
//!
//! An event is a log line whose name is in the field `event_name`. No line contains a name, an
//! email address, a phone number, a query, a value of a filter, a path or the text of a note.

use crate::{
    id::{CompanyId, ContactId, TeamId},
    identity::Viewer,
};

/// Logs that the team owners of a contact were written. `source` is the name of the operation that
/// wrote them, such as `create`, `patch` or `sync`.
pub fn team_owner_set(
    company: &CompanyId,
    contact: ContactId,
    team_owner_count: usize,
    source: &str,
) {
    tracing::info!(
        event_name = "cdp_team_owner_set",
        company_sso_id = %company,
        contact_id = %contact,
        team_owner_count,
        source,
    );
}

/// Logs that a change was refused because it sets team owners that are not the actor's own teams.
/// `rejected` contains the refused team ids, and `count` is the number of all refused texts. A text
/// that is not an id may contain any data and is not logged.
pub fn team_owner_validation_rejected(viewer: &Viewer, rejected: &[TeamId], count: usize) {
    let rejected: Vec<String> = rejected.iter().map(ToString::to_string).collect();
    tracing::info!(
        event_name = "cdp_team_owner_validation_rejected",
        company_sso_id = %viewer.company,
        user_sso_id = %viewer.user,
        rejected_team_ids = rejected.join(","),
        rejected_count = count,
    );
}
