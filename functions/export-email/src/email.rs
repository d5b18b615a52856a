use std::time::Duration;

use aws_sdk_ses::{
    error::{ProvideErrorMetadata, SdkError},
    operation::send_raw_email::SendRawEmailError,
    primitives::Blob,
    types::RawMessage,
};
use jiff::tz::TimeZone;
use shared::{
    export::{FailureCode, Job},
    mail::{Attachment, Context, ExportMail, MailError, Mailbox},
};

use crate::{App, Outcome};

/// The wait after SES would not take more for now.
const THROTTLED: Duration = Duration::from_secs(20);

/// Emails the job's end: with its file when the message stays small enough, and with the link
/// alone otherwise, also when SES refuses the file. No link means that there is no file.
pub(crate) async fn send(app: &App, job: &Job, link: Option<&str>) -> Outcome {
    let sent = match link {
        Some(link) => ready(app, job, link).await,
        None => failed(app, job).await,
    };
    sent.unwrap_or_else(|error| {
        tracing::warn!(job_id = %job.id, %error, "the email cannot be composed");
        Outcome::Refused
    })
}

async fn ready(app: &App, job: &Job, link: &str) -> Result<Outcome, MailError> {
    let letter = Letter::new(app, job)?;
    let context = letter.context();
    let content_type = job.format.content_type();
    if ready_mail(job, link, None).attaches(&context, content_type)?
        && let Some(bytes) = file(app, job).await
    {
        let attachment = Attachment { file_name: &job.file_name, content_type, bytes: &bytes };
        let with_file = ready_mail(job, link, Some(attachment)).compose(&context)?;
        match letter.post(app, with_file.raw).await {
            Outcome::Refused => {}
            other => return Ok(other),
        }
    }
    Ok(letter.post(app, ready_mail(job, link, None).compose(&context)?.raw).await)
}

fn ready_mail<'a>(
    job: &'a Job,
    link: &'a str,
    attachment: Option<Attachment<'a>>,
) -> ExportMail<'a> {
    ExportMail::Ready {
        file_name: &job.file_name,
        rows: job.rows,
        skipped: job.skipped,
        cut_cells: job.cut_cells,
        size_bytes: job.size_bytes.unwrap_or_default(),
        link,
        expires_at: job.expires_at.unwrap_or(job.created_at),
        attachment,
    }
}

async fn failed(app: &App, job: &Job) -> Result<Outcome, MailError> {
    let letter = Letter::new(app, job)?;
    let failure = job.error.unwrap_or(FailureCode::ExportFailed);
    let mail =
        ExportMail::Failed { file_name: &job.file_name, failure, requested_at: job.created_at };
    Ok(letter.post(app, mail.compose(&letter.context())?.raw).await)
}

/// The file to attach; one that cannot be read is left to the link.
async fn file(app: &App, job: &Job) -> Option<Vec<u8>> {
    match app.files.read(&job.object_key()).await {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            tracing::warn!(job_id = %job.id, %error, "the file cannot be attached");
            None
        }
    }
}

/// An email's addresses and what its words depend on.
struct Letter<'a> {
    from: &'a Mailbox,
    to: Mailbox,
    zone: TimeZone,
    job: &'a Job,
    job_id: String,
    now: jiff::Timestamp,
}

impl<'a> Letter<'a> {
    fn new(app: &'a App, job: &'a Job) -> Result<Self, MailError> {
        let address = job.email.as_deref().unwrap_or_default();
        Ok(Self {
            from: &app.sender,
            to: Mailbox::new("recipient", job.user_name.as_deref(), address)?,
            zone: TimeZone::get(&job.time_zone).unwrap_or(TimeZone::UTC),
            job,
            job_id: job.id.to_string(),
            now: app.clock.now(),
        })
    }

    fn context(&self) -> Context<'_> {
        Context {
            from: self.from,
            to: &self.to,
            job_id: &self.job_id,
            locale: self.job.locale,
            time_zone: &self.zone,
            now: self.now,
        }
    }

    async fn post(&self, app: &App, raw: Vec<u8>) -> Outcome {
        let Ok(message) = RawMessage::builder().data(Blob::new(raw)).build() else {
            return Outcome::Refused;
        };
        let sent = app
            .ses
            .send_raw_email()
            .source(self.from.address())
            .destinations(self.to.address())
            .raw_message(message)
            .send()
            .await;
        sent.map_or_else(|error| classify(&error), |_| Outcome::Sent)
    }
}

/// What an error of SES says about the email: it was not taken when SES says so, and nobody knows
/// when the answer is missing or is none.
fn classify(error: &SdkError<SendRawEmailError>) -> Outcome {
    let code = error.code().unwrap_or_default();
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let outcome = match error {
        SdkError::ConstructionFailure(_) => Outcome::Refused,
        SdkError::ServiceError(_) => outcome_of(code, status),
        _ => Outcome::Unknown,
    };
    // The code alone: SES's words may hold the address.
    tracing::warn!(code, status, ?outcome, "SES did not take an email");
    outcome
}

fn outcome_of(code: &str, status: u16) -> Outcome {
    match code {
        "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "ServiceUnavailable"
        | "AccountSendingPausedException" => Outcome::NotSent(THROTTLED),
        _ if (400..500).contains(&status) => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ses_surely_did_not_take_is_sent_again() {
        for (code, status, outcome) in [
            ("Throttling", 400, Outcome::NotSent(THROTTLED)),
            ("ServiceUnavailable", 503, Outcome::NotSent(THROTTLED)),
            ("MessageRejected", 400, Outcome::Refused),
            ("InvalidParameterValue", 400, Outcome::Refused),
            ("InternalFailure", 500, Outcome::Unknown),
            ("", 502, Outcome::Unknown),
            ("", 0, Outcome::Unknown),
        ] {
            assert_eq!(outcome_of(code, status), outcome, "{code} {status}");
        }
    }
}
