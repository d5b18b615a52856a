//! With DynamoDB, SQS and Launchpad.

use shared::environment::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::load()?;
    bare::serve((environment.table()?, environment.sqs(), environment.directory()?)).await
}
