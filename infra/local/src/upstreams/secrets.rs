//! The credentials that the simulated services accept.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

/// The user name in Launchpad's service token.
pub const LAUNCHPAD_USER: &str = "contact-service";
/// The password in Launchpad's service token.
pub const LAUNCHPAD_PASSWORD: &str = "local-launchpad";
/// The API key of the Notification Service.
pub const NOTIFICATION_API_KEY: &str = "local-notifications";

/// The passwords or API keys that a service accepts now. During a rotation these are two. Clones
/// share them.
#[derive(Clone, Debug)]
pub struct AcceptedSecrets(Arc<RwLock<BTreeSet<String>>>);

impl AcceptedSecrets {
    pub(super) fn only(secret: &str) -> Self {
        Self(Arc::new(RwLock::new([secret.to_owned()].into())))
    }

    /// Accepts another secret from now on.
    pub fn accept(&self, secret: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(secret.to_owned());
    }

    /// Refuses this secret from now on.
    pub fn revoke(&self, secret: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(secret);
    }

    /// Whether a secret fulfills this condition.
    pub(super) fn any(&self, condition: impl Fn(&str) -> bool) -> bool {
        let accepted = self.0.read().unwrap_or_else(PoisonError::into_inner);
        accepted.iter().any(|secret| condition(secret))
    }
}
