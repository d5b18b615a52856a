//! With DynamoDB and S3.

use shared::environment::Environment;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::load()?;
    bare::serve((environment.table()?, environment.s3())).await
}
