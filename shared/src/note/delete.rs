//! Deleting a note (SPEC §3).

use std::collections::HashMap;

use super::{Note, NoteAction, NoteFailure, admission::Admission};
use crate::{
    access::{Authority, Permission, Session, Viewer},
    id::{ContactId, NoteId},
    table::{Action, Condition, Item, Key, TableError, TransactError},
};

/// How often a deletion that others got in the way of is decided anew.
const ATTEMPTS: usize = 6;
/// The permissions that decide.
const NEEDED: [Permission; 2] = [Permission::ViewCustomers, Permission::DeleteNotes];

/// Deletes notes. The note goes, its mention ledger stays: nobody is ever told twice, and the
/// worker drops what it had not told yet.
#[derive(Clone, Debug)]
pub struct NoteDeleter {
    authority: Authority,
}

impl NoteDeleter {
    /// A deleter.
    #[must_use]
    pub fn new(authority: Authority) -> Self {
        Self { authority }
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
        let (session, mut items) = self.authority.session_beside(viewer, &NEEDED, &keys).await?;
        let table = self.authority.table();
        for _ in 0..ATTEMPTS {
            let found = judge(&session, contact, note, items)?;
            let unchanged = Condition::Version(found.version);
            // A transaction for its token: a lost answer is not taken for somebody else's deletion.
            let deletion = Action::Delete(keys[1].clone(), Some(unchanged));
            match table.transact([deletion].into_iter().collect()).await {
                Ok(()) => return Ok(session),
                Err(TransactError::Conditions(_)) => items = table.batch_get(&keys, true).await?,
                Err(TransactError::Table(error)) => return Err(error.into()),
            }
        }
        Err(TableError::Contention("the note keeps changing".to_owned()).into())
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
