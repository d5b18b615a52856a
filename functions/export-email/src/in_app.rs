use shared::{
    error::chain,
    export::Job,
    locale::Locale,
    notification::{Channel, Notification, NotificationError},
};

use crate::{App, Outcome, Deliverable};

/// A notification in the application.
pub(crate) struct InApp {
    job: String,
    body: Notification,
}

/// The notification that the file is there; without a link there is none.
pub(crate) async fn compose(app: &App, job: &Job, link: Option<&str>) -> Result<InApp, Outcome> {
    let link = link.ok_or(Outcome::Refused)?;
    let company = app.directory.company(&job.company).await.map_err(|error| {
        tracing::warn!(job_id = %job.id, error = %chain(&error), "could not load the company's id for the notification");
        Outcome::NotSent(None)
    })?;
    let category = app.category.clone();
    let body = Notification::opening(link.to_owned(), job.user, company.id, category, words(job));
    Ok(InApp { job: job.id.to_string(), body })
}

impl Deliverable for InApp {
    async fn send(self, app: &App) -> Outcome {
        match app.notifications.send(Channel::Export, &self.job, &self.body).await {
            Ok(_) => Outcome::Sent,
            Err(error) => {
                tracing::warn!(job_id = self.job, error = %chain(&error), "the notification service did not accept the notification");
                outcome(&error)
            }
        }
    }
}

/// A service that answers with an error, or was never reached, has taken nothing; one that does not
/// answer may have.
fn outcome(error: &NotificationError) -> Outcome {
    match error {
        NotificationError::RateLimited { retry_after } => Outcome::NotSent(*retry_after),
        NotificationError::Unavailable(_) | NotificationError::Unreachable => {
            Outcome::NotSent(None)
        }
        NotificationError::Timeout | NotificationError::Broken => Outcome::Unknown,
        NotificationError::Rejected(_) => Outcome::Refused,
    }
}

/// Title and description.
fn words(job: &Job) -> (String, String) {
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
