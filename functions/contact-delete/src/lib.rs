//! `DELETE /cdp/customers/{id}` and `POST /cdp/customers/{id}/restore`: deletes, erases and restores
//! contacts (SPEC §2).

use std::sync::Arc;

use serde_json::{Map, json};
use shared::{
    contact::{ContactDeleter, ContactView, Restored},
    entry::{Failure, Reply, Warning, http::Request, page::set_once},
    environment::{Environment, StartError},
    id::ContactId,
    identity::Permission,
};

/// The dependencies of the function.
#[derive(Clone, Debug)]
pub struct App {
    contacts: ContactDeleter,
}

impl App {
    /// Creates the dependencies from the environment.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { contacts: environment.contact_deleter()? })
    }
}

/// Deletes, erases or restores a contact.
///
/// # Errors
/// As in SPEC §5: 404 if the contact does not exist or belongs to another company, if a contact to
/// delete is already deleted, or if a contact to restore is erased; 403 if it is out of scope, or
/// if the caller may not erase contacts; 409 if other requests keep changing it.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let id: ContactId = request.path("id")?;
    if request.method() == "POST" {
        return restored(&app.contacts.restore(viewer, id).await?);
    }
    let session = match is_erasure(request.query())? {
        true => app.contacts.erase(viewer, id).await?,
        false => app.contacts.delete(viewer, id).await?,
    };
    Ok(Reply::ok(&json!({}))?.with_scope(&session, Permission::DeleteCustomers))
}

fn restored(restored: &Restored) -> Result<Reply, Failure> {
    let Restored { contact, keys_not_restored: fields, session } = restored;
    let warning = (!fields.is_empty()).then(|| Warning {
        code: "KEY_NOT_RESTORED",
        message: format!(
            "another contact has the same value of {} now, and sync finds that contact by it",
            fields.join(" and ")
        ),
        details: Map::from_iter([("fields".to_owned(), json!(fields))]),
    });
    let reply = Reply::ok(&ContactView::new(contact, session))?;
    let reply = reply.with_warnings(warning.into_iter().collect());
    let deciding = [Permission::DeleteCustomers, Permission::ViewCustomers];
    Ok(reply.with_scope(session, session.reported_permission(&deciding)))
}

/// Parses the query: whether the contact must be erased. A misspelled parameter is refused, because
/// a deletion instead of an erasure would go unnoticed.
fn is_erasure(query: &[(String, String)]) -> Result<bool, Failure> {
    let mut erase = None;
    for (name, value) in query {
        if name != "erase" {
            return Err(Failure::invalid(name, "unknown query parameter"));
        }
        let value = value.parse().map_err(|_| Failure::invalid(name, "must be true or false"))?;
        set_once(&mut erase, name, value)?;
    }
    Ok(erase.unwrap_or(false))
}
