//! The surroundings of somebody who works on the local cloud from outside a function: the seed,
//! the control endpoints, tests.

use std::collections::HashMap;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials as SdkCredentials, provider::SharedCredentialsProvider};
use shared::{clock::Clock, environment::Environment};

use crate::aws::{Issued, REGION};

/// Surroundings that call the emulators at `endpoint_url` with these keys, and see `variables`.
#[must_use]
pub fn environment(
    http: &reqwest::Client,
    endpoint_url: &str,
    keys: &Issued,
    clock: Clock,
    variables: HashMap<String, String>,
) -> Environment {
    let credentials =
        SdkCredentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "local");
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(endpoint_url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Environment::with(http.clone(), sdk, clock, variables)
}
