//! A bare function with the clients of DynamoDB, S3, SQS and Launchpad.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let environment = bare::environment()?;
    let (table, directory) = (environment.table()?, environment.directory()?);
    let (bucket, queue) = (environment.s3(), environment.sqs());
    bare::serve(async || {
        bare::read(&table).await?;
        bare::request(&directory).await?;
        bucket.get_object().bucket("bucket").key("key").send().await?;
        queue.send_message().queue_url("https://queue").message_body("text").send().await?;
        Ok(())
    })
    .await
}
