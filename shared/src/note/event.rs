//! The structured events of notes and mentions that the functions log (PRD §11).
//!
//! An event is a log line with an `event` field. No line ever holds a name, an email address, a
//! phone number, a query, a filter's value, a path or a note's text.

use crate::{
    id::{CompanyId, ContactId, NoteId, UserId},
    identity::Viewer,
    metric::{self, Slice},
    notification::NotificationId,
};

/// What a save of a note mentions.
#[derive(Clone, Copy, Debug)]
pub struct Mentions<'a> {
    /// The tenant.
    pub company: &'a CompanyId,
    /// The contact.
    pub contact: ContactId,
    /// The note.
    pub note: NoteId,
    /// Who saved it.
    pub author: UserId,
    /// `create` or `edit`.
    pub save: &'static str,
    /// The people that it mentions.
    pub count: usize,
    /// Those among them that it did not mention before.
    pub new_count: usize,
}

/// A note was created or edited and mentions somebody; where Launchpad could not tell who they are,
/// as soon as it could.
pub fn note_mention_added(mentions: &Mentions<'_>) {
    // The property `event` of PRD §11 would be the line's own name; it is told as `save`.
    tracing::info!(
        event = "cdp_note_mention_added",
        note_id = %mentions.note,
        contact_id = %mentions.contact,
        company_sso_id = %mentions.company,
        mention_count = mentions.count,
        new_mention_count = mentions.new_count,
        author_sso_id = %mentions.author,
        save = mentions.save,
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

/// The people who can be mentioned could not be looked up.
pub fn note_mention_picker_failed(viewer: &Viewer) {
    tracing::warn!(
        event = "cdp_note_mention_picker_failed",
        company_sso_id = %viewer.company,
        platform = viewer.platform.as_str(),
    );
}
