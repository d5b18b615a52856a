//! The data and functions that the `/_local` endpoints use.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::clock::Clock;
use shared::export::Files;

use crate::aws::Faults;
use crate::identity::{Identity, TokenLifetime};
use crate::record::{Events, Mailbox, Notifications, Requests, Usage};
use crate::upstreams::{Directory, Person};

/// Reads the feature flags of a company from the table, by the company's SSO id.
pub type Flags = Arc<dyn Fn(String) -> BoxFuture<'static, Map<String, Value>> + Send + Sync>;

/// The feature flags of the companies of these people, by the company's SSO id.
pub async fn flags_by_company(
    read: &Flags,
    people: &[Person],
) -> BTreeMap<String, Map<String, Value>> {
    let mut flags = BTreeMap::new();
    for company in people.iter().map(|person| &person.company_sso_id) {
        if !flags.contains_key(company) {
            flags.insert(company.clone(), read(company.clone()).await);
        }
    }
    flags
}

/// Runs the clean-up function once, with the given time as the current time, and returns its
/// response.
pub type CleanUp =
    Arc<dyn Fn(Timestamp) -> BoxFuture<'static, Result<Value, String>> + Send + Sync>;

/// The data and functions that the `/_local` endpoints use.
#[derive(Clone)]
pub struct ControlState {
    /// Signs tokens.
    pub identity: Identity,
    /// Lifetime of the tokens that the sign-in issues.
    pub lifetime: TokenLifetime,
    /// Issuer of the tokens, as the template's authorizer expects it.
    pub issuer: String,
    /// Audience of the tokens, as the template's authorizer expects it.
    pub audience: String,
    /// The companies, teams and people of the simulated Launchpad.
    pub directory: Directory,
    /// Mail that was sent through SES.
    pub mailbox: Mailbox,
    /// Notifications that the Notification Service accepted.
    pub notifications: Notifications,
    /// Structured events that functions logged.
    pub events: Events,
    /// The last requests to the API, with the invocations that they caused.
    pub requests: Requests,
    /// Invocations, AWS calls and capacity, by function.
    pub usage: Usage,
    /// The rules of fault injection.
    pub faults: Faults,
    /// The objects of the bucket, accessed with the permissions of an operator.
    pub files: Files,
    /// Reads the feature flags of a company from the table.
    pub flags: Flags,
    /// Runs the clean-up function.
    pub clean_up: CleanUp,
    /// The source of the current time.
    pub clock: Clock,
}

impl fmt::Debug for ControlState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ControlState").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
