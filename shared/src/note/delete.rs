//! Deletes a note (SPEC §3).

use std::collections::HashMap;

use super::{Note, NoteAction, NoteFailure, admission::Admission};
use crate::{
    access::{Authority, Session},
    id::{ContactId, NoteId},
    identity::{Permission, Viewer},
    services::Services,
    table::{Action, Attempt, Condition, Item, Key, retry},
};

/// The permissions that must be loaded to decide about a deletion.
const NEEDED: [Permission; 2] = [Permission::ViewCustomers, Permission::DeleteNotes];

/// Deletes notes. The ledger entries of a deleted note stay in the table, so that no person is
/// notified of a mention twice. The worker drops the notifications that it has not sent yet.
#[derive(Clone, Debug)]
pub struct NoteDeleter {
    authority: Authority,
    services: Services,
}

impl NoteDeleter {
    /// Creates a deleter that uses these services.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self { authority: Authority::new(services.clone()), services }
    }

    /// Deletes a note of a contact. If another user saves the note at the same time, the
    /// permissions are checked again, so that a note that became private or left the viewer's scope
    /// is kept.
    ///
    /// # Errors
    /// See [`NoteFailure`]. If the call fails, it has not deleted the note.
    pub async fn delete(
        &self,
        viewer: &Viewer,
        contact: ContactId,
        note: NoteId,
    ) -> Result<Session, NoteFailure> {
        let company = &viewer.company;
        let keys = [Key::contact(company, contact), Key::note(company, contact, note)];
        let (session, items) = self.authority.session_with_items(viewer, &NEEDED, &keys).await?;
        let table = &self.services.table;
        let mut first = Some(items);
        retry("the note", async || {
            let items = match first.take() {
                Some(items) => items,
                None => table.batch_get(&keys, true).await?,
            };
            let found = authorize(&session, contact, note, items)?;
            let unchanged = Condition::Version(found.version);
            // The deletion uses a transaction, because a transaction has an idempotency token. If
            // the response is lost, the retry does not mistake its own earlier deletion for one by
            // another user.
            let deletion = Action::Delete(keys[1].clone(), Some(unchanged));
            let written = table.transact([deletion].into_iter().collect()).await;
            Ok::<_, NoteFailure>(Attempt::from_transaction(written)?)
        })
        .await?;
        Ok(session)
    }
}

/// Returns the note if the viewer may delete it.
fn authorize(
    session: &Session,
    contact: ContactId,
    note: NoteId,
    mut items: HashMap<Key, Item>,
) -> Result<Note, NoteFailure> {
    let company = &session.viewer.company;
    let admission = Admission { session, action: NoteAction::Delete, company, contact };
    let contact = admission.contact(&mut items)?;
    admission.note(note, &contact, &mut items)
}
