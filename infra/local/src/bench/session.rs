//! A running local cloud with the data of a benchmark.

use reqwest::Method;
use serde_json::Value;

use super::company;
use super::error::BenchError;
use crate::client::{ApiResponse, Client};
use crate::cloud::{LocalCloud, Options};

/// A running local cloud that contains the company of the benchmark.
pub(super) struct Session {
    pub(super) cloud: LocalCloud,
    /// A client without a token, for the `/_local` endpoints.
    pub(super) anonymous: Client,
    /// The folder of a large company's data, which is deleted with the session.
    _disk: Option<tempfile::TempDir>,
}

/// The maximum number of contacts that a session keeps in memory.
const MAX_IN_MEMORY: usize = 200_000;

impl Session {
    pub(super) async fn start(options: &Options, contacts: usize) -> Result<Self, BenchError> {
        // A large company does not fit into memory, so it is kept on disk until the session ends.
        let disk = (contacts > MAX_IN_MEMORY).then(tempfile::tempdir).transpose();
        let disk = disk.map_err(|error| {
            BenchError::Response(format!("no temporary folder for the data: {error}"))
        })?;
        let data = disk.as_ref().map(|folder| folder.path().to_owned());
        let options = Options { data: data.or_else(|| options.data.clone()), ..options.clone() };
        let cloud = LocalCloud::start(options).await?;
        let anonymous = Client::new(cloud.gateway_url())?;
        anonymous.fetch(Method::POST, "/_local/directory", Some(&company::people())).await?;
        company::load(&cloud, contacts)?;
        Ok(Self { cloud, anonymous, _disk: disk })
    }

    pub(super) async fn sign_in(&self, user: &str) -> Result<Client, BenchError> {
        Ok(self.anonymous.sign_in(user).await?)
    }
}

/// The id of the first contact in a user's list.
pub(super) async fn first_contact(client: &Client) -> Result<String, BenchError> {
    let list = client.fetch(Method::GET, "/cdp/customers?limit=1", None).await?;
    let id = list["data"][0]["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| BenchError::Response("the list of contacts is empty".to_owned()))
}

/// Returns the body of a successful response, or an error that contains the name of the request.
pub(super) fn succeeded(request: &str, response: ApiResponse) -> Result<Value, BenchError> {
    if response.status.is_success() {
        return Ok(response.body);
    }
    let message = format!("{request} returned {}: {}", response.status, response.body);
    Err(BenchError::Response(message))
}
