//! The structured events that the functions log, by the names of the RFC (§3) and the PRD (§11).
//!
//! An event is a log line with an `event` field. No line ever holds a name, an email address, a
//! phone number, a query, a filter's value, a path or a note's text.

use std::time::Duration;

use crate::{
    access::{Permission, Viewer},
    id::{CompanyId, ContactId, NoteId, TeamId, UserId},
    notification::NotificationId,
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

/// A note was created or edited and mentions somebody.
pub fn note_mention_added(
    viewer: &Viewer,
    (contact, note): (ContactId, NoteId),
    event: &'static str,
    mention_count: usize,
    new_mention_count: usize,
) {
    // The property `event` of PRD §11 would be the line's own name; it is told as `save`.
    tracing::info!(
        event = "cdp_note_mention_added",
        note_id = %note,
        contact_id = %contact,
        company_sso_id = %viewer.company,
        mention_count,
        new_mention_count,
        author_sso_id = %viewer.user,
        save = event,
    );
}

/// A mentioned person was notified.
pub fn note_mention_notify_sent(note: NoteId, recipient: UserId, notification: &NotificationId) {
    tracing::info!(
        event = "cdp_note_mention_notify_sent",
        note_id = %note,
        recipient_sso_id = %recipient,
        notification_id = %notification,
    );
}

/// A mentioned person could not be notified; `retry_count` counts the tries after the first.
pub fn note_mention_notify_failed(note: NoteId, recipient: UserId, reason: &str, retry_count: u32) {
    tracing::warn!(
        event = "cdp_note_mention_notify_failed",
        note_id = %note,
        recipient_sso_id = %recipient,
        reason,
        retry_count,
    );
}

/// A mention names nobody who is an active user of the company. An id that is no UUID may be an
/// email address or any text; it is not told.
pub fn note_mention_invalid(
    company: &CompanyId,
    note: Option<NoteId>,
    invalid: Option<UserId>,
    action: &'static str,
) {
    let invalid = invalid.map_or_else(|| "not_a_uuid".to_owned(), |user| user.to_string());
    tracing::info!(
        event = "cdp_note_mention_invalid",
        note_id = note.map(|note| note.to_string()),
        company_sso_id = %company,
        invalid_sso_id = invalid,
        action,
    );
}

/// A duration in whole milliseconds, as logs have it.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
