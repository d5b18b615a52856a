//! `GET /d/{token}`: redirects from a download link to the file, without a sign-in (SPEC §4).

use std::sync::Arc;

use shared::{
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
    export::{ExportStore, LinkToken, event},
};

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    store: ExportStore,
}

impl App {
    /// Creates the dependencies from the environment variables.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { store: environment.export_store()? })
    }
}

/// Redirects the client to a signed URL of the file. The URL is created for each request and is
/// valid for ten minutes. It cannot be created earlier, because it would expire together with the
/// function's temporary credentials.
///
/// # Errors
/// 404 for an unknown token, 410 for a file that has expired.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let token: LinkToken = request.path("token")?;
    let job = app.store.jobs.follow(&token).await?.ok_or_else(Failure::not_found)?;
    let expired =
        || Failure::new(Code::ExportExpired, "the export file has expired; request a new export");
    let reply = Reply::redirect(&app.store.download_url(&job).await?.ok_or_else(expired)?);
    event::export_link_opened(&job, request.source_ip());
    Ok(reply)
}
