//! Deletes, restores and erases contacts on behalf of viewers (SPEC §2, "Retention").

use super::{
    Contact, SaveError, StalePointers,
    edit::{Edit, EditError},
    event,
    retention::Retention,
};
use crate::{
    access::{Authority, Session},
    id::ContactId,
    identity::{Level, Permission, Viewer},
    services::Services,
    table::{Attempt, Key, from_item, retry},
};

/// The permissions that the response to a restoration needs. It contains the contact as the viewer
/// may see it, and the actions that the viewer can take on it.
const NEEDED_TO_RESTORE: [Permission; 3] =
    [Permission::DeleteCustomers, Permission::ViewCustomers, Permission::ManageCustomers];

/// Deletes, restores and erases contacts on behalf of viewers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ContactDeleter {
    authority: Authority,
    services: Services,
    retention: Retention,
}

/// A contact that was restored.
#[derive(Debug)]
pub struct Restored {
    /// The contact. It was in the scope in which the viewer can delete contacts.
    pub contact: Contact,
    /// The names of the fields whose unique key another contact took in the meantime. The contact
    /// keeps the values, but `sync` finds the other contact by them.
    pub keys_not_restored: Vec<&'static str>,
    /// The session of the viewer, with the viewer's access rights.
    pub session: Session,
}

impl ContactDeleter {
    /// Creates a deleter with these services. Contacts that it deletes are kept for `retention`.
    #[must_use]
    pub fn new(services: Services, retention: Retention) -> Self {
        Self { authority: Authority::new(services.clone()), services, retention }
    }

    /// Deletes a contact. After that, requests for the contact return 404; lists, look-ups and
    /// searches no longer contain it; and its unique keys are released. Until the end of the
    /// retention it can be restored.
    ///
    /// # Errors
    /// [`EditError::NotFound`] if the contact does not exist or is deleted.
    pub async fn delete(&self, viewer: &Viewer, id: ContactId) -> Result<Session, EditError> {
        let needed = [Permission::DeleteCustomers];
        let (session, found) = self.session_and_record(viewer, &needed, id).await?;
        let edit = self.edit(&session)?;
        let mut known = Some(found);
        retry("the contact", async || {
            let old = self.current(&edit, id, known.take()).await?;
            let old = old.filter(Contact::is_live).ok_or(EditError::NotFound)?;
            edit.check_scope(&old)?;
            let new = old.deleted(self.retention, self.services.clock.now());
            let write = edit.contacts.write(Some(&old), &new, StalePointers::Delete);
            Ok::<_, EditError>(SaveError::attempt(write.await)?)
        })
        .await?;
        event::contact_deleted(viewer, id);
        Ok(session)
    }

    /// Restores a deleted contact with everything that it had, except the unique keys that another
    /// contact took in the meantime. A contact that is not deleted stays as it is.
    ///
    /// # Errors
    /// [`EditError::NotFound`] if the contact does not exist, is erased, or its retention has
    /// ended.
    pub async fn restore(&self, viewer: &Viewer, id: ContactId) -> Result<Restored, EditError> {
        let (session, found) = self.session_and_record(viewer, &NEEDED_TO_RESTORE, id).await?;
        let edit = self.edit(&session)?;
        let mut known = Some(found);
        let restored = retry("the contact", async || {
            let old = self.current(&edit, id, known.take()).await?;
            let now = self.services.clock.now();
            let old = old
                .filter(|old| old.is_live() || old.is_restorable(now))
                .ok_or(EditError::NotFound)?;
            edit.check_scope(&old)?;
            if old.is_live() {
                return Ok(Attempt::Done((old, Vec::new(), false)));
            }
            let new = old.restored(now);
            let taken = edit.contacts.fields_with_taken_key(&new).await?;
            let write = edit.contacts.write(Some(&old), &new, StalePointers::Delete);
            let written = SaveError::attempt(write.await)?;
            Ok::<_, EditError>(written.map(|()| (new, taken, true)))
        });
        let (contact, keys_not_restored, changed) = restored.await?;
        if changed {
            event::contact_restored(viewer, id);
        }
        Ok(Restored { contact, keys_not_restored, session })
    }

    /// Erases a contact, deleted or not: its record becomes a tombstone without personal data at
    /// once, and the clean-up deletes its notes and then the tombstone. Erasing it again has no
    /// effect.
    ///
    /// # Errors
    /// [`EditError::NeedsEverything`] unless the viewer's own level is `everything`, whatever the
    /// team flag is; [`EditError::NotFound`] if nothing of the contact is left.
    pub async fn erase(&self, viewer: &Viewer, id: ContactId) -> Result<Session, EditError> {
        let needed = [Permission::DeleteCustomers];
        let (session, found) = self.session_and_record(viewer, &needed, id).await?;
        let edit = self.edit(&session)?;
        if session.level(Permission::DeleteCustomers) != Level::Everything {
            return Err(EditError::NeedsEverything);
        }
        let mut known = Some(found);
        let changed = retry("the contact", async || {
            let old = self.current(&edit, id, known.take()).await?;
            let old = old.ok_or(EditError::NotFound)?;
            if old.erased_at.is_some() {
                return Ok(Attempt::Done(false));
            }
            let stone = old.tombstone(self.services.clock.now());
            let write = edit.contacts.write(Some(&old), &stone, StalePointers::Delete);
            Ok::<_, EditError>(SaveError::attempt(write.await)?.map(|()| true))
        });
        if changed.await? {
            event::contact_erased(&viewer.company, Some(viewer), id);
        }
        Ok(session)
    }

    /// Reads the session of the viewer and the record, deleted or not, in one table request.
    async fn session_and_record(
        &self,
        viewer: &Viewer,
        needed: &[Permission],
        id: ContactId,
    ) -> Result<(Session, Option<Contact>), EditError> {
        let key = Key::contact(&viewer.company, id);
        let keys = std::slice::from_ref(&key);
        let (session, mut items) = self.authority.session_with_items(viewer, needed, keys).await?;
        let found = items.remove(&key).map(from_item).transpose()?;
        Ok((session, found))
    }

    /// The record that was already read, or the current record after another writer changed it.
    async fn current(
        &self,
        edit: &Edit<'_>,
        id: ContactId,
        known: Option<Option<Contact>>,
    ) -> Result<Option<Contact>, EditError> {
        match known {
            Some(found) => Ok(found),
            None => {
                let key = Key::contact(&edit.contacts.company, id);
                Ok(self.services.table.get(&key, true).await?)
            }
        }
    }

    fn edit<'a>(&'a self, session: &'a Session) -> Result<Edit<'a>, EditError> {
        let parts = (&self.authority, &self.services);
        Ok(Edit::new(parts, session, Permission::DeleteCustomers)?)
    }
}
