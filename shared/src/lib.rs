//! The library of the contact service. It contains the domains, each with its model, rules and
//! storage: access rights ([`access`]), contacts ([`contact`]), notes ([`note`]), exports
//! ([`export`]) and the directory of people ([`directory`]). It also contains the parts that all
//! functions use: the single [`table`], the [`outbox`], and the entry points of requests and
//! messages ([`entry`]).

pub mod access;
pub mod aws;
pub mod bidi;
pub mod cell_text;
pub mod clock;
pub mod contact;
pub mod decimal;
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
pub mod import;
mod invisible;
mod json;
pub mod locale;
pub mod mail;
pub mod metric;
pub mod note;
pub mod notification;
pub mod outbox;
mod script;
pub mod services;
pub mod table;
pub mod upstream;
