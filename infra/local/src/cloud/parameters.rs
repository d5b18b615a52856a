//! The parameters and secrets that a deployment would set. In the local cloud, these functions set
//! them.

use std::collections::BTreeMap;

use crate::template::{Parameters, example_parameters};
use crate::upstreams::{LAUNCHPAD_PASSWORD, LAUNCHPAD_USER, NOTIFICATION_API_KEY, Upstreams};

/// Origin of the web console while it is developed (`npm run dev`).
const DEVELOPMENT_SERVER: &str = "http://127.0.0.1:5173";

/// The parameters of the template: example values of those without a default, the `given` values,
/// the URLs that only the local cloud knows, and the address of the web console if it is served. Later ones take precedence.
#[must_use]
pub fn local_parameters(
    given: &Parameters,
    upstreams: &Upstreams,
    gateway_url: &str,
    console_url: Option<&str>,
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
    if let Some(url) = console_url {
        parameters.insert("AppUrl".to_owned(), url.to_owned());
        parameters.insert("AllowOrigins".to_owned(), format!("{url},{DEVELOPMENT_SERVER}"));
    }
    parameters
}

/// The values for `{{resolve:secretsmanager:…}}` in the template, by the key of the secret.
#[must_use]
pub fn secrets() -> BTreeMap<String, String> {
    [
        ("launchpad_user", LAUNCHPAD_USER),
        ("launchpad_password", LAUNCHPAD_PASSWORD),
        ("notification_api_key", NOTIFICATION_API_KEY),
        ("cursor_key", "the-cursor-key-of-the-local-cloud"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}
