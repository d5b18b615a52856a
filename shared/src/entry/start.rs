//! How a process starts: logging, the environment, what the function is wired with, and open
//! connections, in this order.

use std::sync::Arc;

use super::log;
use crate::{
    environment::{Environment, StartError},
    error::chain,
};

/// Starts a function: `wire` builds what it works with from the environment. A function that cannot
/// start logs why, once, and ends; Lambda starts it again.
///
/// # Errors
/// [`StartError`] when a variable is missing or wrong.
pub(super) async fn start<A>(
    wire: impl FnOnce(&Environment) -> Result<A, StartError>,
) -> Result<(Arc<A>, Environment), StartError> {
    log::init();
    let started = async {
        let environment = Environment::load()?;
        let app = wire(&environment)?;
        environment.connect().await?;
        Ok((Arc::new(app), environment))
    };
    started.await.inspect_err(|error| {
        tracing::error!(error = %chain(error), "the function could not start");
    })
}
