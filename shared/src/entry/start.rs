//! Starts a function's process: it sets up logging, reads the environment, creates the function's
//! services and opens connections, in this order.

use std::{future::Future, pin::Pin, sync::Arc};

use lambda_runtime::Diagnostic;

use super::{event::Event, log};
use crate::{
    environment::{Environment, StartError},
    error::chain,
};

/// A function that handles one Lambda event.
pub(super) type Handler<R> =
    Box<dyn Fn(Event) -> Pin<Box<dyn Future<Output = Result<R, Diagnostic>>>>>;

/// The future that ends when the runtime ends.
pub(super) type Served = Pin<Box<dyn Future<Output = Result<(), lambda_runtime::Error>>>>;

/// Starts a function. `wire` creates the function's services from the environment. A function that
/// cannot start logs the error once and exits; Lambda starts it again.
pub(super) async fn start<A>(
    wire: impl FnOnce(&Environment) -> Result<A, StartError>,
) -> Result<(Arc<A>, Environment), StartError> {
    log::init();
    let started = async {
        let environment = Environment::load()?;
        environment.name_metrics();
        let app = wire(&environment)?;
        environment.connect().await?;
        Ok((Arc::new(app), environment))
    };
    started.await.inspect_err(|error| {
        tracing::error!(error = %chain(error), "the function could not start");
    })
}
