//! The environment of code that uses the service's clients but is not a function: the loading of
//! the demo data, the control endpoints, and tests.

use std::collections::HashMap;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials as SdkCredentials, provider::SharedCredentialsProvider};
use shared::{clock::Clock, environment::Environment};

use crate::account::REGION;
use crate::aws::Issued;

/// Creates an environment with the environment variables `variables`. Its clients call the
/// emulators at `endpoint_url` with these keys.
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
    Environment::new(http.clone(), sdk, clock, variables)
}
