//! `GET /d/{token}`: follows a capability link, without a sign-in (SPEC §4).

use std::sync::Arc;

use shared::{
    clock::Clock,
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
    event,
    export::{Files, Jobs, LinkToken},
};

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    /// Where links and jobs stand.
    pub jobs: Jobs,
    /// Where the files are.
    pub files: Files,
    /// Tells whether a link has expired.
    pub clock: Clock,
}

impl App {
    /// What the function works with in these surroundings.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn new(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self {
            jobs: Jobs::new(environment.table()?),
            files: environment.files()?,
            clock: environment.clock(),
        })
    }
}

/// Leads to the file, at an address that is made now and works for ten minutes: one made earlier
/// with a function's temporary credentials would have died with them.
///
/// # Errors
/// 404 for a token that nobody was given, 410 for a file that is gone.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let token: LinkToken = request.path("token")?;
    let job = app.jobs.follow(&token).await?.ok_or_else(Failure::not_found)?;
    let address = app.files.download_url(&job, app.clock.now()).await.map_err(|error| {
        let message = "the file cannot be had at the moment, try again";
        Failure::new(Code::Unavailable, message).with_source(error)
    })?;
    let gone = || Failure::new(Code::ExportExpired, "the file has expired: export again");
    let reply = Reply::redirect(&address.ok_or_else(gone)?)?;
    event::export_link_opened(&job, request.source_ip());
    Ok(reply)
}
