//! `view=deleted`: the deleted contacts that the viewer can restore.

use shared::{
    contact::{Contacts, DeletedView},
    entry::{
        Failure, Reply,
        http::Request,
        page::{PageRequest, encode_cursor, invalid_cursor},
    },
    identity::Permission,
};

use crate::App;

const VIEW: &str = "view";

/// Whether the request is about deleted contacts.
pub(crate) fn is_requested(query: &[(String, String)]) -> bool {
    query.iter().any(|(name, value)| name == VIEW && value == "deleted")
}

/// Returns one page of the deleted contacts.
///
/// # Errors
/// 400 for any parameter except `view`, `limit` and `cursor`; 403 if the viewer cannot delete
/// contacts.
pub(crate) async fn handle(app: &App, request: &Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let (views, rest): (Vec<_>, Vec<_>) =
        request.query().iter().cloned().partition(|(name, _)| name == VIEW);
    if views.len() > 1 {
        return Err(Failure::invalid(VIEW, "must be given only once"));
    }
    let other = rest.iter().find(|(name, _)| name != "limit" && name != "cursor");
    if let Some((name, _)) = other {
        return Err(Failure::invalid(name, "cannot be combined with view=deleted"));
    }
    let PageRequest { limit, after } = PageRequest::parse(&rest)?;
    if after.as_deref().is_some_and(|after| !Contacts::is_deleted_position(after)) {
        return Err(invalid_cursor());
    }
    let needed =
        [Permission::DeleteCustomers, Permission::ViewCustomers, Permission::ManageCustomers];
    let session = app.authority.session(viewer, &needed).await?;
    let scope = session.scope(Permission::DeleteCustomers)?;
    let contacts = Contacts::from_services(&app.services, &viewer.company);
    let page = contacts.deleted(&scope, after, limit).await?;
    let next = page.next.as_deref().map(encode_cursor);
    let reply = Reply::ok(&DeletedView::all(&page.contacts, &session))?;
    let deciding = [Permission::DeleteCustomers, Permission::ViewCustomers];
    let scope = session.reported_permission(&deciding);
    Ok(reply.with_meta("next_cursor", next).with_scope(&session, scope))
}
