//! `POST /cdp/customers` and `PATCH /cdp/customers/{id}`: creates and changes contacts (SPEC §2).

use std::sync::Arc;

use serde_json::{Map, json};
use shared::{
    contact::{ContactView, ContactWriter, POSSIBLE_DUPLICATE, Written},
    entry::{Failure, Reply, Warning, http::Request},
    environment::{Environment, StartError},
    id::ContactId,
    identity::{Permission, Viewer},
};

/// The dependencies of the function.
#[derive(Clone, Debug)]
pub struct App {
    contacts: ContactWriter,
}

impl App {
    /// Creates the dependencies from the environment.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { contacts: ContactWriter::new(environment.services()?) })
    }
}

/// Creates or changes a contact and returns it.
///
/// # Errors
/// As in SPEC §5: 404 if the contact does not exist, is deleted or belongs to another company, 403
/// if it is out of scope, 422 for team owners that are not the caller's own teams, 503 if people or
/// teams could not be checked with Launchpad, 409 if other requests keep changing the contact.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let (status, written) = if request.method() == "POST" {
        (201, create(&app.contacts, viewer, &request).await?)
    } else {
        let id: ContactId = request.path("id")?;
        (200, app.contacts.update(viewer, id, request.json()?).await?)
    };
    let session = &written.session;
    let view = ContactView::new(&written.contact, session);
    let deciding = [Permission::ManageCustomers, Permission::ViewCustomers];
    let scope = session.reported_permission(&deciding);
    let reply = Reply::new(status, &view)?.with_scope(session, scope);
    Ok(reply
        .with_warnings(written.possible_duplicates.as_deref().map(warning).into_iter().collect()))
}

/// Creates a contact. A repeated request with the same idempotency key returns the contact that the
/// first request created, before its body is validated.
async fn create(
    contacts: &ContactWriter,
    viewer: &Viewer,
    request: &Request,
) -> Result<Written, Failure> {
    let key = request.idempotency_key(request.route(), "")?;
    if let Some(key) = &key
        && let Some(earlier) = contacts.repeated(viewer, key).await?
    {
        return Ok(earlier);
    }
    Ok(contacts.create(viewer, request.json()?, key.as_ref()).await?)
}

fn warning(duplicates: &[ContactId]) -> Warning {
    let message = "other contacts have the same email address or external id";
    Warning {
        code: POSSIBLE_DUPLICATE,
        message: message.to_owned(),
        details: Map::from_iter([("contact_ids".to_owned(), json!(duplicates))]),
    }
}
