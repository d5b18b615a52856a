//! Who may see and do what: levels, permissions, scopes (RFC §2, SPEC §2).
//!
//! [`Scope`] is the one authority: what a list reads ([`Scope::partitions`]) and what the guard on
//! one record lets through ([`Scope::admits`]) come from the same value, so that they cannot
//! disagree. A contact reaches a handler only as [`Authorized`].

mod authority;
pub mod event;
mod explain;
mod flags;
mod scope;
mod session;

pub use authority::{AccessError, Authority, Needs};
pub use explain::{Explanation, Rule};
pub use flags::{Flag, FlagRecord, Flags};
pub use scope::{Authorized, Decision, Owned, Ownership, Scope};
pub use session::Session;
