//! Tests of the rule of the ledger: a person is notified of a note at most once, for any order of
//! saves by any users.

mod any_order;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::{
    id::{CompanyId, UserId},
    note::{
        Actor, LedgerEntry, MentionRef, MentionState, Note, RETRY_WINDOW, Visibility,
        ledger_change::{Ledger, LedgerChange, SavedMentions},
        next_retry,
    },
    table::{Action, Key, TableError, from_item},
};

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn person(n: u8) -> UserId {
    UserId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
}

fn company() -> CompanyId {
    "acme".parse().unwrap()
}

fn actor(n: u8) -> Actor {
    Actor { actor_id: person(n), actor_name: format!("Person {n}") }
}

fn note(mentioned: &[u8], visibility: Visibility, version: u64) -> Note {
    let people: Vec<UserId> = mentioned.iter().map(|n| person(*n)).collect();
    serde_json::from_value(json!({
        "id": Uuid::from_u128(70), "contact_id": Uuid::from_u128(90), "note": "x",
        "visibility": visibility, "owner_id": person(0), "owner_name": "Person 0",
        "mentioned_user_ids": people, "created_at": now(), "updated_at": now(), "version": version,
    }))
    .unwrap()
}

/// The ids that a note mentions. All mentions of the note must be verified.
fn named(note: &Note) -> Vec<String> {
    note.mentioned_user_ids.iter().map(UserId::to_string).collect()
}

/// The change for a save by a user who has looked up all people of the note.
fn save_change(
    ledger: &Ledger<'_>,
    note: &Note,
    previous: Option<&[String]>,
    pending: &[MentionRef],
    actor: &Actor,
) -> Result<LedgerChange, TableError> {
    let users = note.mentioned_user_ids.iter();
    let validated: Vec<_> = users.map(|user| (MentionRef::User(user.as_uuid()), *user)).collect();
    let saved = SavedMentions { actor, previous, pending, validated: &validated };
    ledger.change_for_save(note, &saved)
}

fn change(
    entries: &[LedgerEntry],
    work: impl FnOnce(&Ledger<'_>) -> LedgerChange,
) -> (Vec<LedgerEntry>, usize, usize) {
    change_with_flag(true, entries, work)
}

/// The ledger entries that the change writes, the number of entries that it removes, and the number
/// of messages that it sends.
fn change_with_flag(
    notifies: bool,
    entries: &[LedgerEntry],
    work: impl FnOnce(&Ledger<'_>) -> LedgerChange,
) -> (Vec<LedgerEntry>, usize, usize) {
    let company = company();
    let entries = entries.iter().map(|entry| (entry.person.clone(), entry.clone())).collect();
    let change = work(&Ledger { company: &company, entries: &entries, notifies, now: now() });
    let mut written = Vec::new();
    let mut removed = 0;
    for action in change.actions {
        match action {
            Action::Put(item, _) => {
                written.extend(
                    Key::from_item(&item)
                        .filter(|key| key.sk.starts_with("MENTION#"))
                        .map(|_| from_item::<LedgerEntry>(item).unwrap()),
                );
            }
            Action::Delete(..) => removed += 1,
            Action::Check(..) | Action::Update { .. } => {}
        }
    }
    (written, removed, change.messages.len())
}

#[test]
fn a_private_note_writes_no_ledger_entries_until_it_is_made_public() {
    let private = note(&[1, 2], Visibility::Private, 1);
    let (written, _, messages) =
        change(&[], |ledger| save_change(ledger, &private, None, &[], &actor(0)).unwrap());
    assert_eq!((written.len(), messages), (0, 0));
    let public = note(&[1, 2], Visibility::Public, 2);
    let (written, _, messages) =
        change(&[], |ledger| save_change(ledger, &public, None, &[], &actor(0)).unwrap());
    assert_eq!((written.len(), messages), (2, 2));
}

#[test]
fn pending_mentions_are_stored_with_their_actor_and_delivered_when_they_are_verified() {
    let saved = note(&[], Visibility::Public, 1);
    let pending = [MentionRef::User(person(1).as_uuid()), MentionRef::Raw("1002".to_owned())];
    let (waiting, _, messages) =
        change(&[], |ledger| save_change(ledger, &saved, None, &pending, &actor(0)).unwrap());
    assert_eq!(messages, 1, "one message for the verification of the note");
    assert!(waiting.iter().all(|entry| entry.state == MentionState::Unverified));
    let verified = [(pending[0].clone(), person(1)), (pending[1].clone(), person(2))];
    let now_mentioned = note(&[1, 2], Visibility::Public, 2);
    let (written, removed, messages) = change(&waiting, |ledger| {
        ledger.change_for_verification(&now_mentioned, &verified, &[]).unwrap()
    });
    let states: Vec<_> = written.iter().map(|entry| (entry.person.clone(), entry.state)).collect();
    let pending = MentionState::Pending;
    assert_eq!(states, [(person(1).to_string(), pending), (person(2).to_string(), pending)]);
    assert!(written.iter().all(|entry| entry.actor == actor(0)));
    assert_eq!((removed, messages), (1, 2), "the entry of the raw id is removed");
}

#[test]
fn a_person_pending_under_two_ids_is_notified_once() {
    let saved = note(&[], Visibility::Public, 1);
    let ids = [MentionRef::User(person(1).as_uuid()), MentionRef::Raw("1002".to_owned())];
    let (waiting, ..) =
        change(&[], |ledger| save_change(ledger, &saved, None, &ids, &actor(0)).unwrap());
    let both = [(ids[0].clone(), person(1)), (ids[1].clone(), person(1))];
    let reversed = [both[1].clone(), both[0].clone()];
    for verified in [both, reversed] {
        let now_mentioned = note(&[1], Visibility::Public, 2);
        let (written, removed, messages) = change(&waiting, |ledger| {
            ledger.change_for_verification(&now_mentioned, &verified, &[]).unwrap()
        });
        assert_eq!((written.len(), removed, messages), (1, 1, 1));
    }
}

#[test]
fn a_raw_id_that_resolves_to_the_actor_sends_no_notification() {
    let saved = note(&[], Visibility::Public, 1);
    let ids = [MentionRef::Raw("1001".to_owned())];
    let (waiting, ..) =
        change(&[], |ledger| save_change(ledger, &saved, None, &ids, &actor(1)).unwrap());
    let verified = [(ids[0].clone(), person(1))];
    let now_mentioned = note(&[1], Visibility::Public, 2);
    let (written, removed, messages) = change(&waiting, |ledger| {
        ledger.change_for_verification(&now_mentioned, &verified, &[]).unwrap()
    });
    assert_eq!((written.len(), removed, messages), (0, 1, 0));
}

#[test]
fn a_pending_mention_belongs_to_the_user_who_added_it_and_not_to_the_user_who_saves_next() {
    let saved = note(&[], Visibility::Public, 1);
    let pending = [MentionRef::User(person(2).as_uuid())];
    let save = |entries: &[LedgerEntry], named: &[String], by| {
        change(entries, |ledger| {
            save_change(ledger, &saved, Some(named), &pending, &actor(by)).unwrap()
        })
        .0
    };
    let first = save(&[], &[], 0);
    assert_eq!(first[0].actor, actor(0));
    // Another user corrects a word in the note, or saves the note when Launchpad works again.
    let named = [person(2).to_string()];
    assert!(save(&first, &named, 1).is_empty());
    let known = note(&[2], Visibility::Public, 2);
    let (known_entries, ..) =
        change(&first, |ledger| save_change(ledger, &known, Some(&named), &[], &actor(1)).unwrap());
    assert_eq!(
        (known_entries[0].state, &known_entries[0].actor),
        (MentionState::Pending, &actor(0))
    );
    // One user removes the mention, and then another user adds it.
    let (gone, removed, _) = change(&first, |ledger| {
        save_change(ledger, &note(&[], Visibility::Public, 2), Some(&named), &[], &actor(0))
            .unwrap()
    });
    assert_eq!((gone.len(), removed), (0, 0));
    let second = save(&first, &[], 1);
    assert_eq!((second[0].state, &second[0].actor), (MentionState::Unverified, &actor(1)));
}

#[test]
fn a_mention_of_oneself_sends_no_notification_when_another_user_saves_the_note() {
    let reference = MentionRef::User(person(1).as_uuid());
    let named = [person(1).to_string()];
    for (mentioned, pending) in [(&[1][..], &[][..]), (&[], std::slice::from_ref(&reference))] {
        let own = note(mentioned, Visibility::Public, 2);
        let save = |entries: &[LedgerEntry], named: &[String], by| {
            change(entries, |ledger| {
                save_change(ledger, &own, Some(named), pending, &actor(by)).unwrap()
            })
        };
        // A pending mention by another user was removed before it was verified.
        let state = MentionState::Unverified;
        let waiting = LedgerEntry::new(&own, person(1).to_string(), state, actor(0), now());
        let (dropped, ..) = save(&[waiting], &[], 1);
        assert_eq!(dropped[0].state, MentionState::Dropped);
        for entries in [&[][..], &dropped] {
            assert!(save(entries, &named, 2).0.is_empty());
        }
    }
}

#[test]
fn a_mention_saved_with_the_flag_off_is_dropped_and_delivered_by_the_next_save_with_the_flag_on() {
    let public = note(&[1], Visibility::Public, 2);
    let (dropped, _, messages) = change_with_flag(false, &[], |ledger| {
        save_change(ledger, &public, None, &[], &actor(0)).unwrap()
    });
    assert_eq!((dropped[0].state, messages), (MentionState::Dropped, 0));
    let named = named(&public);
    for (notifies, messages) in [(false, 0), (true, 1)] {
        let (written, _, sent) = change_with_flag(notifies, &dropped, |ledger| {
            save_change(ledger, &public, Some(&named), &[], &actor(2)).unwrap()
        });
        assert_eq!((written.len(), sent), (messages, messages), "{notifies}");
        assert!(written.iter().all(|entry| entry.actor == actor(0)));
    }
}

#[test]
fn a_mention_verified_with_the_flag_off_sends_no_notification() {
    let reference = MentionRef::User(person(1).as_uuid());
    let public = note(&[1], Visibility::Public, 2);
    let state = MentionState::Unverified;
    let waiting = LedgerEntry::new(&public, person(1).to_string(), state, actor(0), now());
    let (written, _, messages) = change_with_flag(false, &[waiting], |ledger| {
        ledger.change_for_verification(&public, &[(reference, person(1))], &[]).unwrap()
    });
    assert_eq!((written[0].state, messages), (MentionState::Dropped, 0));
}

#[test]
fn the_retry_times_of_a_pending_mention_do_not_depend_on_the_caller() {
    let at = |minutes| now() + SignedDuration::from_mins(minutes);
    for (asked, expected) in [(0, 1), (1, 2), (3, 4), (32, 60), (61, 120), (1439, 1440)] {
        assert_eq!(next_retry(now(), at(asked)), Some(at(expected)), "{asked}");
    }
    assert_eq!(next_retry(now(), now() + RETRY_WINDOW), None);
}

/// The entry that a save by `by` writes for person 1, whom the note already mentioned.
fn saved_again(entry: &LedgerEntry, by: u8, at: Timestamp) -> Option<LedgerEntry> {
    let (company, public) = (company(), note(&[1], Visibility::Public, 2));
    let entries = HashMap::from([(entry.person.clone(), entry.clone())]);
    let ledger = Ledger { company: &company, entries: &entries, notifies: true, now: at };
    let named = named(&public);
    let change = save_change(&ledger, &public, Some(&named), &[], &actor(by)).unwrap();
    let entry = change.actions.into_iter().find_map(|action| match action {
        Action::Put(item, _) => from_item::<LedgerEntry>(item).ok(),
        Action::Delete(..) | Action::Check(..) | Action::Update { .. } => None,
    });
    assert_eq!(change.messages.len(), usize::from(entry.is_some()));
    entry
}

#[test]
fn a_refused_notification_starts_a_new_round_at_most_once_an_hour() {
    let public = note(&[1], Visibility::Public, 1);
    let pending = MentionState::Pending;
    let entry = LedgerEntry::new(&public, person(1).to_string(), pending, actor(0), now());
    let refused = entry.with_lease(now()).failed("status 503".to_owned());
    assert_eq!(saved_again(&refused, 1, now()), None, "the mentioned person saves");
    let first = saved_again(&refused, 2, now()).unwrap();
    assert_eq!((first.state, first.round, first.attempts), (pending, 1, 0));
    assert_eq!(first.actor, actor(0));
    let again = first.with_lease(now()).failed("status 503".to_owned());
    let later = |minutes| now() + SignedDuration::from_mins(minutes);
    assert_eq!(saved_again(&again, 2, later(59)), None);
    assert_eq!(saved_again(&again, 2, later(60)).map(|entry| entry.round), Some(2));
}

#[test]
fn a_notification_with_an_unknown_outcome_starts_no_new_round_by_a_save() {
    let public = note(&[1], Visibility::Public, 1);
    let pending = MentionState::Pending;
    let entry = LedgerEntry::new(&public, person(1).to_string(), pending, actor(0), now());
    let leased = entry.with_lease(now());
    let later = now() + SignedDuration::from_hours(2);
    // An attempt got no answer, and the next one was refused.
    let timed_out = leased.without_answer().released().with_lease(now());
    // A worker died, and the next one was refused.
    let abandoned = leased.observed_at(later).with_lease(later);
    for entry in [timed_out, abandoned] {
        for end in [entry.failed("status 503".to_owned()), entry.dropped(), entry.inactive()] {
            assert_eq!(saved_again(&end, 2, later), None, "{end:?}");
        }
        // An operator's redrive does not make the outcome known.
        assert!(entry.new_round(1, later).outcome_unknown);
    }
}

#[test]
fn a_pending_mention_under_another_id_stays_the_mention_of_its_author() {
    let raw = MentionRef::Raw("1001".to_owned());
    let public = note(&[1], Visibility::Public, 2);
    for (author, expected) in [(0, Some(actor(0))), (1, None)] {
        let state = MentionState::Unverified;
        let waiting = LedgerEntry::new(&public, raw.id(), state, actor(author), now());
        // Person 2 or the mentioned person saves the note when Launchpad works again.
        for by in [2, 1] {
            let validated = [(raw.clone(), person(1))];
            let (written, removed, messages) = change(std::slice::from_ref(&waiting), |ledger| {
                let previous = [raw.id()];
                let saved = SavedMentions {
                    actor: &actor(by),
                    previous: Some(&previous),
                    pending: &[],
                    validated: &validated,
                };
                ledger.change_for_save(&public, &saved).unwrap()
            });
            assert_eq!(written.first().map(|entry| entry.actor.clone()), expected, "{author}");
            assert_eq!((removed, messages), (1, usize::from(expected.is_some())));
        }
    }
}
