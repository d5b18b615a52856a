//! `DELETE /cdp/customers/{id}`: deletes a contact (SPEC §2).

use std::sync::Arc;

use serde_json::json;
use shared::{
    contact::ContactWriter,
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

/// Deletes a contact.
///
/// # Errors
/// As in SPEC §5: 404 if the contact does not exist, is deleted or belongs to another company, 403
/// if it is out of scope, 409 if other requests keep changing it.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let id: ContactId = request.path("id")?;
    let session = app.contacts.delete(viewer, id).await?;
    Ok(Reply::ok(&json!({}))?.with_scope(&session, Permission::DeleteCustomers))
}
