//! The domains of the contact service, each with its model, rules and storage together: who may
//! do what ([`access`]), [`contact`]s, the [`directory`] of people; and what all functions stand
//! on: the single [`table`], the [`outbox`], and the way in ([`entry`]).

pub mod access;
pub mod aws;
pub mod clock;
pub mod contact;
pub mod directory;
pub mod entry;
pub mod environment;
pub mod error;
pub mod export;
pub mod hash;
pub mod http_client;
pub mod id;
pub mod idempotency;
pub mod identity;
mod json;
pub mod locale;
pub mod mail;
pub mod metric;
pub mod note;
pub mod notification;
pub mod outbox;
pub mod services;
pub mod table;
pub mod upstream;
