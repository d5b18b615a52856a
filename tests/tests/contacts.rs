//! Contacts: levels, flag, fallback, guard, cursor, sync (SPEC §2, RFC TEAM-S02 to S05).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod contacts {
    mod backfill;
    mod backfill_files;
    mod backfill_runs;
    mod cost;
    mod equivalence;
    mod flags;
    mod list;
    mod read;
    mod sync;
}
