//! Decides how to handle a mention, based on the ledger entry, the note and the flags.

use std::time::Duration;

use jiff::Timestamp;
use shared::{
    access::Flags,
    id::UserId,
    note::{LedgerEntry, MentionState, Note},
};

/// The maximum number of attempts per round: the first attempt and three retries (SPEC §3).
pub(crate) const MAX_ATTEMPTS: u32 = 4;

/// The worker's next step for a mention.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// Do nothing, because the notification was already sent, dropped or given up, or because the
    /// mention is not verified.
    Nothing,
    /// Wait until the lease of another worker ends, then decide again.
    Wait(Duration),
    /// Drop the notification, because the note is deleted or private, it does not mention the person
    /// any more, or the flag is off.
    Drop,
    /// Start a new round, because the message was moved back from the dead-letter queue. Then
    /// decide again.
    StartNewRound,
    /// Give up, because all attempts are used and the worker of the last attempt died.
    GiveUp,
    /// Take the lease and send the notification.
    Notify,
}

/// Decides the next step. `note` is `None` if the note was deleted. `round` is the round of the
/// message. It is higher than the round of the entry if the message was moved back from the
/// dead-letter queue.
pub(crate) fn decide(
    entry: &LedgerEntry,
    person: UserId,
    note: Option<&Note>,
    flags: Flags,
    round: u32,
    now: Timestamp,
) -> Decision {
    let redriven = round > entry.round;
    match entry.state {
        MentionState::Unverified
        | MentionState::Sent
        | MentionState::Dropped
        | MentionState::Inactive => return Decision::Nothing,
        MentionState::Failed if !redriven => return Decision::Nothing,
        MentionState::Sending => {
            if let Some(left) = lease_left(entry, now) {
                return Decision::Wait(left);
            }
        }
        MentionState::Failed | MentionState::Pending => {}
    }
    let mentions = |note: &Note| note.is_public() && note.mentioned_user_ids.contains(&person);
    if !flags.notes_mention || !note.is_some_and(mentions) {
        return Decision::Drop;
    }
    if redriven {
        return Decision::StartNewRound;
    }
    if entry.attempts >= MAX_ATTEMPTS {
        return Decision::GiveUp;
    }
    Decision::Notify
}

/// The remaining time of another worker's lease; `None` without a lease or after its end.
fn lease_left(entry: &LedgerEntry, now: Timestamp) -> Option<Duration> {
    let left = entry.lease_until?.duration_since(now);
    left.is_positive().then(|| left.unsigned_abs())
}

/// The backoff after this number of attempts: 2, 4 and 8 seconds, reduced by a random part of up to
/// half. It is at least the `Retry-After` of the notification service.
pub(crate) fn backoff(attempts: u32, retry_after: Option<Duration>) -> Duration {
    let max_ms = 1000u64 << attempts.clamp(1, MAX_ATTEMPTS);
    let jittered = Duration::from_millis(fastrand::u64(max_ms / 2..=max_ms));
    jittered.max(retry_after.unwrap_or_default())
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

    fn person() -> UserId {
        ID.parse().unwrap()
    }

    fn flags(notes_mention: bool) -> Flags {
        Flags { notes_mention, ..Flags::default() }
    }

    fn flag_on() -> Flags {
        flags(true)
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
            "owner_name": "Maya", "mentioned_user_ids": [ID], "created_at": now(), "updated_at": now(), "version": 1,
        }))
        .unwrap()
    }

    #[test]
    fn an_unverified_or_finished_mention_is_not_processed() {
        for state in ["unverified", "sent", "dropped", "inactive", "failed"] {
            let decision =
                decide(&entry(state, 1, 0), person(), Some(&note("public")), flag_on(), 0, now());
            assert_eq!(decision, Decision::Nothing, "{state}");
        }
    }

    #[test]
    fn a_pending_mention_of_a_public_note_is_notified() {
        for attempts in 0..MAX_ATTEMPTS {
            let pending = entry("pending", attempts, 0);
            let decision = decide(&pending, person(), Some(&note("public")), flag_on(), 0, now());
            assert_eq!(decision, Decision::Notify);
        }
    }

    #[test]
    fn a_mention_of_a_deleted_or_private_note_is_dropped() {
        for note in [None, Some(note("private"))] {
            let pending = entry("pending", 0, 0);
            assert_eq!(
                decide(&pending, person(), note.as_ref(), flag_on(), 0, now()),
                Decision::Drop
            );
        }
    }

    #[test]
    fn a_mention_that_was_removed_from_the_note_is_dropped() {
        let without = Note { mentioned_user_ids: Vec::new(), ..note("public") };
        for (state, round) in [("pending", 0), ("failed", 1)] {
            let waiting = entry(state, 1, 0);
            let decision = decide(&waiting, person(), Some(&without), flag_on(), round, now());
            assert_eq!(decision, Decision::Drop, "{state}");
        }
    }

    #[test]
    fn a_mention_is_dropped_while_the_flag_is_off() {
        for (state, round) in [("pending", 0), ("failed", 1)] {
            let decision = decide(
                &entry(state, 1, 0),
                person(),
                Some(&note("public")),
                flags(false),
                round,
                now(),
            );
            assert_eq!(decision, Decision::Drop, "{state}");
        }
    }

    #[test]
    fn another_worker_takes_over_only_after_the_lease_has_ended() {
        let sending = entry("sending", 1, 0);
        let public = note("public");
        let just_before = now() + LEASE - SignedDuration::from_millis(1);
        let during = decide(&sending, person(), Some(&public), flag_on(), 0, just_before);
        assert_eq!(during, Decision::Wait(Duration::from_millis(1)));
        let after = decide(&sending, person(), Some(&public), flag_on(), 0, now() + LEASE);
        assert_eq!(after, Decision::Notify);
    }

    #[test]
    fn attempts_of_workers_that_died_count() {
        let sending = entry("sending", MAX_ATTEMPTS, 0);
        let decision =
            decide(&sending, person(), Some(&note("public")), flag_on(), 0, now() + LEASE);
        assert_eq!(decision, Decision::GiveUp);
    }

    #[test]
    fn only_a_message_from_the_dead_letter_queue_starts_a_new_round() {
        let public = note("public");
        let failed = entry("failed", MAX_ATTEMPTS, 1);
        for (round, expected) in
            [(0, Decision::Nothing), (1, Decision::Nothing), (2, Decision::StartNewRound)]
        {
            assert_eq!(
                decide(&failed, person(), Some(&public), flag_on(), round, now()),
                expected,
                "{round}"
            );
        }
        // A worker died after it sent the message to the dead-letter queue but before it wrote the
        // ledger entry.
        let used_up = entry("pending", MAX_ATTEMPTS, 1);
        assert_eq!(
            decide(&used_up, person(), Some(&public), flag_on(), 2, now()),
            Decision::StartNewRound
        );
        // At the second delivery of the message, the round has already started.
        let started = failed.new_round(2, now());
        assert_eq!(
            decide(&started, person(), Some(&public), flag_on(), 2, now()),
            Decision::Notify
        );
    }

    #[test]
    fn a_new_round_starts_with_no_attempts_and_a_new_retry_window() {
        let a_day_later = now() + SignedDuration::from_hours(25);
        let started = entry("failed", MAX_ATTEMPTS, 0).new_round(1, a_day_later);
        assert_eq!((started.attempts, started.since, started.round), (0, a_day_later, 1));
    }

    #[test]
    fn the_backoff_grows_and_is_at_least_the_retry_after_of_the_service() {
        for (attempts, min, max) in [(1, 1, 2), (2, 2, 4), (3, 4, 8)] {
            let wait = backoff(attempts, None);
            let range = Duration::from_secs(min)..=Duration::from_secs(max);
            assert!(range.contains(&wait), "{attempts}: {wait:?}");
        }
        let retry_after = Duration::from_secs(90);
        assert_eq!(backoff(1, Some(retry_after)), retry_after);
    }
}
