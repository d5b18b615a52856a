//! The credentials that the simulated services accept.

/// The user name in Launchpad's service token.
pub const LAUNCHPAD_USER: &str = "contact-service";
/// The password in Launchpad's service token.
pub const LAUNCHPAD_PASSWORD: &str = "local-launchpad";
/// The API key of the Notification Service.
pub const NOTIFICATION_API_KEY: &str = "local-notifications";
