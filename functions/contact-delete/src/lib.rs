//! `DELETE /cdp/customers/{id}` (SPEC §2).

use std::sync::Arc;

use serde_json::json;
use shared::{
    access::Permission,
    contact::ContactWriter,
    entry::{Failure, Reply, http::Request},
    id::ContactId,
};

/// Deletes a contact.
///
/// # Errors
/// As SPEC §5 maps them: 404 for a contact that is not there, deleted already or another tenant's,
/// 403 for one out of scope, 409 when others keep changing the contact.
pub async fn handle(contacts: Arc<ContactWriter>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let id: ContactId = request.path("id")?;
    let session = contacts.delete(viewer, id).await?;
    Ok(Reply::ok(&json!({}))?.under(&session, Permission::DeleteCustomers))
}
