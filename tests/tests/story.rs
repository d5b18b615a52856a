//! Tests the whole demo story with real function processes, as `cargo run -- demo` runs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod story {
    mod browser;
    mod exports;
    mod gateway;
    mod previous_release;
    mod privacy;
    mod removal;
    mod requests;
    mod restore;
    mod rotation;
    mod walkthrough;
}

use local::{
    LocalCloud, Options,
    demo::{self, Demo},
};
use tests::workspace;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_story_succeeds_with_real_function_processes() {
    let cloud = LocalCloud::start(Options::new(workspace())).await.unwrap();
    let demo = Demo {
        gateway_url: cloud.gateway_url().to_owned(),
        lambda_url: cloud.lambda_url().to_owned(),
        file: None,
    };
    let result = demo::run(&demo).await;
    cloud.shutdown().await;
    result.unwrap();
}
