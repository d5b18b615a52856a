//! The writer of notes, and the results of a save (SPEC §3, "On write"; ARCHITECTURE, "One note").

use std::collections::HashMap;

use super::{
    MentionRef, Note, NoteDenial, NoteError, Removed, Rendered, Site, ledger::LedgerEntry,
};
use crate::{
    access::{AccessError, Authority, Session},
    contact::RecordPermission,
    id::{CompanyId, UserId},
    idempotency::IdempotencyError,
    outbox::Outbox,
    services::Services,
    table::{Action, Condition, Item, Key, Table, TableError, TransactError, from_item, to_item},
};

/// The policy for a note that mentions people who are not active users of the company.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum InvalidMentions {
    /// The note is saved. The anchors of these mentions become text, and the response has a
    /// warning.
    #[default]
    Drop,
    /// The note is refused.
    Reject,
}

impl std::str::FromStr for InvalidMentions {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "drop" => Ok(Self::Drop),
            "reject" => Ok(Self::Reject),
            _ => Err("must be drop or reject"),
        }
    }
}

/// The reason why a note cannot be read, saved or deleted.
#[derive(Debug, thiserror::Error)]
pub enum NoteFailure {
    /// The contact or the note does not exist, or the contact is deleted.
    #[error("not found")]
    NotFound,
    /// The viewer does not have the permission.
    #[error(transparent)]
    Denied(#[from] NoteDenial),
    /// The content of the note is refused.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note has invalid mentions, and [`InvalidMentions::Reject`] is set. The value contains
    /// the invalid ids as the note has them, each cut to 64 characters.
    #[error("the note mentions a user who is not an active user of the company")]
    InvalidMentions(Vec<String>),
    /// The viewer's permissions could not be loaded, or deny the action.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The idempotency key is malformed, or was used for a different request.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The request to the table failed. The error is [`TableError::Contention`] if other writes
    /// changed the note during every attempt.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// A warning about the content or a mention of a saved note (SPEC §3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoteWarning {
    /// Content of these kinds was removed from the note.
    ContentRemoved(Vec<Removed>),
    /// This id does not refer to an active user, so its anchors became text.
    Invalid(String),
    /// These ids could not be verified, because Launchpad was unavailable. They are verified later.
    Pending(Vec<String>),
    /// This newly mentioned person may not open the contact. Their notification does not name it.
    CannotSeeContact(UserId),
    /// The response to the first of several requests with the same idempotency key had a warning
    /// with this code.
    Earlier(String),
}

impl NoteWarning {
    /// The code of the warning in responses.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::ContentRemoved(_) => "CONTENT_REMOVED",
            Self::Invalid(_) => "INVALID_MENTION",
            Self::Pending(_) => "MENTIONS_PENDING",
            Self::CannotSeeContact(_) => "MENTION_CANNOT_SEE_CONTACT",
            Self::Earlier(code) => code,
        }
    }
}

/// The result of a successful save.
#[derive(Debug)]
pub struct Saved {
    /// The note as it was stored.
    pub note: Note,
    /// Whether the viewer may change and delete the note.
    pub permission: RecordPermission,
    /// Warnings about the mentions of the note.
    pub warnings: Vec<NoteWarning>,
    /// The viewer's session, for the scope of the response.
    pub session: Session,
}

/// Saves notes for a viewer, with permission checks.
#[derive(Clone, Debug)]
pub struct NoteWriter {
    pub(super) authority: Authority,
    pub(super) services: Services,
    pub(super) outbox: Outbox,
    pub(super) site: Site,
    pub(super) invalid: InvalidMentions,
}

impl NoteWriter {
    /// Creates a writer. `site` is the web application's.
    #[must_use]
    pub fn new(services: Services, outbox: Outbox, site: Site, invalid: InvalidMentions) -> Self {
        let authority = Authority::new(services.clone());
        Self { authority, services, outbox, site, invalid }
    }
}

/// Writes a note in one transaction with `actions`, if it still has the version of `old`.
pub(super) async fn write(
    table: &Table,
    company: &CompanyId,
    note: &Note,
    old: Option<&Note>,
    actions: Vec<Action>,
) -> Result<(), TransactError> {
    let key = Key::note(company, note.contact_id, note.id);
    let unchanged = old.map_or(Condition::Absent, |old| Condition::Version(old.version));
    let put = Action::Put(to_item(&key, note)?, Some(unchanged));
    table.transact([put].into_iter().chain(actions).collect()).await
}

/// Parses ledger entries, by the person's id.
pub(super) fn ledger_by_person(
    items: HashMap<Key, Item>,
) -> Result<HashMap<String, LedgerEntry>, TableError> {
    items
        .into_values()
        .map(|item| {
            let entry: LedgerEntry = from_item(item)?;
            Ok((entry.person.clone(), entry))
        })
        .collect()
}

/// The users whom the verified mentions of a rendered note refer to.
pub(super) fn mentioned(rendered: &Rendered) -> Vec<UserId> {
    rendered.mentioned.iter().copied().map(UserId::from_uuid).collect()
}

/// The SSO UUID of a reference; `None` if the reference is another id.
pub(super) fn user_of(reference: &MentionRef) -> Option<UserId> {
    match reference {
        MentionRef::User(user) => Some(UserId::from_uuid(*user)),
        MentionRef::Raw(_) | MentionRef::Malformed(_) => None,
    }
}
