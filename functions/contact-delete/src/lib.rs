//! `DELETE /cdp/customers/{id}` (SPEC §2).

use std::sync::Arc;

use serde_json::json;
use shared::{
    contact::ContactWriter,
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

/// Deletes a contact.
///
/// # Errors
/// As SPEC §5 maps them: 404 for a contact that is not there, deleted already or another tenant's,
/// 403 for one out of scope, 409 when others keep changing the contact.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let id: ContactId = request.path("id")?;
    let session = app.contacts.delete(viewer, id).await?;
    Ok(Reply::ok(&json!({}))?.under(&session, Permission::DeleteCustomers))
}
