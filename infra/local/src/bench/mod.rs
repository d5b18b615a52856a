//! `bench`: what requests cost and how long they take, in a company of any size, on loopback, and
//! what a function's start costs. Each prints a Markdown table; figures are to be compared within one run only.

mod cold_start;
mod company;
mod load;
mod usage;

use reqwest::Method;
use serde_json::Value;

use crate::{
    cargo::BuildError,
    client::{Answer, Client, ClientError},
    cloud::{LocalCloud, Options, StartError},
    demo_contacts::SeedError,
    lambda::ColdStartError,
    template::TemplateError,
};

pub use cold_start::cold_start;
pub use load::{Load, load};
pub use usage::usage;

/// Why a benchmark ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The local cloud did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The company could not be put there.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The API.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The template cannot be read.
    #[error("template.yaml: {0}")]
    Template(#[from] TemplateError),
    /// The functions do not build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A program is not there.
    #[error("a program cannot be looked at: {0}")]
    Program(#[from] std::io::Error),
    /// A start could not be measured.
    #[error(transparent)]
    ColdStart(#[from] ColdStartError),
    /// An answer that a benchmark cannot go on with.
    #[error("{0}")]
    Answer(String),
}

/// A running local cloud with the benchmark's company in it.
struct Bench {
    cloud: LocalCloud,
    nobody: Client,
}

impl Bench {
    async fn start(options: &Options, contacts: usize) -> Result<Self, BenchError> {
        let cloud = LocalCloud::start(options.clone()).await?;
        let nobody = Client::new(cloud.gateway_url())?;
        nobody.fetch(Method::POST, "/_local/directory", Some(&company::people())).await?;
        company::load(&cloud, contacts)?;
        Ok(Self { cloud, nobody })
    }

    async fn sign_in(&self, user: &str) -> Result<Client, BenchError> {
        Ok(self.nobody.sign_in(user).await?)
    }
}

/// The first contact that somebody's list shows.
async fn first_contact(client: &Client) -> Result<String, BenchError> {
    let list = client.fetch(Method::GET, "/cdp/customers?limit=1", None).await?;
    let id = list["data"][0]["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| BenchError::Answer("the list is empty".to_owned()))
}

/// A success, or the reason to stop.
fn succeeded(what: &str, answer: Answer) -> Result<Value, BenchError> {
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    Err(BenchError::Answer(format!("{what} answered {}: {}", answer.status, answer.body)))
}
