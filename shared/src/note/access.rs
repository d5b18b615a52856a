//! Who may do what with a note (SPEC §3, "Scope").

use super::Note;
use crate::{
    access::{Authorized, Explanation, Rule, Scope, Session},
    contact::{Contact, RecordPermission},
    id::ContactId,
    identity::Permission,
};

/// What is done with a note.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each name says all")]
pub enum NoteAction {
    View,
    Add,
    Update,
    Delete,
}

impl NoteAction {
    /// The permission that decides about it.
    #[must_use]
    pub fn permission(self) -> Permission {
        match self {
            Self::View => Permission::ViewNotes,
            Self::Add => Permission::AddNotes,
            Self::Update => Permission::ManageNotes,
            Self::Delete => Permission::DeleteNotes,
        }
    }

    /// The permission whose scope the answer to it is told under: the contact's gate decides too.
    #[must_use]
    pub fn reported_permission(self, session: &Session) -> Permission {
        session.narrowed(&[self.permission(), Permission::ViewCustomers])
    }
}

/// Why somebody may not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteDenial {
    /// The level is `disabled`.
    #[error("permission disabled")]
    Disabled,
    /// The viewer may not see the contact: notes never widen a contact's scope.
    #[error("parent contact out of scope")]
    ParentOutOfScope,
    /// The note's own permission does not reach so far.
    #[error("out of your team scope")]
    OutOfScope,
    /// Somebody else's note, which only its owner may change or delete.
    #[error("only the note's owner can change or delete it")]
    NotOwner,
    /// Somebody else's private note.
    #[error("the note is private")]
    Private,
}

/// What the viewer of a session may do with notes.
#[derive(Clone, Copy, Debug)]
pub struct NoteAccess<'a>(&'a Session);

impl<'a> NoteAccess<'a> {
    /// The permissions that a session needs to judge an action and to tell what else the viewer may
    /// do with the note.
    pub const NEEDED: [Permission; 5] = [
        Permission::ViewCustomers,
        Permission::ViewNotes,
        Permission::AddNotes,
        Permission::ManageNotes,
        Permission::DeleteNotes,
    ];

    /// By this session.
    #[must_use]
    pub fn new(session: &'a Session) -> Self {
        Self(session)
    }

    /// Lets a contact through if its notes can be reached at all and the action may be done about
    /// it, as far as no particular note decides. A refusal by team scope is told as an event.
    ///
    /// # Errors
    /// Why not.
    pub fn reach(
        &self,
        action: NoteAction,
        contact: Contact,
    ) -> Result<Authorized<Contact>, NoteDenial> {
        let id = contact.id;
        let reached = self.judge_contact(action, contact);
        reached.inspect_err(|denial| self.report(action, id, *denial))
    }

    /// Judges an action on one note of a contact. A refusal by team scope is told as an event.
    ///
    /// # Errors
    /// Why not.
    pub fn check(
        &self,
        action: NoteAction,
        note: &Note,
        contact: &Authorized<Contact>,
    ) -> Result<(), NoteDenial> {
        let judged = self.judge_note(action, note, contact);
        judged.inspect_err(|denial| self.report(action, contact.id, *denial))
    }

    /// Whether the viewer may see a note of a contact whose notes they can reach.
    #[must_use]
    pub fn shows(&self, note: &Note) -> bool {
        note.is_public() || note.owner_id == self.0.viewer.user
    }

    /// What the viewer may do with a note.
    #[must_use]
    pub fn permission(&self, note: &Note, contact: &Authorized<Contact>) -> RecordPermission {
        let may = |action| self.judge_note(action, note, contact).is_ok();
        RecordPermission { update: may(NoteAction::Update), delete: may(NoteAction::Delete) }
    }

    /// How an action on the notes of a contact is decided, as far as no particular note decides:
    /// one's own notes can be changed wherever the contact is reached, others' private ones
    /// nowhere.
    #[must_use]
    pub fn explain(&self, action: NoteAction, contact: &Contact) -> Explanation {
        let by_level = self.0.explain(action.permission(), contact);
        let by_contact = self.0.explain(Permission::ViewCustomers, contact);
        let narrowed = by_level.narrowed || by_contact.narrowed;
        let explained = |allowed, rule| Explanation {
            allowed,
            rule,
            teams: Vec::new(),
            narrowed,
            ..by_level.clone()
        };
        let reached = match self.judge_contact(action, contact.clone()) {
            Ok(contact) => contact,
            Err(NoteDenial::ParentOutOfScope) => return explained(false, Rule::ParentOutOfScope),
            Err(_) => return by_level,
        };
        match (action, self.scope(action)) {
            (NoteAction::View | NoteAction::Add, _) if !self.0.flags.team_permission => {
                explained(true, Rule::TeamFlagOff)
            }
            (NoteAction::View, _) => by_level,
            (NoteAction::Add, _) => {
                Explanation { teams: by_contact.teams, ..explained(true, by_contact.rule) }
            }
            (NoteAction::Update | NoteAction::Delete, Ok(scope))
                if self.judge_others(&scope, &reached).is_ok() =>
            {
                by_level
            }
            (NoteAction::Update | NoteAction::Delete, _) => explained(true, Rule::NoteOwner),
        }
    }

    fn scope(&self, action: NoteAction) -> Result<Scope, NoteDenial> {
        self.0.scope(action.permission()).map_err(|_| NoteDenial::Disabled)
    }

    fn judge_contact(
        &self,
        action: NoteAction,
        contact: Contact,
    ) -> Result<Authorized<Contact>, NoteDenial> {
        let scope = self.scope(action)?;
        let gate = if self.0.flags.team_permission {
            self.0.scope(Permission::ViewCustomers).map_err(|_| NoteDenial::ParentOutOfScope)?
        } else {
            Scope::Everything
        };
        let contact = gate.authorize(contact).ok_or(NoteDenial::ParentOutOfScope)?;
        let by_level = self.0.flags.team_permission && action == NoteAction::View;
        if by_level && !scope.admits(&*contact) {
            return Err(NoteDenial::OutOfScope);
        }
        Ok(contact)
    }

    fn judge_note(
        &self,
        action: NoteAction,
        note: &Note,
        contact: &Authorized<Contact>,
    ) -> Result<(), NoteDenial> {
        let scope = self.scope(action)?;
        let own = note.owner_id == self.0.viewer.user;
        if !note.is_public() && !own {
            return Err(NoteDenial::Private);
        }
        let changes = matches!(action, NoteAction::Update | NoteAction::Delete);
        if !changes || own {
            return Ok(());
        }
        self.judge_others(&scope, contact)
    }

    /// Judges a change of others' notes about a contact.
    fn judge_others(&self, scope: &Scope, contact: &Authorized<Contact>) -> Result<(), NoteDenial> {
        if !self.0.flags.team_permission {
            return Err(NoteDenial::NotOwner);
        }
        match scope {
            Scope::Everything => Ok(()),
            Scope::Team { .. } if scope.admits(&**contact) => Ok(()),
            // The owner or assignee of a contact does not own others' notes about it.
            Scope::Team { .. } | Scope::Own(_) => Err(NoteDenial::OutOfScope),
        }
    }

    fn report(&self, action: NoteAction, contact: ContactId, denial: NoteDenial) {
        let permission = match denial {
            NoteDenial::ParentOutOfScope => Permission::ViewCustomers,
            NoteDenial::OutOfScope => action.permission(),
            NoteDenial::Disabled | NoteDenial::NotOwner | NoteDenial::Private => return,
        };
        self.0.report_denied(permission, contact);
    }
}
