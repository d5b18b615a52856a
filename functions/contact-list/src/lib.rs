//! `GET /cdp/customers`: the contacts that the viewer may see (SPEC §2).

mod request;

use std::sync::Arc;

use shared::{
    access::{Authority, Permission},
    contact::{ContactView, Contacts},
    entry::{Failure, Reply, http::Request},
};

/// Answers one page of the list.
///
/// # Errors
/// As SPEC §5 maps them.
pub async fn handle(authority: Arc<Authority>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let needed =
        [Permission::ViewCustomers, Permission::ManageCustomers, Permission::DeleteCustomers];
    let session = authority.session(viewer, &needed).await?;
    let scope = session.scope(Permission::ViewCustomers)?;
    let list = request::parse(request.query())?;
    let page = Contacts::under(&authority, &viewer.company).list(&scope, &list).await?;
    let manage = session.scope(Permission::ManageCustomers).ok();
    let delete = session.scope(Permission::DeleteCustomers).ok();
    let views: Vec<_> = page
        .contacts
        .iter()
        .map(|contact| ContactView::new(contact, manage.as_ref(), delete.as_ref()))
        .collect();
    let next = page.next.map(|cursor| cursor.encode());
    let reply = Reply::ok(&views)?.with_meta("next_cursor", next);
    Ok(reply.under(&session, Permission::ViewCustomers))
}
