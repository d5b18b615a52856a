use serde_json::value::RawValue;

use super::{
    Catalog, Contact, ContactInput, StalePointers, RowOutcome, SaveError,
    edit::{ATTEMPTS, Edit, EditError, keeps_changing},
    sync::Sync,
};
use crate::{
    access::{Authority, Permission, Session, Viewer},
    id::ContactId,
    table::{Key, backoff, from_item},
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
    /// A writer under this authority.
    #[must_use]
    pub fn new(authority: Authority) -> Self {
        let catalog = Catalog::new(authority.table().clone());
        Self { authority, catalog }
    }

    /// Creates a contact (SPEC §2). Without an `owner_id` it is the viewer's own.
    ///
    /// # Errors
    /// As [`EditError`] says; then nothing is written.
    pub async fn create(&self, viewer: &Viewer, input: ContactInput) -> Result<Written, EditError> {
        let session = self.authority.session(viewer, &NEEDED).await?;
        let edit = Edit::new(&self.authority, &session, Permission::ManageCustomers)?;
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
        let edit = Edit::new(&self.authority, &session, Permission::ManageCustomers)?;
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
        let edit = Edit::new(&self.authority, &session, Permission::DeleteCustomers)?;
        let mut old = found?;
        for attempt in 0..ATTEMPTS {
            edit.admit(&old)?;
            let now = edit.contacts.clock.now();
            let new = Contact {
                deleted_at: Some(now),
                updated_at: now,
                version: old.version + 1,
                ..old.clone()
            };
            match edit.contacts.write(Some(&old), &new, StalePointers::Delete).await {
                Ok(()) => return Ok(session),
                Err(SaveError::Changed) => old = self.again(&edit, id, attempt).await?,
                Err(SaveError::Table(error)) => return Err(error.into()),
            }
        }
        Err(keeps_changing())
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
        let edit = Edit::new(&self.authority, &session, Permission::ManageCustomers)?;
        let (outcomes, fields) = Sync::new(edit).run(rows).await;
        self.catalog.learn(&viewer.company, &fields).await;
        Ok((session, outcomes))
    }

    /// Writes until nobody is in the way.
    async fn apply(
        &self,
        edit: &Edit<'_>,
        mut old: Option<Contact>,
        input: &ContactInput,
    ) -> Result<Contact, EditError> {
        let source = if old.is_some() { "patch" } else { "create" };
        // People and teams are asked for side by side.
        let (own, next) =
            tokio::join!(edit.own_teams(std::iter::once(input)), edit.next(old.as_ref(), input));
        edit.check_teams(input, &own)?;
        let mut new = next?;
        let named = edit.contacts.named_claims(input);
        for attempt in 0..ATTEMPTS {
            let write = edit.contacts.write_naming(&named, old.as_ref(), &new, StalePointers::Keep);
            match write.await {
                Ok(()) if old.as_ref() == Some(&new) => return Ok(new),
                Ok(()) => {
                    edit.report_written(input, &new, source);
                    self.catalog.learn(&edit.contacts.company, &input.custom_values()).await;
                    return Ok(new);
                }
                Err(SaveError::Table(error)) => return Err(error.into()),
                Err(SaveError::Changed) => {
                    if let Some(before) = old {
                        let now = self.again(edit, before.id, attempt).await?;
                        edit.admit(&now)?;
                        old = Some(now);
                    }
                    new = edit.next(old.as_ref(), input).await?;
                }
            }
        }
        Err(keeps_changing())
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

    /// The contact as it is now that somebody else was faster.
    async fn again(
        &self,
        edit: &Edit<'_>,
        id: ContactId,
        attempt: u32,
    ) -> Result<Contact, EditError> {
        tokio::time::sleep(backoff(attempt)).await;
        let key = Key::contact(&edit.contacts.company, id);
        let found = edit.contacts.table.get::<Contact>(&key, true).await?;
        found.filter(Contact::is_live).ok_or(EditError::NotFound)
    }
}
