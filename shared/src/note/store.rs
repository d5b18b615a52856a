//! Saving a note: the note, its mention ledger and the messages that must follow, in one
//! transaction (SPEC §3, "On write"; ARCHITECTURE, "One note").

use std::collections::HashMap;

use url::Url;

use super::{
    Draft, MENTION_LIMIT, MentionRef, Note, NoteAccess, NoteAction, NoteDenial, NoteError,
    NoteInput, Rendered,
    admission::Admission,
    check_attachments, event,
    ledger::{Actor, Ledger, LedgerChange, LedgerEntry},
    people::{People, Stored},
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

/// What becomes of a note with mentions of nobody.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum InvalidMentions {
    /// The anchors become text, and the author is told.
    #[default]
    Drop,
    /// Nothing is written.
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

/// The host of the web application, on which the mobile editor's links may be absolute.
#[must_use]
pub fn mention_hosts(app_url: &str) -> Vec<String> {
    let url = Url::parse(app_url).ok();
    url.iter().filter_map(Url::host_str).map(str::to_owned).collect()
}

/// Why a note is not saved or not answered.
#[derive(Debug, thiserror::Error)]
pub enum NoteFailure {
    /// There is no such contact or note.
    #[error("not found")]
    NotFound,
    /// The viewer may not.
    #[error(transparent)]
    Denied(#[from] NoteDenial),
    /// What the note holds cannot be stored.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Mentions of nobody, where they are refused: their ids as the note has them.
    #[error("the note mentions a user who is not an active user of the company")]
    InvalidMentions(Vec<String>),
    /// It cannot be told what the viewer may do.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The table's trouble; [`TableError::Contention`] when others kept changing the note.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// What the author should know of a save (SPEC §3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MentionWarning {
    /// The id, as the note had it, is no active user's; its anchors became text.
    Invalid(String),
    /// Launchpad could not say whose these ids are; they are verified later.
    Pending(Vec<String>),
    /// The person is known to be unable to open the contact.
    CannotSeeContact(UserId),
}

/// A note that was saved.
#[derive(Debug)]
pub struct Saved {
    /// The note.
    pub note: Note,
    /// What the viewer may do with it.
    pub permission: RecordPermission,
    /// What the author should know.
    pub warnings: Vec<MentionWarning>,
    /// What the viewer may do at all.
    pub session: Session,
}

/// Saves notes.
#[derive(Clone, Debug)]
pub struct NoteWriter {
    authority: Authority,
    services: Services,
    outbox: Outbox,
    hosts: Vec<String>,
    invalid: InvalidMentions,
}

/// One save on its way.
struct Save<'a> {
    viewer: &'a Viewer,
    contact: ContactId,
    /// The note to change; none is a new one.
    target: Option<NoteId>,
    input: NoteInput,
}

/// What a save found in the table.
struct Before {
    contact: Authorized<Contact>,
    note: Option<Note>,
    /// The mentions of that note.
    stored: Stored,
    ledger: HashMap<String, LedgerEntry>,
}

impl Before {
    /// The ids that the note named, where others than its author could read it.
    fn named(&self) -> Option<Vec<String>> {
        let note = self.note.as_ref().filter(|note| note.is_public())?;
        let users = note.mentioned_user_ids.iter().map(UserId::to_string);
        Some(users.chain(self.stored.pending().iter().map(MentionRef::id)).collect())
    }
}

impl Save<'_> {
    fn action(&self) -> NoteAction {
        if self.target.is_some() { NoteAction::Update } else { NoteAction::Add }
    }

    /// The contact, the note, and what the ledger says of these people.
    fn keys(&self, people: impl Iterator<Item = String>) -> Vec<Key> {
        let company = &self.viewer.company;
        let mut keys = vec![Key::contact(company, self.contact)];
        // A new note has no ledger.
        if let Some(note) = self.target {
            keys.push(Key::note(company, self.contact, note));
            keys.extend(people.map(|id| Key::mention(company, self.contact, note, &id)));
        }
        keys
    }
}

impl NoteWriter {
    /// A writer; `hosts` as [`mention_hosts`] gives them.
    #[must_use]
    pub fn new(
        services: Services,
        outbox: Outbox,
        hosts: Vec<String>,
        invalid: InvalidMentions,
    ) -> Self {
        let authority = Authority::new(services.clone());
        Self { authority, services, outbox, hosts, invalid }
    }

    /// Adds a note to a contact.
    ///
    /// # Errors
    /// As [`NoteFailure`] says; then nothing is written.
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
    /// As [`NoteFailure`] says; then nothing is written.
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
        let draft = Draft::submitted(&save.input.note, &self.hosts);
        let references = draft.as_ref().map_or(&[][..], Draft::references);
        let well_formed = references.iter().filter(|r| !matches!(r, MentionRef::Malformed(_)));
        // What is past the limit is refused below; more need not be read for that.
        let keys = save.keys(well_formed.map(MentionRef::id).take(2 * MENTION_LIMIT));
        let (session, items) =
            self.authority.session_beside(save.viewer, &NoteAccess::NEEDED, &keys).await?;
        let mut before = self.judge(&save, &session, items)?;
        let draft = draft.or_else(|error| self.echo(&save, &before).ok_or(error))?;
        check_attachments(save.input.attachments.as_deref().unwrap_or_default())?;
        let people = self.people(&session, &draft, &before.stored).await?;
        let rendered = draft.render(|reference| people.outcome(reference));
        self.refuse_invalid(&save, &session, &rendered)?;
        let all = save.keys(distinct(&rendered).into_iter());
        if all.iter().any(|key| !keys.contains(key)) {
            before = self.read(&save, &session, &all).await?;
        }
        let (note, ()) = tokio::join!(
            self.commit(&save, &session, &rendered, &all, &mut before),
            people.remember(&self.services.directory, &self.services.table)
        );
        let note = note?;
        self.report(&save, &session, &note, &before, &rendered);
        let warnings = self.warnings(&session, &rendered, &note, &before.contact);
        let permission = NoteAccess::new(&session).permission(&note, &before.contact);
        Ok(Saved { note, permission, warnings, session })
    }

    /// Writes until nobody is in the way, and sends what must follow.
    async fn commit(
        &self,
        save: &Save<'_>,
        session: &Session,
        rendered: &Rendered,
        keys: &[Key],
        before: &mut Before,
    ) -> Result<Note, NoteFailure> {
        let mut is_first = true;
        let (note, messages) = retry("the note", async || {
            if !std::mem::take(&mut is_first) {
                *before = self.read(save, session, keys).await?;
            }
            let note = self.next(save, rendered, before.note.as_ref())?;
            let change = self.ledger_change(save, session, &note, rendered, before)?;
            let written = write(
                &self.services.table,
                &save.viewer.company,
                &note,
                before.note.as_ref(),
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
    ) -> Result<Before, NoteFailure> {
        let items = self.services.table.batch_get(keys, true).await?;
        self.judge(save, session, items)
    }

    /// What was found, if the viewer may do what they want to.
    fn judge(
        &self,
        save: &Save<'_>,
        session: &Session,
        mut items: HashMap<Key, Item>,
    ) -> Result<Before, NoteFailure> {
        let (company, action) = (&save.viewer.company, save.action());
        let admission = Admission { session, action, company, contact: save.contact };
        let contact = admission.contact(&mut items)?;
        let note = save.target.map(|id| admission.note(id, &contact, &mut items)).transpose()?;
        let stored =
            note.as_ref().map(|note| Stored::of(note, &Draft::parse(&note.note, &self.hosts)));
        let (stored, ledger) = (stored.unwrap_or_default(), ledger_of(items)?);
        Ok(Before { contact, note, stored, ledger })
    }

    /// What is submitted, where it is the note just as it was answered: that can be saved again,
    /// however long names and escaping have made it on the way.
    fn echo(&self, save: &Save<'_>, before: &Before) -> Option<Draft> {
        let html = &save.input.note;
        let note = before.note.as_ref();
        note.filter(|note| note.is_answered_as(html)).map(|_| Draft::parse(html, &self.hosts))
    }

    async fn people(
        &self,
        session: &Session,
        draft: &Draft,
        stored: &Stored,
    ) -> Result<People, NoteFailure> {
        if !session.flags.notes_mention {
            return Ok(People::as_before(draft, stored));
        }
        let (directory, company) = (&self.services.directory, &session.viewer.company);
        Ok(People::resolve(directory, company, draft, stored).await?)
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
        Err(NoteFailure::InvalidMentions(rendered.unwrapped.iter().map(shown_id).collect()))
    }

    /// The note as it is to be.
    fn next(
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
            return Err(NoteError::Empty);
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
        before: &Before,
    ) -> Result<LedgerChange, TableError> {
        let actor = Actor { actor_id: save.viewer.user, actor_name: save.viewer.display_name() };
        let ledger = Ledger {
            company: &save.viewer.company,
            entries: &before.ledger,
            notifies: session.flags.notes_mention,
            now: self.services.clock.now(),
        };
        ledger.saved(note, before.named().as_deref(), &rendered.pending, &actor)
    }

    /// Logs what was mentioned, and what was dropped; nothing with the flag off.
    fn report(
        &self,
        save: &Save<'_>,
        session: &Session,
        note: &Note,
        before: &Before,
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
        // Making a note public counts as mentioning anew.
        let known = before.note.as_ref().filter(|old| old.is_public());
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

    /// What the author should know; nothing with the flag off.
    fn warnings(
        &self,
        session: &Session,
        rendered: &Rendered,
        note: &Note,
        contact: &Authorized<Contact>,
    ) -> Vec<MentionWarning> {
        if !session.flags.notes_mention {
            return Vec::new();
        }
        let invalid = rendered.unwrapped.iter().map(shown_id);
        let mut warnings: Vec<_> = invalid.map(MentionWarning::Invalid).collect();
        if !rendered.pending.is_empty() {
            let ids = rendered.pending.iter().map(shown_id).collect();
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

/// Writes a note, if it is still as it was read, with the actions that belong to it.
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

/// Ledger entries by the person's id.
pub(super) fn ledger_of(
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

/// The verified people that a rendered note mentions.
pub(super) fn mentioned(rendered: &Rendered) -> Vec<UserId> {
    rendered.mentioned.iter().copied().map(UserId::from_uuid).collect()
}

/// The ids under which a rendered note's mentions stand in the ledger.
fn distinct(rendered: &Rendered) -> Vec<String> {
    let verified = rendered.mentioned.iter().map(ToString::to_string);
    verified.chain(rendered.pending.iter().map(MentionRef::id)).collect()
}

/// The person that a reference names, where it is an SSO UUID.
pub(super) fn user_of(reference: &MentionRef) -> Option<UserId> {
    match reference {
        MentionRef::User(user) => Some(UserId::from_uuid(*user)),
        MentionRef::Raw(_) | MentionRef::Malformed(_) => None,
    }
}

/// An id as the author may see it again: what they wrote, cut.
fn shown_id(reference: &MentionRef) -> String {
    reference.id().chars().take(64).collect()
}
