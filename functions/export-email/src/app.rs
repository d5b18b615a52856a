use shared::{
    clock::Clock,
    directory::Directory,
    environment::{Environment, StartError},
    export::{Files, Jobs},
    mail::Mailbox,
    notification::Notifications,
};

/// What the function needs, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    /// The jobs in the table.
    pub jobs: Jobs,
    /// The bucket of the files.
    pub files: Files,
    /// Launchpad, for the company's id in notifications.
    pub directory: Directory,
    /// The notification service, for the in-app channel.
    pub notifications: Notifications,
    /// SES, for the email channel. This client must not retry: a retry could send an email twice.
    pub ses: aws_sdk_ses::Client,
    /// The current time.
    pub clock: Clock,
    /// The sender of the emails.
    pub sender: Mailbox,
    /// The base URL of download links, without a slash at its end.
    pub public_url: String,
    /// The `notif_category` of the notifications.
    pub category: String,
}

impl App {
    /// Creates the function's services from its environment variables.
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
                |error| StartError::Invalid { name: "MAIL_FROM", reason: error.to_string() },
            )?,
            public_url: environment.text("PUBLIC_URL")?.trim_end_matches('/').to_owned(),
            category: environment.text("DOWNLOAD_CATEGORY")?,
        })
    }
}
