//! `POST /cdp/customers/sync`: creates and updates up to 100 contacts by their ids and unique keys
//! (SPEC §2).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use shared::{
    contact::{ContactWriter, RowOutcome, RowStatus},
    entry::{Failure, Reply, http::Request},
    environment::{Environment, StartError},
    error::chain,
    id::ContactId,
    identity::Permission,
};

const MAX_ROWS: usize = 100;
/// The size of the largest body, in bytes. 100 contacts of the largest size fit into it, and with
/// the escapes of its JSON text the event stays within the 6 MiB that Lambda accepts.
const MAX_BODY: usize = 4 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    contacts: Vec<Box<RawValue>>,
}

/// The result of one row in the response.
#[derive(Serialize)]
struct Row {
    index: usize,
    status: RowStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<ContactId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

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

/// Creates or updates the contact of each row of the request.
///
/// # Errors
/// As in SPEC §5. If only a single row fails, its error is in the row's result.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let viewer = request.viewer()?;
    let body: Body = request.json_up_to(MAX_BODY)?;
    if body.contacts.is_empty() || body.contacts.len() > MAX_ROWS {
        return Err(Failure::invalid("contacts", "must have 1 to 100 entries"));
    }
    let (session, outcomes) = app.contacts.sync(viewer, &body.contacts).await?;
    let rows: Vec<Row> = outcomes.into_iter().map(answer).collect();
    Ok(Reply::ok(&rows)?.with_scope(&session, Permission::ManageCustomers))
}

fn answer(outcome: RowOutcome) -> Row {
    let index = outcome.index;
    match outcome.result {
        Ok((status, id)) => Row { index, status, id: Some(id), error: None },
        Err(error) => {
            let failure = Failure::from(error);
            if failure.code().parts().1 >= 500 {
                tracing::warn!(index, error = %chain(&failure), "could not write a row of the sync request");
            }
            Row { index, status: RowStatus::Rejected, id: None, error: Some(failure.body()) }
        }
    }
}
