//! `GET /cdp/customers/search-assoc`: finds contacts as the user types (SPEC §2).

use std::sync::Arc;

use shared::{
    access::Authority,
    contact::{
        ContactView, Contacts, Cursor, CursorKey, Filter, ListRequest, OfHidden, OrderBy,
        SearchText,
    },
    entry::{
        Failure, Reply,
        http::Request,
        page::{self, set_once},
    },
    environment::{Environment, StartError},
    identity::Permission,
    services::Services,
};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 50;

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

/// Returns the contacts that the viewer may associate with another record, in the order of the search
/// words by which they are found.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let Parameters { q, limit, cursor } = parse(request.query(), &app.cursor_key)?;
    let needed = [
        Permission::SearchCustomers,
        Permission::ViewCustomers,
        Permission::ManageCustomers,
        Permission::DeleteCustomers,
    ];
    let session = app.authority.session(viewer, &needed).await?;
    let scope = session.scope(Permission::SearchCustomers)?;
    let filter = Filter { q: Some(q), ..Filter::default() };
    let search =
        ListRequest { cursor, ..ListRequest::first_page(filter.for_session(&session), limit) };
    let page =
        Contacts::from_services(&app.services, &viewer.company).list(&scope, &search).await?;
    let views = ContactView::all(&page.contacts, &session, OfHidden::Name);
    let next = page.next.map(|cursor| cursor.encode(&app.cursor_key)).transpose()?;
    let reply = Reply::ok(&views)?.with_meta("next_cursor", next).with_read_plan(page.plan);
    let deciding = [Permission::SearchCustomers, Permission::ViewCustomers];
    Ok(reply.with_scope(&session, session.reported_permission(&deciding)))
}

struct Parameters {
    q: SearchText,
    limit: usize,
    cursor: Option<Cursor>,
}

/// Parses the query parameters. A parameter must not be repeated.
///
/// # Errors
/// 400 with the name of the parameter that is missing, unknown, malformed or repeated.
fn parse(query: &[(String, String)], key: &CursorKey) -> Result<Parameters, Failure> {
    let (mut q, mut limit, mut cursor) = (None, None, None);
    for (name, value) in query {
        match name.as_str() {
            "q" => set_once(&mut q, name, value.clone())?,
            "limit" => set_once(&mut limit, name, page::parse_limit(value, MAX_LIMIT)?)?,
            "cursor" => {
                let decode = |text: &str| Cursor::decode(text, OrderBy::Match, key);
                set_once(&mut cursor, name, page::parse_cursor(value, decode)?)?;
            }
            _ => return Err(Failure::invalid(name, "unknown query parameter")),
        }
    }
    let q = SearchText::try_from(q.unwrap_or_default())
        .map_err(|error| Failure::invalid("q", error))?;
    Ok(Parameters { q, limit: limit.unwrap_or(DEFAULT_LIMIT), cursor: cursor.flatten() })
}
