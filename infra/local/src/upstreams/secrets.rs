//! The credentials that the simulated services accept.

/// User of Launchpad's service token.
pub const LAUNCHPAD_USER: &str = "contact-service";
/// Password of Launchpad's service token.
pub const LAUNCHPAD_PASSWORD: &str = "local-launchpad";
/// API key of the Notification Service.
pub const NOTIFICATION_API_KEY: &str = "local-notifications";
