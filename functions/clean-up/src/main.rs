//! Wires `clean-up` to the Lambda runtime.

use std::sync::Arc;

use clean_up::App;
use shared::{entry, environment::Environment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    entry::init_log();
    let environment = Environment::load()?;
    let app = App::new(&environment)?;
    entry::direct::serve(Arc::new(app), clean_up::handle).await
}
