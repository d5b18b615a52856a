use crate::{
    access::Viewer,
    id::{CompanyId, ContactId, NoteId, UserId},
    metric::{self, Slice},
    notification::NotificationId,
};

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
    notified(true);
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
    notified(false);
}

fn notified(sent: bool) {
    let metrics = &[("MentionNotifyFailed", "Count", metric::share(!sent))];
    metric::emit(&[Slice { by: &[], metrics }]);
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
