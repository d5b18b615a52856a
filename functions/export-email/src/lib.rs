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
    notification::Notifications,
    table::TableError,
};

/// How often a telling that was surely not taken is tried.
const MAX_TRIES: u32 = 8;
/// After this long a claim that somebody else holds is looked at again.
const BUSY: Duration = Duration::from_secs(95);

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
    /// What the function works with in these surroundings.
    ///
    /// # Errors
    /// When a variable is missing or wrong.
    pub fn new(environment: &Environment) -> Result<Self, StartError> {
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
pub enum TellError {
    /// Somebody else is telling at the moment.
    #[error("somebody else is telling at the moment")]
    Busy,
    /// The channel took nothing; later it may.
    #[error("the {0:?} channel takes nothing at the moment")]
    Later(Channel, Duration),
    /// The table's trouble.
    #[error(transparent)]
    Table(#[from] TableError),
    /// No link could be made.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl TellError {
    fn after(&self) -> Option<Duration> {
        match self {
            Self::Busy => Some(BUSY),
            Self::Later(_, after) => Some(*after),
            Self::Table(_) | Self::Link(_) => None,
        }
    }
}

/// How an attempt to tell ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// It was taken.
    Sent,
    /// It was surely not taken, and may be after a while.
    NotSent(Duration),
    /// It will not be taken.
    Refused,
    /// Nobody can know.
    Unknown,
}

/// Tells one job's end over the channels that have not told it yet, side by side.
///
/// # Errors
/// [`TellError`] when a channel is to be tried again.
pub async fn handle(app: Arc<App>, message: Message<JobRef>) -> Result<(), TellError> {
    let Some(job) = app.jobs.get(&message.body).await? else { return Ok(()) };
    let open = |status| matches!(status, Delivery::Pending | Delivery::Sending);
    if !open(job.email_status) && !open(job.notification_status) {
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
    let last = message.receive_count >= MAX_TRIES;
    let by_email = email::send(&app, &job, link.as_deref());
    let (email, in_app) = tokio::join!(
        app.tell(&job, Channel::Email, last, by_email),
        app.tell(&job, Channel::InApp, last, async {
            match &link {
                Some(link) => in_app::send(&app, &job, link).await,
                None => Outcome::Refused,
            }
        })
    );
    let failed: Vec<TellError> = [email, in_app].into_iter().filter_map(Result::err).collect();
    if let Some(after) = failed.iter().filter_map(TellError::after).max() {
        message.hold.set_visibility(after).await;
    }
    failed.into_iter().next().map_or(Ok(()), Err)
}

impl App {
    /// Claims a channel, tells, and says how it ended. With the `last` try, what could not be told
    /// has failed.
    async fn tell(
        &self,
        job: &Job,
        channel: Channel,
        last: bool,
        send: impl Future<Output = Outcome>,
    ) -> Result<(), TellError> {
        match self.jobs.claim_delivery(&job.at(), channel, self.clock.now()).await? {
            DeliveryClaim::Over => return Ok(()),
            DeliveryClaim::Busy => return Err(TellError::Busy),
            DeliveryClaim::Held => {}
        }
        let outcome = send.await;
        let (status, later) = match outcome {
            Outcome::Sent => (Delivery::Sent, None),
            Outcome::NotSent(after) if !last => (Delivery::Pending, Some(after)),
            Outcome::NotSent(_) | Outcome::Refused => (Delivery::Failed, None),
            Outcome::Unknown => (Delivery::Unknown, None),
        };
        tracing::info!(job_id = %job.id, ?channel, ?outcome, "told");
        self.jobs.settle_delivery(&job.at(), channel, status, self.clock.now()).await?;
        later.map_or(Ok(()), |after| Err(TellError::Later(channel, after)))
    }
}
