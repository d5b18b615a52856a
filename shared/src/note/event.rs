//! The structured events of notes and mentions that the functions log (PRD §11).
//!
//! An event is a log line whose name is in the field `event_name`. No event contains a name, an
//! email address, a phone number, a query, a filter's value, a path or a note's text.

use crate::{
    directory::DirectoryError,
    error::chain,
    id::{CompanyId, ContactId, NoteId, UserId},
    identity::Viewer,
    metric::{self, MetricGroup},
    notification::NotificationId,
};

/// The mentions of a note that was saved.
#[derive(Clone, Copy, Debug)]
pub struct Mentions<'a> {
    /// The tenant.
    pub company: &'a CompanyId,
    /// The contact that the note is about.
    pub contact: ContactId,
    /// The note that was saved.
    pub note: NoteId,
    /// The user who saved the note.
    pub author: UserId,
    /// The kind of save: `create` or `edit`.
    pub save: &'static str,
    /// The number of distinct people whom the note mentions, at most 10.
    pub count: usize,
    /// The number of these people whom the note did not mention before this save.
    pub new_count: usize,
}

/// Logs that a note with mentions was created or edited. If Launchpad was unavailable at the save,
/// the event is logged when the mentions are verified.
pub fn note_mention_added(mentions: &Mentions<'_>) {
    tracing::info!(
        event_name = "cdp_note_mention_added",
        note_id = %mentions.note,
        contact_id = %mentions.contact,
        company_sso_id = %mentions.company,
        mention_count = mentions.count,
        new_mention_count = mentions.new_count,
        author_sso_id = %mentions.author,
        event = mentions.save,
    );
}

/// Logs and counts that a mentioned person was notified.
pub fn note_mention_notify_sent(note: NoteId, recipient: UserId, notification: &NotificationId) {
    tracing::info!(
        event_name = "cdp_note_mention_notify_sent",
        note_id = %note,
        recipient_sso_id = %recipient,
        notification_id = %notification,
    );
    count_notification(true);
}

/// Logs and counts that a mentioned person could not be notified. `retry_count` is the number of
/// attempts after the first one.
pub fn note_mention_notify_failed(note: NoteId, recipient: UserId, reason: &str, retry_count: u32) {
    tracing::warn!(
        event_name = "cdp_note_mention_notify_failed",
        note_id = %note,
        recipient_sso_id = %recipient,
        reason,
        retry_count,
    );
    count_notification(false);
}

fn count_notification(sent: bool) {
    let metrics = &[("MentionNotifyFailed", "Count", metric::share(!sent))];
    metric::emit(&[MetricGroup { dimensions: &[], metrics }]);
}

/// Logs that a mention does not refer to an active user of the company. An id that is not a UUID
/// may be an email address or any other text, so it is not logged.
pub fn note_mention_invalid(
    company: &CompanyId,
    note: Option<NoteId>,
    invalid: Option<UserId>,
    action: &'static str,
) {
    let invalid = invalid.map_or_else(|| "not_a_uuid".to_owned(), |user| user.to_string());
    tracing::info!(
        event_name = "cdp_note_mention_invalid",
        note_id = note.map(|note| note.to_string()),
        company_sso_id = %company,
        invalid_sso_id = invalid,
        action,
    );
}

/// Logs that a search for people to mention failed. The field `cause` is the error of the Launchpad
/// call. The field `remembered` is true if it is the cached error of an earlier call.
pub fn note_mention_picker_failed(viewer: &Viewer, cause: &DirectoryError) {
    tracing::warn!(
        event_name = "cdp_note_mention_picker_failed",
        company_sso_id = %viewer.company,
        platform = viewer.platform.as_str(),
        cause = %chain(cause),
        remembered = cause.remembered,
    );
}
