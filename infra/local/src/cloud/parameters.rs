//! The parameters and secrets that a deployment would set. In the local cloud, these functions set
//! them.

use std::collections::BTreeMap;

use crate::template::{Parameters, example_parameters};
use crate::upstreams::{LAUNCHPAD_PASSWORD, LAUNCHPAD_USER, NOTIFICATION_API_KEY, Upstreams};

/// The parameters of the template: example values of those without a default, the `given` values,
/// and the URLs that only the local cloud knows. Later ones take precedence.
#[must_use]
pub fn local_parameters(
    given: &Parameters,
    upstreams: &Upstreams,
    gateway_url: &str,
) -> Parameters {
    let mut parameters = example_parameters();
    parameters.extend(given.clone());
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
