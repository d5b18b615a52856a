//! Deleting a note (SPEC §3).

use std::collections::HashMap;

use super::{Note, NoteAction, NoteFailure, admission::Admission};
use crate::{
    access::{Authority, Session},
    id::{ContactId, NoteId},
    identity::{Permission, Viewer},
    services::Services,
    table::{Action, Attempt, Condition, Item, Key, retry},
};

/// The permissions that decide.
const NEEDED: [Permission; 2] = [Permission::ViewCustomers, Permission::DeleteNotes];

/// Deletes notes. The note goes, its mention ledger stays: nobody is ever told twice, and the
/// worker drops what it had not told yet.
#[derive(Clone, Debug)]
pub struct NoteDeleter {
    authority: Authority,
    services: Services,
}

impl NoteDeleter {
    /// A deleter.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self { authority: Authority::new(services.clone()), services }
    }

    /// Deletes a note of a contact, as it is when it is judged: what somebody saves meanwhile is
    /// judged anew, so that a note made private or handed out of scope in between stays.
    ///
    /// # Errors
    /// As [`NoteFailure`] says; then the note is still there, or was gone before.
    pub async fn delete(
        &self,
        viewer: &Viewer,
        contact: ContactId,
        note: NoteId,
    ) -> Result<Session, NoteFailure> {
        let company = &viewer.company;
        let keys = [Key::contact(company, contact), Key::note(company, contact, note)];
        let (session, items) = self.authority.session_beside(viewer, &NEEDED, &keys).await?;
        let table = &self.services.table;
        let mut known = Some(items);
        retry("the note", async || {
            let items = match known.take() {
                Some(items) => items,
                None => table.batch_get(&keys, true).await?,
            };
            let found = judge(&session, contact, note, items)?;
            let unchanged = Condition::Version(found.version);
            // A transaction for its token: a lost answer is not taken for somebody else's deletion.
            let deletion = Action::Delete(keys[1].clone(), Some(unchanged));
            let written = table.transact([deletion].into_iter().collect()).await;
            Ok::<_, NoteFailure>(Attempt::from_transaction(written)?)
        })
        .await?;
        Ok(session)
    }
}

fn judge(
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
