//! `POST /cdp/customers` and `PATCH /cdp/customers/{id}`: creates and changes contacts (SPEC §2).

use std::sync::Arc;

use shared::{
    contact::{ContactView, ContactWriter},
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    id::ContactId,
    identity::Permission,
};

/// The dependencies of the function.
#[derive(Clone, Debug)]
pub struct App {
    contacts: ContactWriter,
}

impl App {
    /// Creates the dependencies from the environment.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { contacts: ContactWriter::new(environment.services()?) })
    }
}

/// Creates or changes a contact and returns it.
///
/// # Errors
/// As in SPEC §5: 404 if the contact does not exist, is deleted or belongs to another company, 403
/// if it is out of scope, 422 for team owners that are not the caller's own teams, 503 if people or
/// teams could not be checked with Launchpad, 409 if other requests keep changing the contact.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let (status, written) = if request.method() == "POST" {
        (201, app.contacts.create(viewer, request.json()?).await?)
    } else {
        let id: ContactId = request.path("id")?;
        (200, app.contacts.update(viewer, id, request.json()?).await?)
    };
    let session = &written.session;
    let view = ContactView::new(&written.contact, session);
    let deciding = [Permission::ManageCustomers, Permission::ViewCustomers];
    Ok(Reply::new(status, &view)?.with_scope(session, session.reported_permission(&deciding)))
}
