//! Permission rules of notes (SPEC §3, "Scope").

use super::{Note, Visibility};
use crate::{
    access::{Authorized, Explanation, Rule, Scope, Session},
    contact::{Contact, RecordPermission},
    id::ContactId,
    identity::Permission,
};

/// An action on a note. [`NoteAction::permission`] returns the permission that the action needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each variant is named after its action")]
pub enum NoteAction {
    View,
    Add,
    Update,
    Delete,
}

impl NoteAction {
    /// The permission that decides about the action.
    #[must_use]
    pub fn permission(self) -> Permission {
        match self {
            Self::View => Permission::ViewNotes,
            Self::Add => Permission::AddNotes,
            Self::Update => Permission::ManageNotes,
            Self::Delete => Permission::DeleteNotes,
        }
    }

    /// The permission whose scope the response reports. It can be the permission to view contacts,
    /// because the scope for contacts also decides about actions on their notes.
    #[must_use]
    pub fn reported_permission(self, session: &Session) -> Permission {
        session.reported_permission(&[self.permission(), Permission::ViewCustomers])
    }
}

/// The reason why an action on a note is denied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteDenial {
    /// The viewer's access level for the permission is `disabled`.
    #[error("permission disabled")]
    Disabled,
    /// The viewer may not see the contact. A permission for notes never makes more contacts
    /// visible.
    #[error("parent contact out of scope")]
    ParentOutOfScope,
    /// The viewer may see the contact, but it is outside the scope of the permission for notes.
    #[error("out of your team scope")]
    OutOfScope,
    /// Like [`NoteDenial::ParentOutOfScope`], in a scope that was narrowed to `own` because
    /// Launchpad could not return the viewer's teams. The same request may succeed later.
    #[error("parent contact out of scope")]
    ParentOutOfNarrowedScope,
    /// Like [`NoteDenial::OutOfScope`], in a scope that was narrowed to `own` because Launchpad
    /// could not return the viewer's teams. The same request may succeed later.
    #[error("out of your team scope")]
    OutOfNarrowedScope,
    /// The note belongs to another user, and only its owner may change or delete it.
    #[error("only the note's owner can change or delete it")]
    NotOwner,
    /// The note belongs to another user, and only its owner may change who can see it.
    #[error("only the note's owner can change its visibility")]
    VisibilityOfOther,
    /// The note is private and belongs to another user.
    #[error("the note is private")]
    Private,
}

impl NoteDenial {
    /// Whether the scope that denied the action was narrowed because Launchpad could not return the
    /// viewer's teams.
    #[must_use]
    pub fn is_caused_by_fallback(self) -> bool {
        matches!(self, Self::ParentOutOfNarrowedScope | Self::OutOfNarrowedScope)
    }
}

/// Decides what the viewer of a session may do with notes.
#[derive(Clone, Copy, Debug)]
pub struct NoteAccess<'a>(&'a Session);

impl<'a> NoteAccess<'a> {
    /// The permissions that a session needs to decide about an action and to return what else the
    /// viewer may do with the note.
    pub const NEEDED: [Permission; 5] = [
        Permission::ViewCustomers,
        Permission::ViewNotes,
        Permission::AddNotes,
        Permission::ManageNotes,
        Permission::DeleteNotes,
    ];

    /// Creates a `NoteAccess` for the viewer of this session.
    #[must_use]
    pub fn new(session: &'a Session) -> Self {
        Self(session)
    }

    /// Checks whether the viewer may do this action on notes of a contact, without the rules that
    /// depend on a single note. A denial by team scope is logged as an event.
    ///
    /// # Errors
    /// The rule that denies the action.
    pub fn authorize_contact(
        &self,
        action: NoteAction,
        contact: Contact,
    ) -> Result<Authorized<Contact>, NoteDenial> {
        let id = contact.id;
        let decision = self.decide_contact(action, contact);
        decision.map_err(|denial| self.refuse(action, id, denial))
    }

    /// Checks whether the viewer may do this action on one note of a contact. A denial by team
    /// scope is logged as an event.
    ///
    /// # Errors
    /// The rule that denies the action.
    pub fn authorize_note(
        &self,
        action: NoteAction,
        note: &Note,
        contact: &Authorized<Contact>,
    ) -> Result<(), NoteDenial> {
        let decision = self.decide_note(action, note, contact);
        decision.map_err(|denial| self.refuse(action, contact.id, denial))
    }

    /// Checks whether the viewer may save a note with this visibility. Only the owner of the note
    /// may change it.
    ///
    /// # Errors
    /// [`NoteDenial::VisibilityOfOther`].
    pub fn authorize_visibility(
        &self,
        note: &Note,
        visibility: Visibility,
    ) -> Result<(), NoteDenial> {
        if visibility == note.visibility || note.owner_id == self.0.viewer.user {
            return Ok(());
        }
        Err(NoteDenial::VisibilityOfOther)
    }

    /// Whether the viewer may see this note. The caller must have checked that the viewer may see
    /// notes of its contact.
    #[must_use]
    pub fn can_see(&self, note: &Note) -> bool {
        note.is_public() || note.owner_id == self.0.viewer.user
    }

    /// Whether the viewer may change and delete a note.
    #[must_use]
    pub fn permission(&self, note: &Note, contact: &Authorized<Contact>) -> RecordPermission {
        let may = |action| self.decide_note(action, note, contact).is_ok();
        RecordPermission { update: may(NoteAction::Update), delete: may(NoteAction::Delete) }
    }

    /// Explains the decision about an action on notes of a contact, without the rules that depend
    /// on a single note. The rules that depend on a single note are: a viewer may change their own
    /// notes on every contact that they may see, and may never change private notes of other users.
    #[must_use]
    pub fn explain(&self, action: NoteAction, contact: &Contact) -> Explanation {
        let by_level = self.0.explain(action.permission(), contact);
        let by_contact = self.0.explain(Permission::ViewCustomers, contact);
        let narrowed = by_level.narrowed || by_contact.narrowed;
        let explanation = |allowed, rule| Explanation {
            allowed,
            rule,
            teams: Vec::new(),
            narrowed,
            ..by_level.clone()
        };
        let authorized = match self.decide_contact(action, contact.clone()) {
            Ok(contact) => contact,
            Err(NoteDenial::ParentOutOfScope) => return explanation(false, Rule::ParentOutOfScope),
            Err(_) => return by_level,
        };
        match (action, self.scope(action)) {
            (NoteAction::View | NoteAction::Add, _) if !self.0.flags.team_permission => {
                explanation(true, Rule::TeamFlagOff)
            }
            (NoteAction::View, _) => by_level,
            (NoteAction::Add, _) => {
                Explanation { teams: by_contact.teams, ..explanation(true, by_contact.rule) }
            }
            (NoteAction::Update | NoteAction::Delete, Ok(scope))
                if self.decide_others_note(&scope, &authorized).is_ok() =>
            {
                by_level
            }
            (NoteAction::Update | NoteAction::Delete, _) => explanation(true, Rule::NoteOwner),
        }
    }

    fn scope(&self, action: NoteAction) -> Result<Scope, NoteDenial> {
        self.0.scope(action.permission()).map_err(|_| NoteDenial::Disabled)
    }

    fn decide_contact(
        &self,
        action: NoteAction,
        contact: Contact,
    ) -> Result<Authorized<Contact>, NoteDenial> {
        let scope = self.scope(action)?;
        let contact_scope = if self.0.flags.team_permission {
            self.0.scope(Permission::ViewCustomers).map_err(|_| NoteDenial::ParentOutOfScope)?
        } else {
            Scope::Everything
        };
        let contact = contact_scope.authorize(contact).ok_or(NoteDenial::ParentOutOfScope)?;
        let by_level = self.0.flags.team_permission && action == NoteAction::View;
        if by_level && !scope.admits(&*contact) {
            return Err(NoteDenial::OutOfScope);
        }
        Ok(contact)
    }

    fn decide_note(
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
        self.decide_others_note(&scope, contact)
    }

    /// Decides whether the viewer may change notes of other users on a contact.
    fn decide_others_note(
        &self,
        scope: &Scope,
        contact: &Authorized<Contact>,
    ) -> Result<(), NoteDenial> {
        if !self.0.flags.team_permission {
            return Err(NoteDenial::NotOwner);
        }
        match scope {
            Scope::Everything => Ok(()),
            Scope::Team { .. } if scope.admits(&**contact) => Ok(()),
            // The owner or assignee of a contact does not own the notes of other users on it.
            Scope::Team { .. } | Scope::Own(_) => Err(NoteDenial::OutOfScope),
        }
    }

    /// Returns the denial for the response. A denial by team scope is logged as an event, unless
    /// the scope was narrowed by the fallback.
    fn refuse(&self, action: NoteAction, contact: ContactId, denial: NoteDenial) -> NoteDenial {
        let (permission, narrowed) = match denial {
            NoteDenial::ParentOutOfScope => {
                (Permission::ViewCustomers, NoteDenial::ParentOutOfNarrowedScope)
            }
            NoteDenial::OutOfScope => (action.permission(), NoteDenial::OutOfNarrowedScope),
            _ => return denial,
        };
        self.0.report_denied(permission, contact);
        if self.0.is_narrowed_by_fallback(permission) { narrowed } else { denial }
    }
}
