//! `GET /cdp/customers/{id}`: one contact, if the viewer may see it (SPEC §2).

use std::sync::Arc;

use shared::{
    access::{AccessError, Authority, Permission},
    contact::{ContactView, Contacts},
    entry::{Failure, Reply, http::Request},
    event,
    id::ContactId,
};

/// Answers the contact.
///
/// # Errors
/// As SPEC §5 maps them: 404 for a contact that is not there, deleted or another tenant's, 403 for
/// one out of scope.
pub async fn handle(authority: Arc<Authority>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let id: ContactId = request.path("id")?;
    let needed =
        [Permission::ViewCustomers, Permission::ManageCustomers, Permission::DeleteCustomers];
    let session = authority.session(viewer, &needed).await?;
    let scope = session.scope(Permission::ViewCustomers)?;
    let contacts = Contacts::under(&authority, &viewer.company);
    let contact = match contacts.read(id, &scope).await {
        Err(AccessError::OutOfScope) => {
            if session.denies_by_team(Permission::ViewCustomers) {
                let count = scope.team_count();
                event::team_permission_denied(viewer, id, Permission::ViewCustomers, count);
            }
            return Err(AccessError::OutOfScope.into());
        }
        other => other?.ok_or_else(Failure::not_found)?,
    };
    let manage = session.scope(Permission::ManageCustomers).ok();
    let delete = session.scope(Permission::DeleteCustomers).ok();
    let view = ContactView::new(&contact, manage.as_ref(), delete.as_ref());
    Ok(Reply::ok(&view)?.under(&session, Permission::ViewCustomers))
}
