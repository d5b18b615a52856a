//! `backfill`: uploads the files of the legacy CRM to the bucket of a running local cloud, invokes
//! the backfill function and returns its report.

use std::{path::PathBuf, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{ApiResponse, Client, ClientError};
use crate::demo_company;

/// Pause between two checks of whether the report is ready.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// The reason why a backfill failed.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// A file cannot be read.
    #[error("{file} cannot be read: {source}")]
    File {
        /// Path of the file.
        file: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A request to the local cloud failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The function did not start the backfill.
    #[error("{0}")]
    Refused(String),
}

/// The parameters of a backfill.
#[derive(Clone, Debug)]
pub struct Backfill {
    /// The mode: `dry_run`, `apply` or `revert`.
    pub mode: String,
    /// The handle of a demo company, or the SSO id of any company.
    pub company: String,
    /// The CSV files of people and of teams, in this order; `None` for a revert, which needs no
    /// files.
    pub files: Option<(PathBuf, PathBuf)>,
}

/// Runs a backfill and returns its report.
pub async fn run(
    gateway: &Client,
    lambda: &Client,
    backfill: &Backfill,
) -> Result<Value, BackfillError> {
    let company = match uuid::Uuid::try_parse(&backfill.company) {
        Ok(_) => backfill.company.clone(),
        Err(_) => demo_company::id("company", &backfill.company),
    };
    let mut event = json!({ "company_sso_id": company, "mode": backfill.mode });
    if let Some((people, teams)) = &backfill.files {
        for (name, file) in [("people", people), ("teams", teams)] {
            let content = std::fs::read(file).map_err(|source| BackfillError::File {
                file: file.display().to_string(),
                source,
            })?;
            let key = format!("private/backfill/{company}/{name}.csv");
            gateway.put(&format!("/_local/objects/{key}"), content).await?;
            event[format!("{name}_key")] = json!(key);
        }
    }
    let path = "/2015-03-31/functions/TeamBackfill/invocations";
    let response = lambda.call(Method::POST, path, Some(&event)).await?;
    let Some(key) = response.body["report_key"].as_str() else {
        let message = response.body["errorMessage"].as_str().map(str::to_owned);
        return Err(BackfillError::Refused(message.unwrap_or_else(|| response.body.to_string())));
    };
    loop {
        let path = format!("/_local/objects/{key}");
        let ApiResponse { status, body, .. } = gateway.call(Method::GET, &path, None).await?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
