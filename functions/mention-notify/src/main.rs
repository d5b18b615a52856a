//! Wires `mention-notify` to the Lambda runtime.

use std::sync::Arc;

use mention_notify::{MentionWorker, Notifier};
use shared::{
    entry::{self, queue::Source},
    environment::Environment,
    note::{MentionVerifier, mention_hosts},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load().await;
    let app_url = environment.text("APP_URL")?;
    let authority = environment.authority()?;
    let hosts = mention_hosts(&app_url);
    let source = Source {
        sqs: environment.sqs(),
        url: environment.text("MENTION_QUEUE_URL")?,
        table: authority.table().clone(),
    };
    let worker = MentionWorker {
        verifier: MentionVerifier::new(authority.clone(), environment.outbox(), hosts),
        notifier: Notifier {
            authority,
            notifications: environment.notifications()?,
            dead_letters: environment.dead_letters("MENTION_DEAD_LETTERS_URL")?,
            app_url: app_url.trim_end_matches('/').to_owned(),
        },
    };
    entry::queue::serve(Arc::new(worker), source, mention_notify::handle).await
}
