//! The domains of the contact service.

pub mod export;
pub mod locale;
pub mod mail;
