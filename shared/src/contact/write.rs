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

/// The permissions that the response to a creation or an update needs. The response contains the
/// actions that the viewer can take on the contact, and no more than the viewer may view.
const NEEDED: [Permission; 3] =
    [Permission::ManageCustomers, Permission::DeleteCustomers, Permission::ViewCustomers];

/// Writes contacts on behalf of viewers. Cheap to clone.
///
/// Two contacts may have the same external id or first email address, because two people can share
/// an address. Only one of them owns the unique key by which `sync` finds a contact. A write takes
/// the unique keys of the contact that no other contact owns. If the owner of a key is deleted,
/// another contact with the same value takes the key with the next write whose request contains the
/// value, even if the value does not change.
#[derive(Clone, Debug)]
pub struct ContactWriter {
    pub(super) authority: Authority,
    pub(super) services: Services,
    pub(super) catalog: Catalog,
}

/// A contact that was written, and the session of the viewer who wrote it.
#[derive(Debug)]
pub struct Written {
    /// The contact. When it was written, it was in the scope in which the viewer can change
    /// contacts.
    pub contact: Contact,
    /// The session of the viewer, with the viewer's access rights.
    pub session: Session,
}

impl ContactWriter {
    /// Creates a writer with these services.
    #[must_use]
    pub fn new(services: Services) -> Self {
        let authority = Authority::new(services.clone());
        let catalog = Catalog::new(services.table.clone());
        Self { authority, services, catalog }
    }

    /// Creates a contact (SPEC §2). Without an `owner_id` the viewer becomes the owner.
    pub async fn create(&self, viewer: &Viewer, input: ContactInput) -> Result<Written, EditError> {
        let session = self.authority.session(viewer, &NEEDED).await?;
        let edit = self.edit(&session, Permission::ManageCustomers)?;
        let contact = self.write(&edit, None, &input.checked()?).await?;
        Ok(Written { contact, session })
    }

    /// Changes the fields of a contact that the request contains. If two requests change the same
    /// field, the last write wins. A change without an effect writes nothing, except that the
    /// contact takes the unique keys in the request that no contact owns.
    pub async fn update(
        &self,
        viewer: &Viewer,
        id: ContactId,
        input: ContactInput,
    ) -> Result<Written, EditError> {
        let (session, found) = self.session_and_contact(viewer, &NEEDED, id).await?;
        let edit = self.edit(&session, Permission::ManageCustomers)?;
        let old = found?;
        edit.check_scope(&old)?;
        let contact = self.write(&edit, Some(old), &input.checked()?).await?;
        Ok(Written { contact, session })
    }

    /// Creates or updates a contact for each row, by the row's unique keys. Each row has its own
    /// result.
    ///
    /// # Errors
    /// [`EditError::Access`] when the viewer has no permission or the permissions could not be
    /// loaded. Errors of single rows are in their results.
    pub async fn sync(
        &self,
        viewer: &Viewer,
        rows: &[Box<RawValue>],
    ) -> Result<(Session, Vec<RowOutcome>), EditError> {
        let needed = [Permission::ManageCustomers];
        let session = self.authority.session(viewer, &needed).await?;
        let edit = self.edit(&session, Permission::ManageCustomers)?;
        let (outcomes, fields) = Sync::new(edit).run(rows).await;
        self.catalog.add_new_fields(&viewer.company, &fields).await;
        Ok((session, outcomes))
    }

    /// Applies the change and writes the contact, with a retry after a conflict with another
    /// writer.
    async fn write(
        &self,
        edit: &Edit<'_>,
        old: Option<Contact>,
        input: &ContactInput,
    ) -> Result<Contact, EditError> {
        let source = if old.is_some() { "patch" } else { "create" };
        // People and teams are loaded in parallel.
        let (own, next) =
            tokio::join!(edit.own_teams(std::iter::once(input)), edit.changed(old.as_ref(), input));
        edit.check_teams(input, &own)?;
        let id = old.as_ref().map(|old| old.id);
        let named = edit.contacts.named_unique_keys(input);
        let mut known = Some((old, next?));
        retry("the contact", async || {
            let (old, new) = match known.take() {
                Some(decided) => decided,
                None => {
                    let old = match id {
                        Some(id) => Some(self.read_again(edit, id).await?),
                        None => None,
                    };
                    old.as_ref().map_or(Ok(()), |old| edit.check_scope(old))?;
                    let new = edit.changed(old.as_ref(), input).await?;
                    (old, new)
                }
            };
            let write = edit.contacts.write_with_named_keys(
                &named,
                old.as_ref(),
                &new,
                StalePointers::Keep,
            );
            if SaveError::attempt(write.await)? == Attempt::Conflict {
                return Ok(Attempt::Conflict);
            }
            if old.as_ref() != Some(&new) {
                edit.report_written(input, &new, source);
                self.catalog.add_new_fields(&edit.contacts.company, &input.custom_values()).await;
            }
            Ok(Attempt::Done(new))
        })
        .await
    }

    /// Reads the session of the viewer and the contact in one table request.
    async fn session_and_contact(
        &self,
        viewer: &Viewer,
        needed: &[Permission],
        id: ContactId,
    ) -> Result<(Session, Result<Contact, EditError>), EditError> {
        let key = Key::contact(&viewer.company, id);
        let keys = std::slice::from_ref(&key);
        let (session, mut items) = self.authority.session_with_items(viewer, needed, keys).await?;
        let found: Option<Contact> = items.remove(&key).map(from_item).transpose()?;
        let found = found.filter(Contact::is_live).ok_or(EditError::NotFound);
        Ok((session, found))
    }

    /// Reads the contact again after another writer changed it.
    async fn read_again(&self, edit: &Edit<'_>, id: ContactId) -> Result<Contact, EditError> {
        let key = Key::contact(&edit.contacts.company, id);
        let found = self.services.table.get::<Contact>(&key, true).await?;
        found.filter(Contact::is_live).ok_or(EditError::NotFound)
    }

    pub(super) fn edit<'a>(
        &'a self,
        session: &'a Session,
        permission: Permission,
    ) -> Result<Edit<'a>, EditError> {
        Ok(Edit::new((&self.authority, &self.services), session, permission)?)
    }
}
