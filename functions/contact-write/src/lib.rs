//! `POST /cdp/customers` and `PATCH /cdp/customers/{id}` (SPEC §2).

use std::sync::Arc;

use shared::{
    access::Permission,
    contact::{ContactView, ContactWriter},
    entry::{Failure, Reply, http::Request},
    id::ContactId,
};

/// Creates or changes a contact and answers it.
///
/// # Errors
/// As SPEC §5 maps them: 404 for a contact that is not there, deleted or another tenant's, 403 for
/// one out of scope, 422 for team owners that are not the caller's own teams, 503 where Launchpad
/// cannot confirm people or teams, 409 when others keep changing the contact.
pub async fn handle(contacts: Arc<ContactWriter>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let (status, written) = if request.method() == "POST" {
        (201, contacts.create(viewer, request.json()?).await?)
    } else {
        let id: ContactId = request.path("id")?;
        (200, contacts.update(viewer, id, request.json()?).await?)
    };
    let session = &written.session;
    let view = ContactView::new(&written.contact, session);
    Ok(Reply::new(status, &view)?.under(session, Permission::ManageCustomers))
}
