//! The state that the parts of the local cloud share. Each value is a handle that can be cloned.

use shared::clock::Clock;

use super::StartError;
use crate::aws::{Credentials, Faults};
use crate::demo_company;
use crate::record::{Events, Notifications, Requests, Usage};
use crate::upstreams::Directory;

/// The shared state.
pub(super) struct State {
    /// The access keys that were issued to functions.
    pub(super) credentials: Credentials,
    /// The fault rules in force.
    pub(super) faults: Faults,
    /// The people and teams of the simulated directory.
    pub(super) directory: Directory,
    /// The messages of the simulated Notification Service.
    pub(super) notifications: Notifications,
    /// The events that functions logged.
    pub(super) events: Events,
    /// The last requests to the API.
    pub(super) requests: Requests,
    /// The calls of each function.
    pub(super) usage: Usage,
}

impl State {
    /// The state at the start, with the demo company in the directory.
    pub(super) fn new(clock: &Clock) -> Result<Self, StartError> {
        let directory = Directory::new();
        directory.upsert(demo_company::directory())?;
        Ok(Self {
            credentials: Credentials::new(),
            faults: Faults::default(),
            directory,
            notifications: Notifications::new(clock.clone()),
            events: Events::default(),
            requests: Requests::default(),
            usage: Usage::default(),
        })
    }
}
