use shared::{
    clock::Clock,
    directory::Directory,
    environment::{Environment, StartError},
    export::{Files, Jobs},
    mail::Mailbox,
    notification::Notifications,
};

/// The function's dependencies, created once per process.
#[derive(Clone, Debug)]
pub struct App {
    /// The jobs in the table.
    pub jobs: Jobs,
    /// The bucket with the files.
    pub files: Files,
    /// Launchpad, which returns the company's id for notifications.
    pub directory: Directory,
    /// The client of the notification service, for the in-app channel.
    pub notifications: Notifications,
    /// The client of SES, for the email channel. It must not retry, because a retry could send an
    /// email twice.
    pub ses: aws_sdk_ses::Client,
    /// The clock for the current time.
    pub clock: Clock,
    /// The sender of the emails.
    pub sender: Mailbox,
    /// The base URL of download links, without a slash at the end.
    pub public_url: String,
    /// The value of `notif_category` in notifications.
    pub category: String,
    /// The configuration set that counts bounces and complaints about the emails.
    pub configuration_set: String,
}

impl App {
    /// Creates the dependencies from the environment variables.
    pub fn from_env(environment: &Environment) -> Result<Self, StartError> {
        let table = environment.table()?;
        Ok(Self {
            jobs: Jobs::new(table),
            files: environment.files()?,
            directory: environment.directory()?,
            notifications: environment.notifications()?,
            ses: environment.ses(),
            clock: environment.clock(),
            sender: sender(environment)?,
            public_url: environment.text("PUBLIC_URL")?.trim_end_matches('/').to_owned(),
            category: environment.text("DOWNLOAD_CATEGORY")?,
            configuration_set: environment.text("MAIL_CONFIGURATION_SET")?,
        })
    }
}

/// The sender of all emails, with the product's name as display name.
fn sender(environment: &Environment) -> Result<Mailbox, StartError> {
    let (address, name) = (environment.text("MAIL_FROM")?, environment.text("MAIL_FROM_NAME")?);
    Mailbox::new("sender", Some(&name), &address)
        .map_err(|error| StartError::Invalid { name: "MAIL_FROM", reason: error.to_string() })
}
