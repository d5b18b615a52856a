//! `POST /cdp/customers` and `PATCH /cdp/customers/{id}` (SPEC §2).

use std::sync::Arc;

use shared::{
    contact::{ContactView, ContactWriter},
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    id::ContactId,
    identity::Permission,
};

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    contacts: ContactWriter,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { contacts: ContactWriter::new(environment.services()?) })
    }
}

/// Creates or changes a contact and answers it.
///
/// # Errors
/// As SPEC §5 maps them: 404 for a contact that is not there, deleted or another tenant's, 403 for
/// one out of scope, 422 for team owners that are not the caller's own teams, 503 where Launchpad
/// cannot confirm people or teams, 409 when others keep changing the contact.
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
    Ok(Reply::new(status, &view)?.under(session, Permission::ManageCustomers))
}
