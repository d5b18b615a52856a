//! Returns a contact and its notes from items that were read from the table, if the viewer has the
//! permissions.

use std::collections::HashMap;

use super::{Note, NoteAccess, NoteAction, NoteFailure};
use crate::{
    access::{Authorized, Session},
    contact::Contact,
    id::{CompanyId, ContactId, NoteId},
    table::{Item, Key, TableError, from_item},
};

/// The permission check for one action of a viewer on the notes of a contact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission<'a> {
    pub(super) session: &'a Session,
    pub(super) action: NoteAction,
    pub(super) company: &'a CompanyId,
    pub(super) contact: ContactId,
}

impl Admission<'_> {
    /// Removes the contact from the items and returns it, if the viewer may do the action on its
    /// notes. The access level `disabled` is checked first, so that the error does not reveal
    /// whether the contact exists.
    pub(super) fn contact(
        &self,
        items: &mut HashMap<Key, Item>,
    ) -> Result<Authorized<Contact>, NoteFailure> {
        self.session.scope(self.action.permission())?;
        let item = items.remove(&Key::contact(self.company, self.contact));
        let contact = live_contact(item)?.ok_or(NoteFailure::NotFound)?;
        Ok(NoteAccess::new(self.session).authorize_contact(self.action, contact)?)
    }

    /// Removes a note from the items and returns it, if the viewer may do the action on the note.
    pub(super) fn note(
        &self,
        id: NoteId,
        contact: &Authorized<Contact>,
        items: &mut HashMap<Key, Item>,
    ) -> Result<Note, NoteFailure> {
        let item = items.remove(&Key::note(self.company, self.contact, id));
        let note: Note = from_item(item.ok_or(NoteFailure::NotFound)?)?;
        NoteAccess::new(self.session).authorize_note(self.action, &note, contact)?;
        Ok(note)
    }
}

/// Parses a contact's item; `None` if the contact does not exist or is deleted.
///
/// # Errors
/// [`TableError::Shape`] if the item does not have the expected format.
pub fn live_contact(item: Option<Item>) -> Result<Option<Contact>, TableError> {
    let contact: Option<Contact> = item.map(from_item).transpose()?;
    Ok(contact.filter(Contact::is_live))
}
