//! The structured events that the functions log about contacts: their team owners (RFC §3), deletions,
//! restorations and erasures (SPEC §2).
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

/// Logs that a viewer deleted a contact.
pub fn contact_deleted(viewer: &Viewer, contact: ContactId) {
    tracing::info!(
        event_name = "cdp_contact_deleted",
        company_sso_id = %viewer.company,
        user_sso_id = %viewer.user,
        contact_id = %contact,
        platform = viewer.platform.as_str(),
    );
}

/// Logs that a viewer restored a deleted contact.
pub fn contact_restored(viewer: &Viewer, contact: ContactId) {
    tracing::info!(
        event_name = "cdp_contact_restored",
        company_sso_id = %viewer.company,
        user_sso_id = %viewer.user,
        contact_id = %contact,
        platform = viewer.platform.as_str(),
    );
}

/// Logs that the personal data of a contact was removed from its record, so that it can no longer
/// be restored. `viewer` is the user who requested it; `None` if the retention has ended.
pub fn contact_erased(company: &CompanyId, viewer: Option<&Viewer>, contact: ContactId) {
    tracing::info!(
        event_name = "cdp_contact_erased",
        company_sso_id = %company,
        user_sso_id = viewer.map(|viewer| tracing::field::display(viewer.user)),
        contact_id = %contact,
        platform = viewer.map(|viewer| viewer.platform.as_str()),
        trigger = if viewer.is_some() { "request" } else { "retention" },
    );
}
