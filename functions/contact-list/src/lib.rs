//! `GET /cdp/customers`: lists the contacts that the viewer can see (SPEC §2).

mod deleted;
mod request;

use std::sync::Arc;

use request::ListQuery;
use shared::{
    access::{Authority, Needs},
    contact::{ContactView, Contacts, CursorKey, ListRequest, OfHidden},
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    identity::Permission,
    services::Services,
};

/// The dependencies of the function.
#[derive(Clone, Debug)]
pub struct App {
    authority: Authority,
    services: Services,
    cursor_key: CursorKey,
}

impl App {
    /// Creates the dependencies from the environment.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        let cursor_key = environment.cursor_key()?;
        Ok(Self { authority: Authority::new(services.clone()), services, cursor_key })
    }
}

/// Returns one page of the list.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    if deleted::is_requested(request.query()) {
        return deleted::handle(&app, &request).await;
    }
    let viewer = request.viewer()?;
    let ListQuery { filter, order, direction, limit, cursor } =
        request::parse(request.query(), &app.cursor_key)?;
    let needed =
        [Permission::ViewCustomers, Permission::ManageCustomers, Permission::DeleteCustomers];
    let needs = Needs::from(&needed).with_teams(filter.needs_teams());
    let session = app.authority.session(viewer, needs).await?;
    let scope = session.scope(Permission::ViewCustomers)?;
    let list =
        ListRequest { order, direction, limit, cursor, criteria: filter.for_session(&session) };
    let page = Contacts::from_services(&app.services, &viewer.company).list(&scope, &list).await?;
    let views = ContactView::all(&page.contacts, &session, OfHidden::Nothing);
    let next = page.next.map(|cursor| cursor.encode(&app.cursor_key)).transpose()?;
    let reply = Reply::ok(&views)?.with_meta("next_cursor", next).with_read_plan(page.plan);
    Ok(reply.with_scope(&session, Permission::ViewCustomers))
}
