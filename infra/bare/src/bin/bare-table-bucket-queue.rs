//! With DynamoDB, S3, SQS and Launchpad.

use shared::environment::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::load()?;
    let (bucket, queue) = (environment.s3(), environment.sqs());
    bare::serve((environment.table()?, bucket, queue, environment.directory()?)).await
}
