//! `GET /d/{token}`: follows a capability link, without a sign-in (SPEC §4).

use std::sync::Arc;

use shared::{
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
    export::event,
    export::{ExportStore, LinkToken},
};

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    store: ExportStore,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { store: environment.export_store()? })
    }
}

/// Leads to the file, at an address that is made now and works for ten minutes: one made earlier
/// with a function's temporary credentials would have died with them.
///
/// # Errors
/// 404 for a token that nobody was given, 410 for a file that is gone.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let token: LinkToken = request.path("token")?;
    let job = app.store.jobs.follow(&token).await?.ok_or_else(Failure::not_found)?;
    let gone =
        || Failure::new(Code::ExportExpired, "the export file has expired; request a new export");
    let reply = Reply::redirect(&app.store.download_url(&job).await?.ok_or_else(gone)?)?;
    event::export_link_opened(&job, request.source_ip());
    Ok(reply)
}
