//! The in-app notification about a finished export.

use shared::{
    error::chain,
    export::Job,
    locale::Locale,
    notification::{Notification, NotificationError, NotificationRoute},
};

use crate::{
    app::App,
    outcome::{Deliverable, Outcome},
};

/// A composed notification in the application.
pub(crate) struct InApp {
    job: String,
    body: Notification,
}

/// Composes the notification that the file can be downloaded. If `link` is `None`, there is no
/// file, and the notification is refused.
pub(crate) async fn compose(app: &App, job: &Job, link: Option<&str>) -> Result<InApp, Outcome> {
    let link = link.ok_or(Outcome::Refused)?;
    let company = app.directory.company(&job.company).await.map_err(|error| {
        tracing::warn!(
            job_id = %job.id,
            error = %chain(&error),
            "could not load the company's id for the notification"
        );
        Outcome::NotSent(None)
    })?;
    let category = app.category.clone();
    let body = Notification::open_url(link.to_owned(), job.user, company.id, category, texts(job));
    Ok(InApp { job: job.id.to_string(), body })
}

impl Deliverable for InApp {
    async fn send(self, app: &App) -> Outcome {
        match app.notifications.send(NotificationRoute::Export, &self.job, &self.body).await {
            Ok(_) => Outcome::Sent,
            Err(error) => {
                tracing::warn!(
                    job_id = self.job,
                    error = %chain(&error),
                    "the notification service did not accept the notification"
                );
                outcome(&error)
            }
        }
    }
}

/// Converts an error of the notification service to an outcome. If the service returned an error or
/// was never reached, it did not accept the notification. If it did not respond, the outcome is
/// unknown.
fn outcome(error: &NotificationError) -> Outcome {
    match error {
        NotificationError::RateLimited { retry_after } => Outcome::NotSent(*retry_after),
        NotificationError::Unavailable(_) | NotificationError::Unreachable(_) => {
            Outcome::NotSent(None)
        }
        NotificationError::Timeout(_) | NotificationError::Broken(_) => Outcome::Unknown,
        NotificationError::Rejected(_) => Outcome::Refused,
    }
}

/// The title and the description of the notification.
fn texts(job: &Job) -> (String, String) {
    let (name, rows) = (&job.file_name, job.rows);
    match job.locale {
        Locale::En => {
            ("Your contact export is ready".to_owned(), format!("{name}, contacts: {rows}"))
        }
        Locale::Id => {
            ("Ekspor kontak Anda sudah siap".to_owned(), format!("{name}, kontak: {rows}"))
        }
    }
}
