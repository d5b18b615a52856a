//! A bare function with the clients of DynamoDB and S3.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let environment = bare::environment()?;
    let (table, bucket) = (environment.table()?, environment.s3());
    bare::serve(async || {
        bare::read(&table).await?;
        bucket.get_object().bucket("bucket").key("key").send().await?;
        Ok(())
    })
    .await
}
