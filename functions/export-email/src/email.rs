//! The email with the result of an export.

use std::time::Duration;

use aws_sdk_ses::{
    error::{ProvideErrorMetadata, SdkError},
    operation::send_raw_email::SendRawEmailError,
    primitives::Blob,
    types::RawMessage,
};
use jiff::tz::TimeZone;
use shared::{
    aws::CallError,
    error::chain,
    export::{FailureCode, Job},
    http_client,
    mail::{Attachment, Context, ExportMail, MailError, Mailbox},
};
use tokio::time::timeout;

use crate::{
    app::App,
    outcome::{Deliverable, Outcome},
};

/// The maximum time for reading the file to attach. If it is exceeded, the email contains only the
/// link.
const READ_TIME: Duration = Duration::from_secs(15);

/// A composed email.
pub(crate) struct Email {
    job: String,
    to: String,
    raw: Vec<u8>,
    /// The message without the attachment, to send if SES refuses the message with it. `None` if
    /// the message has no attachment.
    without_file: Option<Vec<u8>>,
}

/// Composes the email with the job's result. The file is attached if the message is small enough;
/// otherwise the email contains only the link. If `link` is `None`, the email reports that the
/// export failed.
pub(crate) async fn compose(app: &App, job: &Job, link: Option<&str>) -> Result<Email, Outcome> {
    let composed = match link {
        Some(link) => ready(app, job, link).await,
        None => failed(app, job),
    };
    composed.map_err(|error| {
        tracing::warn!(job_id = %job.id, error = %chain(&error), "could not compose the email");
        Outcome::Refused
    })
}

async fn ready(app: &App, job: &Job, link: &str) -> Result<Email, MailError> {
    let letter = Letter::new(app, job)?;
    let context = letter.context();
    let content_type = job.format.content_type();
    let with_link = ready_mail(job, link, None).compose(&context)?.raw;
    if !ready_mail(job, link, None).fits_with_attachment(&context, content_type)? {
        return Ok(letter.email(with_link, None));
    }
    let Some(bytes) = file(app, job).await else { return Ok(letter.email(with_link, None)) };
    let attachment = Attachment { file_name: &job.file_name, content_type, bytes: &bytes };
    let with_file = ready_mail(job, link, Some(attachment)).compose(&context)?.raw;
    Ok(letter.email(with_file, Some(with_link)))
}

impl Deliverable for Email {
    /// Sends the email. If SES refuses it, sends the message without the attachment.
    async fn send(self, app: &App) -> Outcome {
        let outcome = self.post(app, self.raw.clone()).await;
        match &self.without_file {
            Some(raw) if outcome == Outcome::Refused => self.post(app, raw.clone()).await,
            _ => outcome,
        }
    }
}

impl Email {
    async fn post(&self, app: &App, raw: Vec<u8>) -> Outcome {
        let message = match RawMessage::builder().data(Blob::new(raw)).build() {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(
                    job_id = self.job,
                    error = %chain(&error),
                    "could not build the request to SES"
                );
                return Outcome::Refused;
            }
        };
        let sent = app
            .ses
            .send_raw_email()
            .source(app.sender.address())
            .configuration_set_name(&app.configuration_set)
            .destinations(&self.to)
            .raw_message(message)
            .send()
            .await;
        sent.map_or_else(|error| classify(&error, &self.job), |_| Outcome::Sent)
    }
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

fn failed(app: &App, job: &Job) -> Result<Email, MailError> {
    let letter = Letter::new(app, job)?;
    let failure = job.error.unwrap_or(FailureCode::ExportFailed);
    let mail =
        ExportMail::Failed { file_name: &job.file_name, failure, requested_at: job.created_at };
    Ok(letter.email(mail.compose(&letter.context())?.raw, None))
}

/// Reads the file to attach; `None` if it could not be read.
async fn file(app: &App, job: &Job) -> Option<Vec<u8>> {
    match timeout(READ_TIME, app.files.read(&job.object_key())).await {
        Ok(Ok(bytes)) => return Some(bytes),
        Ok(Err(error)) => {
            tracing::warn!(
                job_id = %job.id,
                error = %chain(&error),
                "could not read the export file to attach it; the email is sent with the link only"
            );
        }
        Err(_) => {
            tracing::warn!(
                job_id = %job.id,
                "could not read the export file in time to attach it; the email is sent with the \
                 link only"
            );
        }
    }
    None
}

/// The data that all emails need: the addresses, the time zone and the job.
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
            company: self.job.company_name.as_deref(),
            job_id: &self.job_id,
            locale: self.job.locale,
            time_zone: &self.zone,
            now: self.now,
        }
    }

    fn email(&self, raw: Vec<u8>, without_file: Option<Vec<u8>>) -> Email {
        let to = self.to.address().to_owned();
        Email { job: self.job_id.clone(), to, raw, without_file }
    }
}

/// Converts an error of SES to an outcome. If SES refused the email or was never reached, the email
/// was not accepted. If there is no response, or it cannot be read, the outcome is unknown.
fn classify(error: &SdkError<SendRawEmailError>, job_id: &str) -> Outcome {
    let code = error.code().unwrap_or_default();
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let outcome = match error {
        SdkError::ConstructionFailure(_) => Outcome::Refused,
        SdkError::ServiceError(_) => outcome_of(code, status),
        error if http_client::never_connected(error) => Outcome::NotSent(None),
        _ => Outcome::Unknown,
    };
    // The message in SES's error is not logged, because it may contain the email address.
    let cause = CallError::new(error);
    tracing::warn!(
        job_id,
        code,
        status,
        ?outcome,
        error = %chain(&cause),
        "SES did not accept an email"
    );
    outcome
}

/// The SES error codes for a refused message that SES may accept later.
const RETRYABLE: [&str; 5] = [
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "ServiceUnavailable",
    "AccountSendingPausedException",
];

fn outcome_of(code: &str, status: u16) -> Outcome {
    match status {
        _ if RETRYABLE.contains(&code) => Outcome::NotSent(None),
        // The function lacks a permission, which an operator must add. The message itself is valid.
        401 | 403 | 429 => Outcome::NotSent(None),
        400..500 => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ses_surely_did_not_take_is_sent_again() {
        for (code, status, outcome) in [
            ("Throttling", 400, Outcome::NotSent(None)),
            ("ServiceUnavailable", 503, Outcome::NotSent(None)),
            ("AccessDenied", 403, Outcome::NotSent(None)),
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
