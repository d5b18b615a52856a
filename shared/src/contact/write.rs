use serde_json::value::RawValue;

use super::{
    Catalog, Contact, ContactInput, RowOutcome, SaveError, StalePointers,
    edit::{Edit, EditError},
    sync::Sync,
};
use crate::{
    access::{Authority, Session},
    id::ContactId,
    identity::{Permission, Viewer},
    services::Services,
    table::{Attempt, Key, from_item, retry},
};

/// What the answer of a creation or a change is judged by: what the viewer may do with the contact.
const NEEDED: [Permission; 2] = [Permission::ManageCustomers, Permission::DeleteCustomers];

/// Writes contacts on behalf of their viewers. Cheap to clone.
///
/// An external id or a first email that another contact has already is no obstacle to a creation
/// or a change: two people may share an address. What makes a key one contact's for `sync` is a
/// claim, which stays with the contact that holds it; a contact written here takes only the claims
/// that are free. One that bears a key whose holder is gone takes it with the next write that names
/// the key, even as it is.
#[derive(Clone, Debug)]
pub struct ContactWriter {
    authority: Authority,
    services: Services,
    catalog: Catalog,
}

/// A contact that was written, and what its writer may do.
#[derive(Debug)]
pub struct Written {
    /// The contact. The writer's manage scope reached it when it was written.
    pub contact: Contact,
    /// What the viewer may do at all.
    pub session: Session,
}

impl ContactWriter {
    /// A writer that works with these services.
    #[must_use]
    pub fn new(services: Services) -> Self {
        let authority = Authority::new(services.clone());
        let catalog = Catalog::new(services.table.clone());
        Self { authority, services, catalog }
    }

    /// Creates a contact (SPEC §2). Without an `owner_id` it is the viewer's own.
    ///
    /// # Errors
    /// As [`EditError`] says; then nothing is written.
    pub async fn create(&self, viewer: &Viewer, input: ContactInput) -> Result<Written, EditError> {
        let session = self.authority.session(viewer, &NEEDED).await?;
        let edit = self.edit(&session, Permission::ManageCustomers)?;
        let contact = self.apply(&edit, None, &input.checked()?).await?;
        Ok(Written { contact, session })
    }

    /// Changes the fields of a contact that the request names; the last write wins for each of them.
    /// What changes nothing writes nothing, but takes the keys that it names and nobody holds.
    ///
    /// # Errors
    /// As [`EditError`] says; then nothing is written.
    pub async fn update(
        &self,
        viewer: &Viewer,
        id: ContactId,
        input: ContactInput,
    ) -> Result<Written, EditError> {
        let (session, found) = self.session_and_contact(viewer, &NEEDED, id).await?;
        let edit = self.edit(&session, Permission::ManageCustomers)?;
        let old = found?;
        edit.admit(&old)?;
        let contact = self.apply(&edit, Some(old), &input.checked()?).await?;
        Ok(Written { contact, session })
    }

    /// Deletes a contact: it answers 404 from now on, stands in no list, look-up or search, and
    /// its claims are free.
    ///
    /// # Errors
    /// As [`EditError`] says; then nothing is written.
    pub async fn delete(&self, viewer: &Viewer, id: ContactId) -> Result<Session, EditError> {
        let needed = [Permission::DeleteCustomers];
        let (session, found) = self.session_and_contact(viewer, &needed, id).await?;
        let edit = self.edit(&session, Permission::DeleteCustomers)?;
        let mut known = Some(found?);
        retry("the contact", async || {
            let old = match known.take() {
                Some(old) => old,
                None => self.read_again(&edit, id).await?,
            };
            edit.admit(&old)?;
            let now = edit.contacts.clock.now();
            let new = Contact {
                deleted_at: Some(now),
                updated_at: now,
                version: old.version + 1,
                ..old.clone()
            };
            let write = edit.contacts.write(Some(&old), &new, StalePointers::Delete);
            Ok::<_, EditError>(SaveError::attempt(write.await)?)
        })
        .await?;
        Ok(session)
    }

    /// Creates or updates a contact for each row, by its keys; each row answers for itself.
    ///
    /// # Errors
    /// When it cannot be told what the viewer may do, or they may do nothing.
    pub async fn sync(
        &self,
        viewer: &Viewer,
        rows: &[Box<RawValue>],
    ) -> Result<(Session, Vec<RowOutcome>), EditError> {
        let needed = [Permission::ManageCustomers];
        let session = self.authority.session(viewer, &needed).await?;
        let edit = self.edit(&session, Permission::ManageCustomers)?;
        let (outcomes, fields) = Sync::new(edit).run(rows).await;
        self.catalog.learn(&viewer.company, &fields).await;
        Ok((session, outcomes))
    }

    /// Writes the contact as the change makes it, again when another writer was faster.
    async fn apply(
        &self,
        edit: &Edit<'_>,
        old: Option<Contact>,
        input: &ContactInput,
    ) -> Result<Contact, EditError> {
        let source = if old.is_some() { "patch" } else { "create" };
        // People and teams are asked for side by side.
        let (own, next) =
            tokio::join!(edit.own_teams(std::iter::once(input)), edit.next(old.as_ref(), input));
        edit.check_teams(input, &own)?;
        let id = old.as_ref().map(|old| old.id);
        let named = edit.contacts.named_claims(input);
        let mut known = Some((old, next?));
        retry("the contact", async || {
            let (old, new) = match known.take() {
                Some(decided) => decided,
                None => {
                    let old = match id {
                        Some(id) => Some(self.read_again(edit, id).await?),
                        None => None,
                    };
                    old.as_ref().map_or(Ok(()), |old| edit.admit(old))?;
                    let new = edit.next(old.as_ref(), input).await?;
                    (old, new)
                }
            };
            let write = edit.contacts.write_naming(&named, old.as_ref(), &new, StalePointers::Keep);
            if SaveError::attempt(write.await)? == Attempt::Conflict {
                return Ok(Attempt::Conflict);
            }
            if old.as_ref() != Some(&new) {
                edit.report_written(input, &new, source);
                self.catalog.learn(&edit.contacts.company, &input.custom_values()).await;
            }
            Ok(Attempt::Done(new))
        })
        .await
    }

    /// What the viewer may do, and the contact, read together.
    async fn session_and_contact(
        &self,
        viewer: &Viewer,
        needed: &[Permission],
        id: ContactId,
    ) -> Result<(Session, Result<Contact, EditError>), EditError> {
        let key = Key::contact(&viewer.company, id);
        let keys = std::slice::from_ref(&key);
        let (session, mut items) = self.authority.session_beside(viewer, needed, keys).await?;
        let found: Option<Contact> = items.remove(&key).map(from_item).transpose()?;
        let found = found.filter(Contact::is_live).ok_or(EditError::NotFound);
        Ok((session, found))
    }

    /// The contact as it is after another writer changed it.
    async fn read_again(&self, edit: &Edit<'_>, id: ContactId) -> Result<Contact, EditError> {
        let key = Key::contact(&edit.contacts.company, id);
        let found = self.services.table.get::<Contact>(&key, true).await?;
        found.filter(Contact::is_live).ok_or(EditError::NotFound)
    }

    fn edit<'a>(
        &'a self,
        session: &'a Session,
        permission: Permission,
    ) -> Result<Edit<'a>, EditError> {
        Ok(Edit::new((&self.authority, &self.services), session, permission)?)
    }
}
