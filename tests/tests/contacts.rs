//! Contacts: levels, flag, fallback, guard, cursor, search, look-ups, sync (SPEC §2, RFC TEAM-S02 to
//! S09).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod contacts {
    mod company;
    mod filter;
    mod flags;
    mod list;
    mod look_up;
    mod many_teams;
    mod page;
    mod read;
    mod search;
    mod sync;
}
