//! The structured events of contacts' team owners that the functions log (RFC §3).
//!
//! An event is a log line with an `event` field. No line ever holds a name, an email address, a
//! phone number, a query, a filter's value, a path or a note's text.

use crate::{
    id::{CompanyId, ContactId, TeamId},
    identity::Viewer,
};

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

/// Team owners were refused, being no teams of the actor's: those of them that are ids, and how many
/// there were in all. What is no id could be anything, and is not logged.
pub fn team_owner_validation_rejected(viewer: &Viewer, rejected: &[TeamId], count: usize) {
    let rejected: Vec<String> = rejected.iter().map(ToString::to_string).collect();
    tracing::info!(
        event = "cdp_team_owner_validation_rejected",
        company_sso_id = %viewer.company,
        user_sso_id = %viewer.user,
        rejected_team_ids = rejected.join(","),
        rejected_count = count,
    );
}
