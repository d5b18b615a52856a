//! Tests of contacts: levels, the team flag, the fallback, the guard, cursors, search, look-ups,
//! writes and sync (SPEC §2, RFC TEAM-S02 to S11).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod contacts {
    mod access;
    mod answers;
    mod backfill;
    mod backfill_files;
    mod backfill_runs;
    mod catalog;
    mod causes;
    mod company;
    mod concurrency;
    mod cost;
    mod creation;
    mod delete;
    mod equivalence;
    mod erasure;
    mod faults;
    mod filter;
    mod flags;
    mod hostile;
    mod import;
    mod list;
    mod look_up;
    mod many_teams;
    mod me;
    mod page;
    mod read;
    mod retention;
    mod search;
    mod search_words;
    mod staged;
    mod sync;
    mod table_state;
    mod team_sets;
    mod unique_key_races;
    mod unique_keys;
    mod write;
}
