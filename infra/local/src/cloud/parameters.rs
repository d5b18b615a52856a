//! The parameters and secrets that a deployment would set. In the local cloud, these functions set
//! them.

use std::collections::BTreeMap;

use crate::template::Parameters;
use crate::upstreams::{LAUNCHPAD_PASSWORD, LAUNCHPAD_USER, NOTIFICATION_API_KEY, Upstreams};

/// The `given` parameters of the template, and parameters with the URLs that only the local cloud
/// knows.
#[must_use]
pub fn local_parameters(
    given: &Parameters,
    upstreams: &Upstreams,
    gateway_url: &str,
) -> Parameters {
    let mut parameters = given.clone();
    let local = [
        ("LaunchpadUrl", upstreams.launchpad_url()),
        ("NotificationUrl", upstreams.notifications_url()),
        ("PublicUrl", gateway_url),
        ("JwtIssuer", gateway_url),
    ];
    parameters.extend(local.map(|(name, value)| (name.to_owned(), value.to_owned())));
    parameters
}

/// The values for `{{resolve:secretsmanager:…}}` in the template, by the key of the secret.
#[must_use]
pub fn secrets() -> BTreeMap<String, String> {
    [
        ("launchpad_user", LAUNCHPAD_USER),
        ("launchpad_password", LAUNCHPAD_PASSWORD),
        ("notification_api_key", NOTIFICATION_API_KEY),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}
