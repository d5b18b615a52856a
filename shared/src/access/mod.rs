//! Decides which contacts and notes a viewer can see and change: levels, permissions and scopes
//! (RFC §2, SPEC §2).
//!
//! All decisions come from [`Scope`]. The partitions that a list reads ([`Scope::partitions`]) and
//! the guard on a single record ([`Scope::admits`]) use the same value, so that they cannot
//! disagree. Handlers receive a contact only as [`Authorized`].
//!
//! | module | what it does |
//! |---|---|
//! | `authority` | loads what a viewer is allowed to do |
//! | `session` | what a viewer is allowed to do during one request |
//! | `scope` | which records a viewer can access with a permission |
//! | `flags` | the feature flags of a company |
//! | `explain` | explains a decision to support staff |
//! | `event` | the events that are logged about team permissions |
//! | `error` | why a viewer is not allowed to do something |

mod authority;
mod error;
pub mod event;
mod explain;
mod flags;
mod scope;
mod session;

pub use authority::{Authority, Needs};
pub use error::AccessError;
pub use explain::{Explanation, Rule};
pub use flags::{Flag, FlagRecord, Flags};
pub use scope::{Authorized, Decision, Owned, Ownership, Scope};
pub use session::Session;
