use std::time::Duration;

use shared::{
    export::Job,
    locale::Locale,
    notification::{Channel, Notification, NotificationError},
};

use crate::{App, Outcome};

/// The wait where the service asks for none.
const PAUSE: Duration = Duration::from_secs(20);

/// Notifies in the application that the file is there.
pub(crate) async fn send(app: &App, job: &Job, link: &str) -> Outcome {
    let company = match app.directory.company(&job.company).await {
        Ok(company) => company,
        Err(error) => {
            tracing::warn!(job_id = %job.id, %error, "the company's id is not known");
            return Outcome::NotSent(PAUSE);
        }
    };
    let body = Notification::opening(
        link.to_owned(),
        job.user,
        company.id,
        app.category.clone(),
        words(job),
    );
    match app.notifications.send(Channel::Export, &job.id.to_string(), &body).await {
        Ok(_) => Outcome::Sent,
        Err(error) => {
            tracing::warn!(job_id = %job.id, %error, "the notification was not taken");
            outcome(&error)
        }
    }
}

/// A service that answers with an error has taken nothing; one that does not answer may have.
fn outcome(error: &NotificationError) -> Outcome {
    match error {
        NotificationError::RateLimited { retry_after } => {
            Outcome::NotSent(retry_after.unwrap_or(PAUSE))
        }
        NotificationError::Unavailable(_) => Outcome::NotSent(PAUSE),
        NotificationError::Timeout | NotificationError::Unreachable => Outcome::Unknown,
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
