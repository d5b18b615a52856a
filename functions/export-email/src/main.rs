//! Wires `export-email` to the Lambda runtime.

use std::sync::Arc;

use export_email::App;
use shared::{
    entry::{self, queue::Source},
    environment::Environment,
    export::Jobs,
    mail::Mailbox,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load().await;
    let table = environment.table()?;
    let source = Source {
        sqs: environment.sqs(),
        url: environment.text("EXPORT_EMAIL_QUEUE_URL")?,
        table: table.clone(),
    };
    let app = App {
        jobs: Jobs::new(table),
        files: environment.files()?,
        directory: environment.directory()?,
        notifications: environment.notifications()?,
        ses: environment.ses(),
        clock: environment.clock(),
        sender: Mailbox::new("sender", None, &environment.text("MAIL_FROM")?)?,
        public_url: environment.text("PUBLIC_URL")?.trim_end_matches('/').to_owned(),
        category: environment.text("DOWNLOAD_CATEGORY")?,
    };
    entry::queue::serve(Arc::new(app), source, export_email::handle).await
}
