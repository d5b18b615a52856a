//! Access keys. Each execution environment has its own access key, so the emulators can find the
//! caller of each call.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

/// The function name that identifies the calls of the local cloud itself.
pub const OPERATOR: &str = "operator";

/// A key pair, which a process receives in its environment variables.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The access key id, which is the public part of the pair: 20 characters, as on AWS.
    pub access_key_id: String,
    /// The secret access key, which is the secret part of the pair.
    pub secret_access_key: String,
}

#[derive(Debug)]
struct Owner {
    function: Arc<str>,
    secret_access_key: String,
}

/// All key pairs that are valid now. Clones share them.
#[derive(Clone, Debug)]
pub struct Credentials {
    keys: Arc<RwLock<HashMap<String, Owner>>>,
    operator: Issued,
}

impl Default for Credentials {
    fn default() -> Self {
        Self::new()
    }
}

impl Credentials {
    /// Creates the list of valid key pairs. At first, it contains only the key pair of the
    /// operator.
    #[must_use]
    pub fn new() -> Self {
        let mut credentials = Self {
            keys: Arc::default(),
            operator: Issued { access_key_id: String::new(), secret_access_key: String::new() },
        };
        credentials.operator = credentials.issue(OPERATOR);
        credentials
    }

    /// Creates a key pair for an execution environment of `function`.
    #[must_use]
    pub fn issue(&self, function: &str) -> Issued {
        let random = Uuid::new_v4().simple().to_string().to_uppercase();
        let issued = Issued {
            access_key_id: format!("ASIA{}", &random[..16]),
            secret_access_key: format!("{}local", Uuid::new_v4().simple()),
        };
        let owner = Owner {
            function: function.into(),
            secret_access_key: issued.secret_access_key.clone(),
        };
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(issued.access_key_id.clone(), owner);
        issued
    }

    /// Makes a key pair invalid. Call this when its execution environment has ended.
    pub fn revoke(&self, access_key_id: &str) {
        self.keys.write().unwrap_or_else(PoisonError::into_inner).remove(access_key_id);
    }

    /// The key pair of the local cloud itself.
    #[must_use]
    pub fn operator(&self) -> &Issued {
        &self.operator
    }

    /// The name of the function that this key was issued to; `None` if the key is unknown or
    /// revoked.
    #[must_use]
    pub fn function(&self, access_key_id: &str) -> Option<Arc<str>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(access_key_id).map(|owner| Arc::clone(&owner.function))
    }

    pub(crate) fn secret(&self, access_key_id: &str) -> Option<String> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(access_key_id).map(|owner| owner.secret_access_key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_identifies_its_function_until_it_is_revoked() {
        let credentials = Credentials::new();
        let first = credentials.issue("NoteWrite");
        let second = credentials.issue("NoteWrite");
        assert_ne!(first.access_key_id, second.access_key_id);
        assert_eq!(credentials.function(&first.access_key_id).as_deref(), Some("NoteWrite"));
        assert_eq!(
            credentials.function(&credentials.operator().access_key_id).as_deref(),
            Some(OPERATOR)
        );

        credentials.revoke(&first.access_key_id);
        assert_eq!(credentials.function(&first.access_key_id), None);
        assert_eq!(credentials.secret(&first.access_key_id), None);
        assert!(credentials.secret(&second.access_key_id).is_some());
    }
}
