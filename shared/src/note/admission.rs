//! What was read of a contact and its notes, let through as far as the viewer may act on it.

use std::collections::HashMap;

use super::{Note, NoteAccess, NoteAction, NoteFailure};
use crate::{
    access::{Authorized, Session},
    contact::Contact,
    id::{CompanyId, ContactId, NoteId},
    table::{Item, Key, TableError, from_item},
};

/// One action of a viewer on the notes of a contact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission<'a> {
    pub(super) session: &'a Session,
    pub(super) action: NoteAction,
    pub(super) company: &'a CompanyId,
    pub(super) contact: ContactId,
}

impl Admission<'_> {
    /// The contact among what was read, if its notes can be reached. A level of `disabled` is
    /// refused before anything is said to be there or not.
    pub(super) fn contact(
        &self,
        items: &mut HashMap<Key, Item>,
    ) -> Result<Authorized<Contact>, NoteFailure> {
        self.session.scope(self.action.permission())?;
        let item = items.remove(&Key::contact(self.company, self.contact));
        let contact = live_contact(item)?.ok_or(NoteFailure::NotFound)?;
        Ok(NoteAccess::new(self.session).reach(self.action, contact)?)
    }

    /// The note among what was read, if the viewer may do this with it.
    pub(super) fn note(
        &self,
        id: NoteId,
        contact: &Authorized<Contact>,
        items: &mut HashMap<Key, Item>,
    ) -> Result<Note, NoteFailure> {
        let item = items.remove(&Key::note(self.company, self.contact, id));
        let note: Note = from_item(item.ok_or(NoteFailure::NotFound)?)?;
        NoteAccess::new(self.session).check(self.action, &note, contact)?;
        Ok(note)
    }
}

/// The contact in an item, unless it is deleted.
///
/// # Errors
/// When the item does not have its shape.
pub fn live_contact(item: Option<Item>) -> Result<Option<Contact>, TableError> {
    let contact: Option<Contact> = item.map(from_item).transpose()?;
    Ok(contact.filter(|contact| contact.deleted_at.is_none()))
}
