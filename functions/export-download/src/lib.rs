//! `GET` and `HEAD /d/{token}`: redirects from a download link to the file, without a sign-in (SPEC
//! §4).

mod page;

use std::sync::Arc;

use shared::{
    entry::{Code, Failure, Reply, http::Request},
    environment::{Environment, StartError},
    export::{ExportStore, LinkToken, event},
    locale::Locale,
};

use page::Missing;

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
/// function's temporary credentials. A `HEAD` request gets a URL for `HEAD`, and does not count as
/// opening the link. For a link without a file, a browser gets a page.
///
/// # Errors
/// 404 for an unknown token, 410 for a file that has expired.
pub async fn handle(app: Arc<App>, request: Request) -> Result<Reply, Failure> {
    let is_head = request.method() == "HEAD";
    let job = match request.path::<LinkToken>("token") {
        Ok(token) => app.store.jobs.follow(&token).await?,
        Err(_) => None,
    };
    let Some(job) = job else { return missing(&request, Missing::Unknown, None) };
    let url = match is_head {
        true => app.store.head_url(&job).await?,
        false => app.store.download_url(&job).await?,
    };
    let Some(url) = url else { return missing(&request, Missing::Expired, Some(job.locale)) };
    if !is_head {
        event::export_link_opened(&job, request.source_ip());
    }
    Ok(Reply::redirect(&url))
}

/// The answer for a link without a file: a page for a browser, otherwise an error. `locale` is the
/// language of the job, if it is known.
fn missing(request: &Request, missing: Missing, locale: Option<Locale>) -> Result<Reply, Failure> {
    // A header that is not ASCII names no type or language that matters here.
    let header = |name| request.header(name).ok().flatten();
    if request.method() != "HEAD" && page::is_browser(header("accept")) {
        let locale = locale.unwrap_or_else(|| page::browser_locale(header("accept-language")));
        return Ok(Reply::page(missing.status(), missing.page(locale)));
    }
    Err(match missing {
        Missing::Unknown => Failure::not_found(),
        Missing::Expired => {
            let message = "the export file has expired; request a new export";
            Failure::new(Code::ExportExpired, message)
        }
    })
}
