//! The surroundings of somebody who works on the local cloud from outside a function: the seed,
//! the control endpoints, tests.

use std::collections::HashMap;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials as SdkCredentials;
use shared::{clock::Clock, environment::Environment};

use crate::aws::{Issued, REGION};

/// Surroundings that call the emulators at `endpoint_url` with these keys, and see `variables`.
pub async fn environment(
    endpoint_url: &str,
    keys: &Issued,
    clock: Clock,
    variables: HashMap<String, String>,
) -> Environment {
    let credentials =
        SdkCredentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "local");
    let sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(endpoint_url)
        .credentials_provider(credentials);
    Environment::with(sdk, clock, variables).await
}
