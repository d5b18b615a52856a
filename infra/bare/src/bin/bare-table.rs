//! A bare function with the clients of DynamoDB and Launchpad.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let environment = bare::environment()?;
    let (table, directory) = (environment.table()?, environment.directory()?);
    bare::serve(async || {
        bare::read(&table).await?;
        bare::request(&directory).await
    })
    .await
}
