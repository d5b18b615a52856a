//! Saves a note: one transaction writes the note, its ledger entries and the due items of the
//! messages to send (SPEC §3, "On write"; ARCHITECTURE, "One note").

use std::collections::HashMap;

use super::{
    Draft, MENTION_LIMIT, MentionRef, Note, NoteAccess, NoteAction, NoteDenial, NoteError,
    NoteInput, Removed, Rendered, Site,
    admission::Admission,
    check_attachments, event,
    ledger::{Actor, Ledger, LedgerChange, LedgerEntry},
    people::{People, StoredMentions},
};
use crate::{
    access::{AccessError, Authority, Authorized, Session},
    contact::{Contact, RecordPermission},
    id::{CompanyId, ContactId, NoteId, UserId},
    identity::{Permission, Viewer},
    outbox::Outbox,
    services::Services,
    table::{
        Action, Attempt, Condition, Item, Key, Table, TableError, TransactError, from_item, retry,
        to_item,
    },
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
    /// The request to the table failed. The error is [`TableError::Contention`] if other writes
    /// changed the note during every attempt.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// A warning about the content or a mention of a saved note (SPEC §3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MentionWarning {
    /// Content of these kinds was removed from the note.
    ContentRemoved(Vec<Removed>),
    /// This id does not refer to an active user, so its anchors became text.
    Invalid(String),
    /// These ids could not be verified, because Launchpad was unavailable. They are verified later.
    Pending(Vec<String>),
    /// This mentioned person may not open the contact, according to cached data. Their notification
    /// does not name the contact.
    CannotSeeContact(UserId),
}

/// The result of a successful save.
#[derive(Debug)]
pub struct Saved {
    /// The note as it was stored.
    pub note: Note,
    /// Whether the viewer may change and delete the note.
    pub permission: RecordPermission,
    /// Warnings about the mentions of the note.
    pub warnings: Vec<MentionWarning>,
    /// The viewer's session, for the scope of the response.
    pub session: Session,
}

/// Saves notes for a viewer, with permission checks.
#[derive(Clone, Debug)]
pub struct NoteWriter {
    authority: Authority,
    services: Services,
    outbox: Outbox,
    site: Site,
    invalid: InvalidMentions,
}

/// A request to save a note.
struct Save<'a> {
    viewer: &'a Viewer,
    contact: ContactId,
    /// The note to change; `None` creates a note.
    target: Option<NoteId>,
    input: NoteInput,
}

/// The state that was read from the table before a save.
struct CurrentState {
    contact: Authorized<Contact>,
    note: Option<Note>,
    /// The mentions of `note`.
    stored: StoredMentions,
    ledger: HashMap<String, LedgerEntry>,
}

impl CurrentState {
    /// The ids that the stored note mentions; `None` if the note is new or private.
    fn mentioned_ids(&self) -> Option<Vec<String>> {
        let note = self.note.as_ref().filter(|note| note.is_public())?;
        let users = note.mentioned_user_ids.iter().map(UserId::to_string);
        Some(users.chain(self.stored.pending().iter().map(MentionRef::id)).collect())
    }
}

impl Save<'_> {
    fn action(&self) -> NoteAction {
        if self.target.is_some() { NoteAction::Update } else { NoteAction::Add }
    }

    /// The keys of the contact, the note and the ledger entries of these people.
    fn keys(&self, people: impl Iterator<Item = String>) -> Vec<Key> {
        let company = &self.viewer.company;
        let mut keys = vec![Key::contact(company, self.contact)];
        // A new note has no ledger entries.
        if let Some(note) = self.target {
            keys.push(Key::note(company, self.contact, note));
            keys.extend(people.map(|id| Key::mention(company, self.contact, note, &id)));
        }
        keys
    }
}

impl NoteWriter {
    /// Creates a writer. `site` is the web application's.
    #[must_use]
    pub fn new(services: Services, outbox: Outbox, site: Site, invalid: InvalidMentions) -> Self {
        let authority = Authority::new(services.clone());
        Self { authority, services, outbox, site, invalid }
    }

    /// Adds a note to a contact.
    ///
    /// # Errors
    /// See [`NoteFailure`]. Nothing was written.
    pub async fn create(
        &self,
        viewer: &Viewer,
        contact: ContactId,
        input: NoteInput,
    ) -> Result<Saved, NoteFailure> {
        self.save(Save { viewer, contact, target: None, input }).await
    }

    /// Changes a note of a contact.
    ///
    /// # Errors
    /// See [`NoteFailure`]. Nothing was written.
    pub async fn update(
        &self,
        viewer: &Viewer,
        contact: ContactId,
        note: NoteId,
        input: NoteInput,
    ) -> Result<Saved, NoteFailure> {
        self.save(Save { viewer, contact, target: Some(note), input }).await
    }

    async fn save(&self, save: Save<'_>) -> Result<Saved, NoteFailure> {
        let draft = Draft::from_submission(&save.input.note, &self.site);
        let references = draft.as_ref().map_or(&[][..], Draft::references);
        let well_formed = references.iter().filter(|r| !matches!(r, MentionRef::Malformed(_)));
        // A note with too many mentions is refused below, so its ledger entries are not read.
        let keys = save.keys(well_formed.map(MentionRef::id).take(2 * MENTION_LIMIT));
        let (session, items) =
            self.authority.session_with_items(save.viewer, &NoteAccess::NEEDED, &keys).await?;
        let mut current = self.authorize(&save, &session, items)?;
        let draft =
            draft.or_else(|error| self.unchanged_submission(&save, &current).ok_or(error))?;
        check_attachments(save.input.attachments.as_deref().unwrap_or_default())?;
        let people = self.people(&session, &draft, &current.stored).await?;
        let rendered = draft.render(|reference| people.outcome(reference));
        self.refuse_invalid(&save, &session, &rendered)?;
        let all = save.keys(ledger_ids(&rendered).into_iter());
        if all.iter().any(|key| !keys.contains(key)) {
            current = self.read(&save, &session, &all).await?;
        }
        let (note, ()) = tokio::join!(
            self.commit(&save, &session, &rendered, &all, &mut current),
            people.store_names(&self.services.directory, &self.services.table)
        );
        let note = note?;
        self.report(&save, &session, &note, &current, &rendered);
        let warnings = self.warnings(&session, &rendered, &note, &current.contact);
        let permission = NoteAccess::new(&session).permission(&note, &current.contact);
        Ok(Saved { note, permission, warnings, session })
    }

    /// Writes the note and sends the messages. If another write changes the note at the same time,
    /// the write is retried.
    async fn commit(
        &self,
        save: &Save<'_>,
        session: &Session,
        rendered: &Rendered,
        keys: &[Key],
        current: &mut CurrentState,
    ) -> Result<Note, NoteFailure> {
        let mut is_first = true;
        let (note, messages) = retry("the note", async || {
            if !std::mem::take(&mut is_first) {
                *current = self.read(save, session, keys).await?;
            }
            let note = self.new_version(save, rendered, current.note.as_ref())?;
            let change = self.ledger_change(save, session, &note, rendered, current)?;
            let written = write(
                &self.services.table,
                &save.viewer.company,
                &note,
                current.note.as_ref(),
                change.actions,
            );
            let written = Attempt::from_transaction(written.await)?;
            Ok::<_, NoteFailure>(written.map(|()| (note, change.messages)))
        })
        .await?;
        self.outbox.send(&messages).await;
        Ok(note)
    }

    async fn read(
        &self,
        save: &Save<'_>,
        session: &Session,
        keys: &[Key],
    ) -> Result<CurrentState, NoteFailure> {
        let items = self.services.table.batch_get(keys, true).await?;
        self.authorize(save, session, items)
    }

    /// Checks that the viewer may save the note, and parses the items.
    fn authorize(
        &self,
        save: &Save<'_>,
        session: &Session,
        mut items: HashMap<Key, Item>,
    ) -> Result<CurrentState, NoteFailure> {
        let (company, action) = (&save.viewer.company, save.action());
        let admission = Admission { session, action, company, contact: save.contact };
        let contact = admission.contact(&mut items)?;
        let note = save.target.map(|id| admission.note(id, &contact, &mut items)).transpose()?;
        let stored = note
            .as_ref()
            .map(|note| StoredMentions::from_note(note, &Draft::parse(&note.note, &self.site)));
        let (stored, ledger) = (stored.unwrap_or_default(), ledger_by_person(items)?);
        Ok(CurrentState { contact, note, stored, ledger })
    }

    /// The parsed submission, if it is exactly the HTML that a response has for the stored note;
    /// otherwise `None`. Such a submission can always be saved again, even if names and escaping
    /// have made it too long.
    fn unchanged_submission(&self, save: &Save<'_>, current: &CurrentState) -> Option<Draft> {
        let html = &save.input.note;
        let note = current.note.as_ref();
        note.filter(|note| note.has_html(html)).map(|_| Draft::parse(html, &self.site))
    }

    async fn people(
        &self,
        session: &Session,
        draft: &Draft,
        stored: &StoredMentions,
    ) -> Result<People, NoteFailure> {
        if !session.flags.notes_mention {
            return Ok(People::from_stored(draft, stored));
        }
        let (directory, company) = (&self.services.directory, &session.viewer.company);
        let people = People::resolve(directory, company, draft, stored).await?;
        people.log_failure("known people keep their stored names, and other mentions stay pending");
        Ok(people)
    }

    fn refuse_invalid(
        &self,
        save: &Save<'_>,
        session: &Session,
        rendered: &Rendered,
    ) -> Result<(), NoteFailure> {
        let refused = session.flags.notes_mention
            && self.invalid == InvalidMentions::Reject
            && !rendered.unwrapped.is_empty();
        if !refused {
            return Ok(());
        }
        for reference in &rendered.unwrapped {
            let company = &save.viewer.company;
            event::note_mention_invalid(company, save.target, user_of(reference), "rejected");
        }
        Err(NoteFailure::InvalidMentions(rendered.unwrapped.iter().map(shortened_id).collect()))
    }

    /// The note to write.
    fn new_version(
        &self,
        save: &Save<'_>,
        rendered: &Rendered,
        old: Option<&Note>,
    ) -> Result<Note, NoteError> {
        let now = self.services.clock.now();
        let input = &save.input;
        let attachments = input.attachments.clone();
        let attachments =
            attachments.or_else(|| old.map(|old| old.attachments.clone())).unwrap_or_default();
        if !rendered.has_text() && attachments.is_empty() {
            return Err(NoteError::Empty(rendered.removed.clone()));
        }
        let visibility = input.visibility.or_else(|| old.map(|old| old.visibility));
        Ok(Note {
            id: old.map_or_else(|| NoteId::generate(now), |old| old.id),
            contact_id: save.contact,
            note: rendered.html.clone(),
            attachments,
            visibility: visibility.unwrap_or_default(),
            owner_id: old.map_or(save.viewer.user, |old| old.owner_id),
            owner_name: old
                .map_or_else(|| save.viewer.display_name(), |old| old.owner_name.clone()),
            mentioned_user_ids: mentioned(rendered),
            pending_since: (!rendered.pending.is_empty()).then_some(now),
            created_at: old.map_or(now, |old| old.created_at),
            updated_at: now,
            version: old.map_or(1, |old| old.version + 1),
        })
    }

    fn ledger_change(
        &self,
        save: &Save<'_>,
        session: &Session,
        note: &Note,
        rendered: &Rendered,
        current: &CurrentState,
    ) -> Result<LedgerChange, TableError> {
        let actor = Actor { actor_id: save.viewer.user, actor_name: save.viewer.display_name() };
        let ledger = Ledger {
            company: &save.viewer.company,
            entries: &current.ledger,
            notifies: session.flags.notes_mention,
            now: self.services.clock.now(),
        };
        ledger.change_for_save(note, current.mentioned_ids().as_deref(), &rendered.pending, &actor)
    }

    /// Logs the mentions of the note, and the invalid mentions that became text. Logs nothing if
    /// the mention flag is off.
    fn report(
        &self,
        save: &Save<'_>,
        session: &Session,
        note: &Note,
        current: &CurrentState,
        rendered: &Rendered,
    ) {
        if !session.flags.notes_mention {
            return;
        }
        for reference in &rendered.unwrapped {
            let company = &save.viewer.company;
            event::note_mention_invalid(company, Some(note.id), user_of(reference), "dropped");
        }
        if note.mentioned_user_ids.is_empty() {
            return;
        }
        // All mentions of a note that becomes public count as new.
        let known = current.note.as_ref().filter(|old| old.is_public());
        let known = known.map_or(&[][..], |old| &old.mentioned_user_ids);
        let new = note.mentioned_user_ids.iter().filter(|user| !known.contains(user)).count();
        event::note_mention_added(&event::Mentions {
            company: &save.viewer.company,
            contact: note.contact_id,
            note: note.id,
            author: save.viewer.user,
            save: if save.target.is_some() { "edit" } else { "create" },
            count: note.mentioned_user_ids.len(),
            new_count: new,
        });
    }

    /// The warnings in the response for the author. If the mention flag is off, there are no
    /// warnings about mentions.
    fn warnings(
        &self,
        session: &Session,
        rendered: &Rendered,
        note: &Note,
        contact: &Authorized<Contact>,
    ) -> Vec<MentionWarning> {
        let mut warnings = Vec::new();
        if !rendered.removed.is_empty() {
            warnings.push(MentionWarning::ContentRemoved(rendered.removed.clone()));
        }
        if !session.flags.notes_mention {
            return warnings;
        }
        let invalid = rendered.unwrapped.iter().map(shortened_id);
        warnings.extend(invalid.map(MentionWarning::Invalid));
        if !rendered.pending.is_empty() {
            let ids = rendered.pending.iter().map(shortened_id).collect();
            warnings.push(MentionWarning::Pending(ids));
        }
        let company = &session.viewer.company;
        let blind = note.mentioned_user_ids.iter().filter(|user| {
            **user != session.viewer.user
                && self.authority.is_known_to_deny(
                    session.flags,
                    (company, **user),
                    Permission::ViewCustomers,
                    &**contact,
                )
        });
        warnings.extend(blind.map(|user| MentionWarning::CannotSeeContact(*user)));
        warnings
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

/// The ids of the ledger entries for a rendered note's mentions.
fn ledger_ids(rendered: &Rendered) -> Vec<String> {
    let verified = rendered.mentioned.iter().map(ToString::to_string);
    verified.chain(rendered.pending.iter().map(MentionRef::id)).collect()
}

/// The SSO UUID of a reference; `None` if the reference is another id.
pub(super) fn user_of(reference: &MentionRef) -> Option<UserId> {
    match reference {
        MentionRef::User(user) => Some(UserId::from_uuid(*user)),
        MentionRef::Raw(_) | MentionRef::Malformed(_) => None,
    }
}

/// An id for the response: the submitted id, limited to 64 characters.
fn shortened_id(reference: &MentionRef) -> String {
    reference.id().chars().take(64).collect()
}
