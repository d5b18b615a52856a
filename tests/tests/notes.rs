//! Tests of notes and mentions through their functions (SPEC §3, PRD NOTE-MENTION-S01 to S06, RFC
//! TEAM-S10 to S17).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod notes {
    mod causes;
    mod delete;
    mod flag;
    mod idempotency;
    mod kept;
    mod mentions;
    mod people;
    mod read;
    mod resilience;
    mod rounds;
    mod scene;
    mod stories;
    mod team;
    mod usage;
    mod visibility;
    mod warning;
    mod write;
}
