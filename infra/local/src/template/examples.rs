//! Example values for the parameters of the service's template that have no default.

use super::scope::Parameters;

/// Example values for the parameters that only an operator knows. The local cloud, tests and tools
/// that read the template without deploying it start from these values.
#[must_use]
pub fn example_parameters() -> Parameters {
    [
        ("JwtIssuer", "https://iag.example.com/"),
        ("LaunchpadUrl", "https://launchpad.example.com"),
        ("NotificationUrl", "https://notifications.example.com"),
        ("UpstreamSecretVersion", "00000000-0000-0000-0000-000000000001"),
        ("AppUrl", "https://app.example.com"),
        ("AllowOrigins", "https://app.example.com"),
        ("MailFrom", "exports@example.com"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
