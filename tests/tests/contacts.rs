//! Contacts: levels, flag, fallback, guard, cursor, writes, sync (SPEC §2, RFC TEAM-S02 to S11).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod contacts {
    mod access;
    mod backfill;
    mod backfill_files;
    mod backfill_runs;
    mod catalog;
    mod concurrency;
    mod delete;
    mod faults;
    mod flags;
    mod hostile;
    mod list;
    mod read;
    mod standing;
    mod sync;
    mod write;
}
