//! The environment of a function: its AWS clients, its upstream services and the names that
//! `template.yaml` sets. A function reads its environment variables when it starts.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Display,
    str::FromStr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider,
    retry::RetryConfig, timeout::TimeoutConfig, timeout::TimeoutConfigBuilder,
};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use futures::future::join_all;
use jiff::SignedDuration;

use crate::{
    aws::ServiceVariables,
    clock::Clock,
    contact::{ContactDeleter, CursorKey, CursorKeyError, Retention},
    directory::{Directory, Launchpad},
    export::{Defaults, ExportStore, Files, Jobs},
    http_client,
    locale::Locale,
    metric,
    note::{InvalidMentions, NoteWriter, Site},
    notification::{NotificationService, Notifications},
    outbox::{DeadLetters, Outbox, Queue},
    services::Services,
    table::Table,
};

/// The reason why a function cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A required environment variable is not set.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// An environment variable has an invalid value.
    #[error("the environment variable {name} is invalid: {reason}")]
    Invalid {
        /// The name of the variable.
        name: &'static str,
        /// The reason why its value is invalid.
        reason: String,
    },
    /// The HTTP client could not be built.
    #[error("could not build the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// The environment of a function: its settings and the clients that are built from them. An
/// `Environment` is cheap to clone.
#[derive(Clone, Debug)]
pub struct Environment {
    sdk: SdkConfig,
    http: reqwest::Client,
    /// The client for calls of the upstream services, after its first use.
    upstream_http: Arc<OnceLock<reqwest::Client>>,
    clock: Clock,
    variables: HashMap<String, String>,
    read: Arc<Mutex<BTreeSet<&'static str>>>,
}

/// The first backoff of retried table requests; it doubles with each retry. With the SDK's default
/// of one second, six attempts would take longer than a request may.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// The time-outs of AWS calls while a user waits for the response.
fn short_timeouts() -> TimeoutConfigBuilder {
    TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(3))
}

impl Environment {
    /// Reads the environment of this process. Lambda sets the region, the credentials and the
    /// endpoints as environment variables, so the SDK's search in files, metadata and token
    /// services is left out: it would find nothing, and it would make the binary larger and every
    /// start slower.
    ///
    /// # Errors
    /// [`StartError::Http`] when the HTTP client could not be built.
    pub fn load() -> Result<Self, StartError> {
        Ok(Self::load_with(http_client::builder().build()?))
    }

    /// Reads the environment of this process as [`Environment::load`] does, for this HTTP client.
    #[must_use]
    pub fn load_with(http: reqwest::Client) -> Self {
        let variables: HashMap<String, String> = std::env::vars().collect();
        let keys = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(variables.get("AWS_REGION").cloned().map(Region::new))
            .credentials_provider(keys)
            .service_config(ServiceVariables(variables.clone()));
        sdk.set_endpoint_url(variables.get("AWS_ENDPOINT_URL").cloned());
        Self::new(http, sdk.build(), Clock::System, variables)
    }

    /// Creates an environment from an HTTP client for AWS and the upstream services, the settings
    /// of the AWS SDK, a clock and the environment variables.
    #[must_use]
    pub fn new(
        http: reqwest::Client,
        sdk: SdkConfig,
        clock: Clock,
        variables: HashMap<String, String>,
    ) -> Self {
        let sdk = sdk
            .into_builder()
            .http_client(http_client::for_sdk(http.clone()))
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .timeout_config(short_timeouts().build())
            .build();
        let upstream_http = Arc::default();
        Self { sdk, http, upstream_http, clock, variables, read: Arc::default() }
    }

    /// The client for calls of the upstream services. It is the client of the AWS SDK, unless the
    /// certificates of the upstream services are signed by a private authority (`UPSTREAM_CA`, its
    /// certificates in the PEM format, or `public`). AWS is not trusted through that authority.
    fn upstream_http(&self) -> Result<reqwest::Client, StartError> {
        if let Some(client) = self.upstream_http.get() {
            return Ok(client.clone());
        }
        let client = match self.text("UPSTREAM_CA") {
            Ok(pem) if pem != "public" => {
                let invalid = |reason| StartError::Invalid { name: "UPSTREAM_CA", reason };
                http_client::builder_trusting(&pem).map_err(invalid)?.build()?
            }
            _ => self.http.clone(),
        };
        Ok(self.upstream_http.get_or_init(|| client).clone())
    }

    /// The clock that the function uses for all times.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The value of an environment variable.
    ///
    /// # Errors
    /// [`StartError::Missing`] when the variable is not set or empty.
    pub fn text(&self, name: &'static str) -> Result<String, StartError> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        let set = self.variables.get(name).filter(|text| !text.is_empty());
        set.cloned().ok_or(StartError::Missing(name))
    }

    /// The names of the variables that the function has read so far, set or not. `template.yaml`
    /// must set exactly these variables.
    #[must_use]
    pub fn variables_read(&self) -> BTreeSet<&'static str> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The parsed value of a variable, or `default` if the variable is not set.
    ///
    /// # Errors
    /// [`StartError::Invalid`] when the value cannot be parsed.
    pub fn parsed<T>(&self, name: &'static str, default: T) -> Result<T, StartError>
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.text(name) {
            Err(_) => Ok(default),
            Ok(text) => text
                .parse()
                .map_err(|error: T::Err| StartError::Invalid { name, reason: error.to_string() }),
        }
    }

    /// Sets the CloudWatch namespace of the metrics (`METRIC_NAMESPACE`). Without the variable, the
    /// namespace is `ContactService`.
    pub(crate) fn name_metrics(&self) {
        if let Ok(name) = self.text("METRIC_NAMESPACE") {
            metric::set_namespace(name);
        }
    }

    /// The single table (`TABLE_NAME`).
    pub fn table(&self) -> Result<Table, StartError> {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.sdk).retry_config(
            RetryConfig::standard().with_max_attempts(6).with_initial_backoff(FIRST_BACKOFF),
        );
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        Ok(Table::new(client, &self.text("TABLE_NAME")?))
    }

    /// The directory in Launchpad (`LAUNCHPAD_URL`, `LAUNCHPAD_USER`, `LAUNCHPAD_PASSWORD`,
    /// `UPSTREAM_TIMEOUT_MS` with the default 500, and `TEAM_SET_TTL_SECONDS` with the default 60).
    pub fn directory(&self) -> Result<Directory, StartError> {
        let launchpad = Launchpad {
            url: self.text("LAUNCHPAD_URL")?.trim_end_matches('/').to_owned(),
            user: self.text("LAUNCHPAD_USER")?,
            password: self.text("LAUNCHPAD_PASSWORD")?,
            timeout: self.upstream_timeout()?,
            team_set_ttl: SignedDuration::from_secs(self.parsed("TEAM_SET_TTL_SECONDS", 60)?),
        };
        Ok(Directory::new(self.upstream_http()?, launchpad, self.clock()))
    }

    /// The client of the Unified Notification Service (`NOTIFICATION_URL`, `NOTIFICATION_API_KEY`
    /// and `UPSTREAM_TIMEOUT_MS`).
    pub fn notifications(&self) -> Result<Notifications, StartError> {
        let service = NotificationService {
            url: self.text("NOTIFICATION_URL")?.trim_end_matches('/').to_owned(),
            api_key: self.text("NOTIFICATION_API_KEY")?,
            timeout: self.upstream_timeout()?,
        };
        Ok(Notifications::new(self.upstream_http()?, service))
    }

    /// Opens connections to the upstream services, so that the first request can use them (SPEC
    /// §1). If a service does not respond, the start waits only for the time-out; the first request
    /// that needs the service reports the error.
    pub async fn connect(&self) -> Result<(), StartError> {
        let budget = self.upstream_timeout()?;
        let upstreams = ["LAUNCHPAD_URL", "NOTIFICATION_URL"];
        let urls = upstreams.into_iter().filter_map(|name| self.text(name).ok());
        let urls: Vec<String> = urls.collect();
        if !urls.is_empty() {
            let http = self.upstream_http()?;
            join_all(urls.into_iter().map(|url| http_client::connect(&http, url, budget))).await;
        }
        Ok(())
    }

    /// The time-out of calls to upstream services (`UPSTREAM_TIMEOUT_MS`, default 500).
    pub fn upstream_timeout(&self) -> Result<Duration, StartError> {
        Ok(Duration::from_millis(self.parsed("UPSTREAM_TIMEOUT_MS", 500)?))
    }

    /// The table, the directory and the clock.
    pub fn services(&self) -> Result<Services, StartError> {
        let (table, directory) = (self.table()?, self.directory()?);
        Ok(Services { table, directory, clock: self.clock() })
    }

    /// The key of the cursors of contact lists (`CURSOR_KEY`).
    pub fn cursor_key(&self) -> Result<CursorKey, StartError> {
        let invalid = |error: CursorKeyError| StartError::Invalid {
            name: "CURSOR_KEY",
            reason: error.to_string(),
        };
        self.text("CURSOR_KEY")?.parse().map_err(invalid)
    }

    /// Deletes and restores contacts. Deleted contacts are kept for `DELETED_RETENTION_DAYS`, 30 by
    /// default; 0 keeps them forever.
    pub fn contact_deleter(&self) -> Result<ContactDeleter, StartError> {
        let retention = self.parsed("DELETED_RETENTION_DAYS", Retention::default())?;
        Ok(ContactDeleter::new(self.services()?, retention))
    }

    /// The outbox of a function that sends messages to these queues. [`Queue::variable`] names the
    /// environment variable with the URL of a queue.
    ///
    /// # Errors
    /// [`StartError::Missing`] when the URL of a queue is not set. The function must not start
    /// without it, because only the clean-up would then send its messages, with a delay.
    pub fn outbox(&self, queues: &[Queue]) -> Result<Outbox, StartError> {
        let url = |queue: &Queue| self.text(queue.variable()).map(|url| (*queue, url));
        Ok(Outbox::new(self.sqs(), queues.iter().map(url).collect::<Result<_, _>>()?))
    }

    /// The writer of notes (`APP_URL`, `MENTION_QUEUE_URL`, and `INVALID_MENTION_POLICY`, which is
    /// `drop` by default or `reject`).
    pub fn note_writer(&self) -> Result<NoteWriter, StartError> {
        let site = Site::new(&self.text("APP_URL")?);
        let invalid = self.parsed("INVALID_MENTION_POLICY", InvalidMentions::default())?;
        let outbox = self.outbox(&[Queue::Mention])?;
        Ok(NoteWriter::new(self.services()?, outbox, site, invalid))
    }

    /// The dead-letter queue whose URL is in the variable `name`.
    pub fn dead_letters(&self, name: &'static str) -> Result<DeadLetters, StartError> {
        Ok(DeadLetters::new(self.sqs(), self.text(name)?))
    }

    /// The SQS client.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk)
    }

    /// The S3 client. Each attempt of a call may take 60 seconds, because uploading a part of a
    /// file can take that long.
    #[must_use]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let timeouts = short_timeouts().operation_attempt_timeout(Duration::from_secs(60));
        let config = aws_sdk_s3::config::Builder::from(&self.sdk).timeout_config(timeouts.build());
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// The files of exports, in the bucket `BUCKET_NAME`.
    pub fn files(&self) -> Result<Files, StartError> {
        Ok(Files::new(self.s3(), self.text("BUCKET_NAME")?))
    }

    /// The export jobs in the table and their files in the bucket.
    pub fn export_store(&self) -> Result<ExportStore, StartError> {
        Ok(ExportStore {
            jobs: Jobs::new(self.table()?),
            files: self.files()?,
            clock: self.clock(),
        })
    }

    /// The language for companies without a setting (`DEFAULT_LOCALE` with the default `en`).
    pub fn default_locale(&self) -> Result<Locale, StartError> {
        self.parsed("DEFAULT_LOCALE", Locale::En)
    }

    /// The language and the time zone of exports for users and companies without a setting
    /// (`DEFAULT_LOCALE` with the default `en`, and `DEFAULT_TIME_ZONE` with the default
    /// `Asia/Jakarta`).
    pub fn export_defaults(&self) -> Result<Defaults, StartError> {
        let locale = self.default_locale()?;
        let time_zone = self.parsed("DEFAULT_TIME_ZONE", "Asia/Jakarta".to_owned())?;
        Defaults::new(locale, &time_zone).map_err(|error| StartError::Invalid {
            name: "DEFAULT_TIME_ZONE",
            reason: error.reason,
        })
    }

    /// The SES client. It does not retry calls, because an email whose delivery is unknown must not
    /// be sent again (SPEC §4).
    #[must_use]
    pub fn ses(&self) -> aws_sdk_ses::Client {
        let timeouts = short_timeouts().operation_attempt_timeout(Duration::from_secs(40));
        let config = aws_sdk_ses::config::Builder::from(&self.sdk)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build());
        aws_sdk_ses::Client::from_conf(config.build())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        task::JoinHandle,
    };

    use super::*;
    use crate::id::CompanyId;

    fn environment(launchpad_url: &str) -> Environment {
        let variables = [
            ("LAUNCHPAD_URL", launchpad_url),
            ("LAUNCHPAD_USER", "user"),
            ("LAUNCHPAD_PASSWORD", "password"),
            ("UPSTREAM_TIMEOUT_MS", "200"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let clock = Clock::manual("2026-11-21T08:00:00Z".parse().unwrap());
        let http = http_client::builder().build().unwrap();
        Environment::new(http, SdkConfig::builder().build(), clock, variables.into())
    }

    /// Accepts one connection, responds to two requests on it, and returns their first lines.
    fn answer_twice_on_one_connection(listener: TcpListener) -> JoinHandle<Vec<String>> {
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut lines = Vec::new();
            for _ in 0..2 {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(connection.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap();
                lines.push(request.lines().next().unwrap().to_owned());
                let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
                connection.write_all(answer).await.unwrap();
            }
            lines
        })
    }

    #[tokio::test]
    async fn the_first_call_of_an_upstream_service_uses_the_connection_from_the_start() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let environment = environment(&format!("http://{}", listener.local_addr().unwrap()));
        let launchpad = answer_twice_on_one_connection(listener);
        environment.connect().await.unwrap();
        let company: CompanyId = "acme".parse().unwrap();
        assert!(environment.directory().unwrap().company(&company).await.is_err());
        let lines = launchpad.await.unwrap();
        assert_eq!(lines, ["HEAD / HTTP/1.1", "GET /private/companies/acme HTTP/1.1"]);
    }

    #[tokio::test]
    async fn an_unreachable_upstream_service_does_not_prevent_the_start() {
        environment("http://127.0.0.1:9").connect().await.unwrap();
    }

    #[tokio::test]
    async fn an_upstream_service_that_does_not_respond_delays_the_start_by_its_time_out_at_most() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let environment = environment(&format!("http://{}", listener.local_addr().unwrap()));
        let within = tokio::time::timeout(Duration::from_secs(10), environment.connect()).await;
        assert!(within.is_ok_and(|connected| connected.is_ok()));
    }
}
