//! `GET /cdp/customers/{id}`, `/by-email/{email}` and `/by-phone/{phone}`: returns one contact if
//! the viewer can see it (SPEC §2).

use std::sync::Arc;

use shared::{
    access::{AccessError, Authority, Scope},
    contact::{Address, ContactView, Contacts, LookUp},
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    id::ContactId,
    identity::Permission,
    services::Services,
};

/// The key by which the client requests the contact: its id, or an email address or phone number.
enum By {
    Id(ContactId),
    Address(Address),
}

/// The dependencies of the function.
#[derive(Clone, Debug)]
pub struct App {
    authority: Authority,
    services: Services,
}

impl App {
    /// Creates the dependencies from the environment.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        Ok(Self { authority: Authority::new(services.clone()), services })
    }
}

/// Returns one contact.
///
/// # Errors
/// As in SPEC §5: 404 if the contact does not exist, is deleted or belongs to another company; 403
/// if it is out of scope. For an email address or a phone number, 403 if all contacts that have it
/// are out of scope.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let by = requested(&request)?;
    let needed =
        [Permission::ViewCustomers, Permission::ManageCustomers, Permission::DeleteCustomers];
    let session = app.authority.session(viewer, &needed).await?;
    let scope = session.scope(Permission::ViewCustomers)?;
    let contacts = Contacts::from_services(&app.services, &viewer.company);
    let contact = match find(&contacts, &by, &scope).await? {
        LookUp::Found(contact) => contact,
        LookUp::OutOfScope(id) => {
            return Err(session.refuse(Permission::ViewCustomers, id).into());
        }
        LookUp::NotFound => return Err(Failure::not_found()),
    };
    Ok(Reply::ok(&ContactView::new(&contact, &session))?
        .with_scope(&session, Permission::ViewCustomers))
}

/// Parses the id, email address or phone number in the path. API Gateway has already decoded it. It
/// must not be decoded again, because that would change values that contain a percent sign.
fn requested(request: &Request) -> Result<By, Failure> {
    let address = match request.route() {
        "GET /cdp/customers/by-email/{email}" => Address::email(&request.path::<String>("email")?),
        "GET /cdp/customers/by-phone/{phone}" => Address::phone(&request.path::<String>("phone")?),
        _ => return Ok(By::Id(request.path("id")?)),
    };
    address.map(By::Address).ok_or_else(Failure::not_found)
}

async fn find(contacts: &Contacts, by: &By, scope: &Scope) -> Result<LookUp, AccessError> {
    match by {
        By::Address(address) => Ok(contacts.look_up(address, scope).await?),
        By::Id(id) => match contacts.read(*id, scope).await {
            Ok(Some(contact)) => Ok(LookUp::Found(Box::new(contact))),
            Ok(None) => Ok(LookUp::NotFound),
            Err(AccessError::OutOfScope) => Ok(LookUp::OutOfScope(*id)),
            Err(error) => Err(error),
        },
    }
}
