//! Notes and mentions through their functions (SPEC §3, PRD NOTE-MENTION-S01 to S04).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod notes {
    mod mentions;
    mod read;
    mod write;
}
