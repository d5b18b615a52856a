use serde_json::value::RawValue;

use super::{
    Catalog, Contact, ContactInput, RowOutcome, SaveError, StalePointers,
    edit::{Edit, EditError, OwnTeams},
    sync::Sync,
    unique_key::Matches,
};
use crate::{
    access::{Authority, Session},
    id::ContactId,
    idempotency::{Creation, IdempotencyError, IdempotencyKey},
    identity::{Permission, Viewer},
    services::Services,
    table::{Attempt, Key, TableError, from_item, retry},
};

/// The permissions that the response to a creation or an update needs. The response contains the
/// actions that the viewer can take on the contact, and no more than the viewer may view.
const NEEDED: [Permission; 3] =
    [Permission::ManageCustomers, Permission::DeleteCustomers, Permission::ViewCustomers];

/// The code of the warning that other contacts already have values of a new contact.
pub const POSSIBLE_DUPLICATE: &str = "POSSIBLE_DUPLICATE";

/// Writes contacts on behalf of viewers. Cheap to clone.
///
/// Two contacts may have the same external id or first email address, because two people can share
/// an address. Only one of them owns the unique key by which `sync` finds a contact. If the owner
/// loses the value or is deleted, the key is handed over to the oldest contact with the same value.
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
    /// After a creation, if other contacts already had one of the contact's email addresses or its
    /// external id: up to 5 of these contacts that the viewer may see.
    pub possible_duplicates: Option<Vec<ContactId>>,
}

impl ContactWriter {
    /// Creates a writer with these services.
    #[must_use]
    pub fn new(services: Services) -> Self {
        let authority = Authority::new(services.clone());
        let catalog = Catalog::new(services.table.clone());
        Self { authority, services, catalog }
    }

    /// Creates a contact (SPEC §2). Without an `owner_id` the viewer becomes the owner. The use of
    /// an idempotency key is recorded with the contact. If a concurrent request with the same key
    /// was first, this request returns that request's contact.
    pub async fn create(
        &self,
        viewer: &Viewer,
        input: ContactInput,
        idempotency: Option<&IdempotencyKey>,
    ) -> Result<Written, EditError> {
        let session = self.authority.session(viewer, &NEEDED).await?;
        let edit = self.edit(&session, Permission::ManageCustomers)?;
        let input = input.checked()?;
        let own = OwnTeams::new();
        let mut draft = edit.new_contact();
        input.clone().apply(&mut draft);
        let (teams, new, duplicates) = tokio::join!(
            edit.check_teams(&input, &own),
            edit.changed(None, &input),
            edit.possible_duplicates(&draft),
        );
        teams?;
        let new = new?;
        let warnings: Vec<String> = match duplicates.is_empty() {
            true => Vec::new(),
            false => vec![POSSIBLE_DUPLICATE.to_owned()],
        };
        let creation = Creation { id: new.id, warnings };
        let mut is_first = true;
        let is_new = retry("the contact", async || {
            // A conflict can mean that a request with the same idempotency key was first.
            if let Some(key) = idempotency.filter(|_| !std::mem::take(&mut is_first))
                && self.earlier(key).await?.is_some_and(|earlier| earlier.id != new.id)
            {
                return Ok(Attempt::Done(false));
            }
            let now = edit.contacts.clock.now();
            let record = idempotency.map(|key| key.put(&creation, now)).transpose()?;
            let actions = record.into_iter().collect();
            let with = (&Matches::default(), actions);
            let write = edit.contacts.write_with(with, None, &new, StalePointers::Keep);
            Ok::<_, EditError>(SaveError::attempt(write.await)?.map(|()| true))
        })
        .await?;
        if let Some(key) = idempotency.filter(|_| !is_new) {
            return self
                .repeated(viewer, key)
                .await?
                .ok_or_else(|| TableError::Contention("the idempotency key".to_owned()).into());
        }
        edit.report_written(&input, &new, "create");
        self.catalog.add_new_fields(&viewer.company, &input.custom_values()).await;
        let possible_duplicates = Some(duplicates).filter(|found| !found.is_empty());
        Ok(Written { contact: new, session, possible_duplicates })
    }

    /// Returns the contact that an earlier request with this idempotency key created, in its
    /// present state; `None` if there was no such request.
    ///
    /// # Errors
    /// [`EditError::NotFound`] when the contact was deleted, and [`EditError::Access`] when it is
    /// out of the viewer's present scope.
    pub async fn repeated(
        &self,
        viewer: &Viewer,
        key: &IdempotencyKey,
    ) -> Result<Option<Written>, EditError> {
        let Some(creation) = self.earlier(key).await? else { return Ok(None) };
        let (session, found) = self.session_and_contact(viewer, &NEEDED, creation.id).await?;
        let edit = self.edit(&session, Permission::ManageCustomers)?;
        let contact = found?;
        edit.check_scope(&contact)?;
        let had_warning = creation.warnings.iter().any(|code| code == POSSIBLE_DUPLICATE);
        let possible_duplicates = match had_warning {
            true => Some(edit.possible_duplicates(&contact).await),
            false => None,
        };
        Ok(Some(Written { contact, session, possible_duplicates }))
    }

    async fn earlier(
        &self,
        key: &IdempotencyKey,
    ) -> Result<Option<Creation<ContactId>>, IdempotencyError> {
        key.earlier(&self.services.table, self.services.clock.now()).await
    }

    /// Changes the fields of a contact that the request contains. If two requests change the same
    /// field, the last write wins. A change without an effect writes nothing.
    pub async fn update(
        &self,
        viewer: &Viewer,
        id: ContactId,
        input: ContactInput,
    ) -> Result<Written, EditError> {
        let (session, found) = self.session_and_contact(viewer, &NEEDED, id).await?;
        let edit = self.edit(&session, Permission::ManageCustomers)?;
        let old = found?;
        let contact = self.write(&edit, old, &input.checked()?).await?;
        Ok(Written { contact, session, possible_duplicates: None })
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
    /// writer. The rules are applied again to each version of the contact.
    async fn write(
        &self,
        edit: &Edit<'_>,
        old: Contact,
        input: &ContactInput,
    ) -> Result<Contact, EditError> {
        let (id, own) = (old.id, OwnTeams::new());
        let mut known = Some(old);
        retry("the contact", async || {
            let old = match known.take() {
                Some(old) => old,
                None => self.read_again(edit, id).await?,
            };
            edit.check_scope(&old)?;
            let input = input.for_stored(Some(&old));
            // People and teams are loaded in parallel.
            let (teams, new) =
                tokio::join!(edit.check_teams(&input, &own), edit.changed(Some(&old), &input));
            teams?;
            let new = new?;
            let write = edit.contacts.write(Some(&old), &new, StalePointers::Keep);
            if SaveError::attempt(write.await)? == Attempt::Conflict {
                return Ok(Attempt::Conflict);
            }
            if old != new {
                edit.report_written(&input, &new, "patch");
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
