//! Notes and mentions through their functions (SPEC §3, PRD NOTE-MENTION-S01 to S04).

mod notes {
    mod mentions;
    mod read;
    mod write;
}
