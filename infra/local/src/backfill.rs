//! `backfill`: puts the legacy CRM's files into the bucket of a running local cloud, has the
//! function work them off, and tells its report.

use std::{path::PathBuf, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Answer, Client, ClientError};
use crate::demo_company;

/// How often it is looked whether the report is there.
const LOOK: Duration = Duration::from_millis(300);

/// Why a backfill was not done.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// A file cannot be read.
    #[error("{file} cannot be read: {source}")]
    File {
        /// The file.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The local cloud.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The function refused to begin.
    #[error("{0}")]
    Refused(String),
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Backfill {
    /// `dry_run`, `apply` or `revert`.
    pub mode: String,
    /// A demo company's handle, or a company's SSO id.
    pub company: String,
    /// The people's and the teams' files; a revert needs none.
    pub files: Option<(PathBuf, PathBuf)>,
}

/// Does it and returns the report.
///
/// # Errors
/// [`BackfillError`].
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
    let answer = lambda.call(Method::POST, path, Some(&event)).await?;
    let Some(key) = answer.body["report_key"].as_str() else {
        let message = answer.body["errorMessage"].as_str().map(str::to_owned);
        return Err(BackfillError::Refused(message.unwrap_or_else(|| answer.body.to_string())));
    };
    loop {
        let path = format!("/_local/objects/{key}");
        let Answer { status, body, .. } = gateway.call(Method::GET, &path, None).await?;
        if status == StatusCode::OK {
            return Ok(body);
        }
        tokio::time::sleep(LOOK).await;
    }
}
