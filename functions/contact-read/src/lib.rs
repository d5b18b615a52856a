//! One contact, if the viewer may see it, by its id, an email address or a phone number (SPEC §2).

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

/// What the contact is asked for by.
enum By {
    Id(ContactId),
    Address(Address),
}

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    authority: Authority,
    services: Services,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let services = environment.services()?;
        Ok(Self { authority: Authority::new(services.clone()), services })
    }
}

/// Answers the contact.
///
/// # Errors
/// As SPEC §5 maps them: 404 for a contact that is not there, deleted or another tenant's, 403 for
/// one out of scope, which by an address means all that have it.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let by = asked_by(&request)?;
    let needed =
        [Permission::ViewCustomers, Permission::ManageCustomers, Permission::DeleteCustomers];
    let session = app.authority.session(viewer, &needed).await?;
    let scope = session.scope(Permission::ViewCustomers)?;
    let contacts = Contacts::from_services(&app.services, &viewer.company);
    let contact = match find(&contacts, &by, &scope).await? {
        LookUp::Found(contact) => contact,
        LookUp::OutOfScope(id) => {
            session.report_denied(Permission::ViewCustomers, id);
            return Err(AccessError::OutOfScope.into());
        }
        LookUp::NotFound => return Err(Failure::not_found()),
    };
    Ok(Reply::ok(&ContactView::new(&contact, &session))?.under(&session, Permission::ViewCustomers))
}

/// What the route asks by. API Gateway has decoded the values of the path; decoding them again
/// would change those that hold a percent sign.
fn asked_by(request: &Request) -> Result<By, Failure> {
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
