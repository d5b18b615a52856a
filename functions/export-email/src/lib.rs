//! Tells how an export ended: by email, and in the application when its file is there (SPEC §4).

mod email;
mod in_app;

use std::{sync::Arc, time::Duration};

use shared::{
    clock::Clock,
    directory::Directory,
    entry::queue::Message,
    environment::{Environment, StartError},
    export::{Channel, Delivery, DeliveryClaim, Files, Job, JobRef, Jobs, LinkError, Status},
    mail::Mailbox,
    metric::{self, Slice},
    notification::Notifications,
    table::TableError,
};

/// How often a telling that was surely not taken is tried: for two hours and a half.
const MAX_TRIES: u32 = 16;
/// The pause before the second try, where the channel asks for none; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(20);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// After this long a claim that somebody else holds is looked at again.
const BUSY: Duration = Duration::from_secs(95);

/// The environment variable with the URL of the queue that feeds the function.
pub const QUEUE_URL: &str = "EXPORT_EMAIL_QUEUE_URL";

/// What the function works with.
#[derive(Clone, Debug)]
pub struct App {
    /// Where jobs stand.
    pub jobs: Jobs,
    /// Where the files are.
    pub files: Files,
    /// Tells the company's id for notifications.
    pub directory: Directory,
    /// The in-app channel.
    pub notifications: Notifications,
    /// The email channel; it must not retry by itself.
    pub ses: aws_sdk_ses::Client,
    /// The time.
    pub clock: Clock,
    /// Who sends the emails.
    pub sender: Mailbox,
    /// Base URL of the capability links.
    pub public_url: String,
    /// `notif_category` of downloads.
    pub category: String,
}

impl App {
    /// Wires the function.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let table = environment.table()?;
        Ok(Self {
            jobs: Jobs::new(table),
            files: environment.files()?,
            directory: environment.directory()?,
            notifications: environment.notifications()?,
            ses: environment.ses(),
            clock: environment.clock(),
            sender: Mailbox::new("sender", None, &environment.text("MAIL_FROM")?).map_err(
                |error| StartError::Wrong { name: "MAIL_FROM", reason: error.to_string() },
            )?,
            public_url: environment.text("PUBLIC_URL")?.trim_end_matches('/').to_owned(),
            category: environment.text("DOWNLOAD_CATEGORY")?,
        })
    }
}

/// Why a message comes back.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Somebody else is telling at the moment.
    #[error("another worker is delivering over this channel")]
    Busy,
    /// The channel took nothing; later it may.
    #[error("the {0:?} channel did not accept the message; it will be tried again")]
    Retry(Channel, Duration),
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
    /// No link could be made.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl DeliveryError {
    fn after(&self) -> Option<Duration> {
        match self {
            Self::Busy => Some(BUSY),
            Self::Retry(_, after) => Some(*after),
            Self::Table(_) | Self::Link(_) => None,
        }
    }
}

/// How an attempt to tell ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// It was taken.
    Sent,
    /// It was surely not taken, and may be later: after a while that the channel asks for, if it
    /// does.
    NotSent(Option<Duration>),
    /// It will not be taken.
    Refused,
    /// Nobody can know.
    Unknown,
}

/// Tells one job's end over the channels that have not told it yet, side by side.
///
/// # Errors
/// [`DeliveryError`] when a channel is to be tried again.
pub async fn handle(app: Arc<App>, message: Message<JobRef>) -> Result<(), DeliveryError> {
    let Some(job) = app.jobs.get(&message.body).await? else { return Ok(()) };
    if !Channel::ALL.iter().any(|channel| channel.is_open(&job)) {
        return Ok(());
    }
    let link = match job.status {
        Status::Completed if job.available_until(app.clock.now()).is_some() => {
            let token = app.jobs.create_link(&job).await?;
            Some(format!("{}/d/{}", app.public_url, token.as_str()))
        }
        Status::Failed => None,
        // Called off or expired meanwhile: there is nothing to tell.
        _ => return Ok(()),
    };
    let tries = message.receive_count;
    let (email, in_app) = tokio::join!(
        app.deliver(&job, Channel::Email, tries, email::compose(&app, &job, link.as_deref())),
        app.deliver(&job, Channel::InApp, tries, in_app::compose(&app, &job, link.as_deref())),
    );
    let failed: Vec<DeliveryError> = [email, in_app].into_iter().filter_map(Result::err).collect();
    if let Some(after) = failed.iter().filter_map(DeliveryError::after).min() {
        message.lease.set_visibility(after).await;
    }
    failed.into_iter().next().map_or(Ok(()), Err)
}

/// What is ready to be sent over a channel.
pub(crate) trait Deliverable {
    /// Sends it, once.
    async fn send(self, app: &App) -> Outcome;
}

impl App {
    /// Composes, claims the channel, sends, and says how it ended: whatever can fail beforehand has
    /// not sent anything. With the last of the tries, what could not be told has failed.
    async fn deliver<T: Deliverable>(
        &self,
        job: &Job,
        channel: Channel,
        tries: u32,
        composing: impl Future<Output = Result<T, Outcome>>,
    ) -> Result<(), DeliveryError> {
        if !channel.is_open(job) {
            return Ok(());
        }
        let composed = composing.await;
        match self.jobs.claim_delivery(&job.at(), channel, self.clock.now()).await? {
            DeliveryClaim::Over => return Ok(()),
            DeliveryClaim::Busy => return Err(DeliveryError::Busy),
            DeliveryClaim::Held => {}
        }
        let outcome = match composed {
            Ok(deliverable) => deliverable.send(self).await,
            Err(outcome) => outcome,
        };
        let (status, retry) = match outcome {
            Outcome::Sent => (Delivery::Sent, None),
            Outcome::NotSent(after) if tries < MAX_TRIES => {
                (Delivery::Pending, Some(after.unwrap_or_else(|| pause(tries))))
            }
            Outcome::NotSent(_) | Outcome::Refused => (Delivery::Failed, None),
            Outcome::Unknown => (Delivery::Unknown, None),
        };
        tracing::info!(job_id = %job.id, ?channel, ?outcome, "delivery attempt ended");
        self.jobs.settle_delivery(&job.at(), channel, status, self.clock.now()).await?;
        if status != Delivery::Pending {
            let failed = metric::share(status != Delivery::Sent);
            metric::emit(&[Slice { by: &[], metrics: &[("ExportDeliveryFailed", "Count", failed)] }]);
        }
        retry.map_or(Ok(()), |after| Err(DeliveryError::Retry(channel, after)))
    }
}

fn pause(tries: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2u32.saturating_pow(tries.saturating_sub(1))).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_an_hour() {
        assert_eq!([1, 2, 3].map(pause).map(|pause| pause.as_secs()), [20, 40, 80]);
        assert_eq!([pause(8), pause(MAX_TRIES)], [LONGEST_PAUSE; 2]);
        let in_all: Duration = (1..MAX_TRIES).map(pause).sum();
        assert!(in_all > Duration::from_mins(150), "{in_all:?}");
    }
}
