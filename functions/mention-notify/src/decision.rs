use std::time::Duration;

use jiff::Timestamp;
use shared::{
    access::Flags,
    note::{LedgerEntry, MentionState, Note},
};

/// The first try and three retries (SPEC §3).
pub(crate) const MAX_TRIES: u32 = 4;

/// What is to be done about a mention.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// Nothing: it is done, or was never to be done.
    Nothing,
    /// Another worker is at it; look again when its lease has ended.
    Wait(Duration),
    /// The note is gone or private, or the flag is off: do not tell.
    Drop,
    /// The message came back from the dead letters: begin a new round, and decide again.
    BeginAnew,
    /// The tries are used up, the last one by a worker that died.
    GiveUp,
    /// Claim it and tell.
    Notify,
}

/// Decides by the ledger entry and the note, which is `None` when it is gone. `round` is the
/// message's: one that came back from the dead letters begins a new round.
pub(crate) fn decide(
    entry: &LedgerEntry,
    note: Option<&Note>,
    flags: Flags,
    round: u32,
    now: Timestamp,
) -> Decision {
    let came_back = round > entry.round;
    match entry.state {
        MentionState::Unverified | MentionState::Sent | MentionState::Dropped => {
            return Decision::Nothing;
        }
        MentionState::Failed if !came_back => return Decision::Nothing,
        MentionState::Sending => {
            if let Some(left) = lease_left(entry, now) {
                return Decision::Wait(left);
            }
        }
        MentionState::Failed | MentionState::Pending => {}
    }
    if !flags.notes_mention || !note.is_some_and(Note::is_public) {
        return Decision::Drop;
    }
    if came_back {
        return Decision::BeginAnew;
    }
    if entry.attempts >= MAX_TRIES {
        return Decision::GiveUp;
    }
    Decision::Notify
}

/// How long another worker's lease still lasts.
fn lease_left(entry: &LedgerEntry, now: Timestamp) -> Option<Duration> {
    let left = entry.lease_until?.duration_since(now);
    left.is_positive().then(|| left.unsigned_abs())
}

/// The wait after so many tries: 2, 4, 8 seconds, each with jitter down to its half, and never less
/// than the service asks for.
pub(crate) fn wait_after(tries: u32, asked: Option<Duration>) -> Duration {
    let ceiling = 1000u64 << tries.clamp(1, MAX_TRIES);
    let jittered = Duration::from_millis(fastrand::u64(ceiling / 2..=ceiling));
    jittered.max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::json;
    use shared::note::LEASE;

    use super::*;

    const ID: &str = "0190d1a2-7c3b-7abc-8def-0123456789ab";

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn mentions(notes_mention: bool) -> Flags {
        Flags { notes_mention, ..Flags::default() }
    }

    fn on() -> Flags {
        mentions(true)
    }

    fn entry(state: &str, attempts: u32, round: u32) -> LedgerEntry {
        serde_json::from_value(json!({
            "contact_id": ID, "note_id": ID, "person": ID, "state": state, "actor_id": ID,
            "actor_name": "Maya", "since": now(), "attempts": attempts, "round": round,
            "lease_until": now() + LEASE, "version": 1,
        }))
        .unwrap()
    }

    fn note(visibility: &str) -> Note {
        serde_json::from_value(json!({
            "id": ID, "contact_id": ID, "note": "x", "visibility": visibility, "owner_id": ID,
            "owner_name": "Maya", "created_at": now(), "updated_at": now(), "version": 1,
        }))
        .unwrap()
    }

    #[test]
    fn what_is_done_is_not_done_again() {
        for state in ["unverified", "sent", "dropped", "failed"] {
            let decision = decide(&entry(state, 1, 0), Some(&note("public")), on(), 0, now());
            assert_eq!(decision, Decision::Nothing, "{state}");
        }
    }

    #[test]
    fn a_pending_mention_of_a_public_note_is_told() {
        for attempts in 0..MAX_TRIES {
            let pending = entry("pending", attempts, 0);
            assert_eq!(decide(&pending, Some(&note("public")), on(), 0, now()), Decision::Notify);
        }
    }

    #[test]
    fn nobody_is_told_of_a_note_that_is_gone_or_private() {
        for note in [None, Some(note("private"))] {
            let pending = entry("pending", 0, 0);
            assert_eq!(decide(&pending, note.as_ref(), on(), 0, now()), Decision::Drop);
        }
    }

    #[test]
    fn nobody_is_told_while_the_flag_is_off() {
        for (state, round) in [("pending", 0), ("failed", 1)] {
            let decision =
                decide(&entry(state, 1, 0), Some(&note("public")), mentions(false), round, now());
            assert_eq!(decision, Decision::Drop, "{state}");
        }
    }

    #[test]
    fn a_claim_is_taken_over_when_its_lease_has_ended_and_not_before() {
        let sending = entry("sending", 1, 0);
        let public = note("public");
        let just_before = now() + LEASE - SignedDuration::from_millis(1);
        let waits = decide(&sending, Some(&public), on(), 0, just_before);
        assert_eq!(waits, Decision::Wait(Duration::from_millis(1)));
        let later = decide(&sending, Some(&public), on(), 0, now() + LEASE);
        assert_eq!(later, Decision::Notify);
    }

    #[test]
    fn tries_that_workers_died_in_count() {
        let sending = entry("sending", MAX_TRIES, 0);
        let decision = decide(&sending, Some(&note("public")), on(), 0, now() + LEASE);
        assert_eq!(decision, Decision::GiveUp);
    }

    #[test]
    fn only_a_message_from_the_dead_letters_begins_a_new_round() {
        let public = note("public");
        let failed = entry("failed", MAX_TRIES, 1);
        for (round, expected) in
            [(0, Decision::Nothing), (1, Decision::Nothing), (2, Decision::BeginAnew)]
        {
            assert_eq!(decide(&failed, Some(&public), on(), round, now()), expected, "{round}");
        }
        // A worker died between the dead letter and the ledger.
        let used_up = entry("pending", MAX_TRIES, 1);
        assert_eq!(decide(&used_up, Some(&public), on(), 2, now()), Decision::BeginAnew);
        // Delivered twice, the second finds the round begun.
        let begun = failed.begun_anew(2, now());
        assert_eq!(decide(&begun, Some(&public), on(), 2, now()), Decision::Notify);
    }

    #[test]
    fn a_new_round_has_all_its_tries_and_all_its_patience() {
        let a_day_later = now() + SignedDuration::from_hours(25);
        let begun = entry("failed", MAX_TRIES, 0).begun_anew(1, a_day_later);
        assert_eq!((begun.attempts, begun.since, begun.round), (0, a_day_later, 1));
    }

    #[test]
    fn waits_grow_and_honor_what_the_service_asks_for() {
        for (tries, least, most) in [(1, 1, 2), (2, 2, 4), (3, 4, 8)] {
            let wait = wait_after(tries, None);
            let within = Duration::from_secs(least)..=Duration::from_secs(most);
            assert!(within.contains(&wait), "{tries}: {wait:?}");
        }
        let asked = Duration::from_secs(90);
        assert_eq!(wait_after(1, Some(asked)), asked);
    }
}
