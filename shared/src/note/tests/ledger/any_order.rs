//! A property test: saves and workers in any order, each with the current or an older state of the
//! table.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde_json::json;

use super::{actor, company, named, note, now, person, save_change};
use crate::{
    note::{LedgerEntry, MentionState, Note, Visibility, ledger_change::Ledger},
    table::{Action, Condition, Item, Key, from_item, to_item},
};

/// A table that checks the conditions of its transactions.
#[derive(Default, Clone)]
struct World {
    items: HashMap<Key, Item>,
}

impl World {
    fn holds(&self, key: &Key, condition: Option<&Condition>) -> bool {
        let version = || {
            let item = self.items.get(key)?;
            item.get("version")?.as_n().ok()?.parse::<u64>().ok()
        };
        match condition {
            None => true,
            Some(Condition::Absent) => !self.items.contains_key(key),
            Some(Condition::Version(expected)) => version() == Some(*expected),
            Some(other) => panic!("{other:?}"),
        }
    }

    /// Applies a transaction if all its conditions are true, and returns whether it was applied.
    fn transact(&mut self, actions: Vec<Action>) -> bool {
        let mut touched = Vec::new();
        let mut holds = true;
        for action in &actions {
            let (key, condition) = match action {
                Action::Put(item, condition) => (Key::from_item(item).unwrap(), condition.as_ref()),
                Action::Delete(key, condition) => (key.clone(), condition.as_ref()),
                Action::Check(key, condition) => (key.clone(), Some(condition)),
                Action::Update { .. } => panic!("the ledger plans no updates"),
            };
            holds &= self.holds(&key, condition);
            assert!(!touched.contains(&key), "two actions on {key:?}");
            touched.push(key);
        }
        if !holds {
            return false;
        }
        for action in actions {
            match action {
                Action::Put(item, _) => {
                    self.items.insert(Key::from_item(&item).unwrap(), item);
                }
                Action::Delete(key, _) => {
                    self.items.remove(&key);
                }
                Action::Check(..) | Action::Update { .. } => {}
            }
        }
        true
    }

    fn note(&self) -> Option<Note> {
        let note = note(&[], Visibility::Public, 1);
        let key = Key::note(&company(), note.contact_id, note.id);
        self.items.get(&key).cloned().map(|item| from_item(item).unwrap())
    }

    fn entries(&self) -> HashMap<String, LedgerEntry> {
        let entries = self.items.iter().filter(|(key, _)| key.sk.starts_with("MENTION#"));
        entries
            .map(|(_, item)| from_item::<LedgerEntry>(item.clone()).unwrap())
            .map(|entry| (entry.person.clone(), entry))
            .collect()
    }

    /// Saves the note like a writer that has read the state `seen`. Returns whether the save
    /// succeeded.
    fn save(&mut self, seen: &World, by: u8, mentioned: &[u8], visibility: Visibility) -> bool {
        let old = seen.note();
        let version = old.as_ref().map_or(1, |old| old.version + 1);
        let note = note(mentioned, visibility, version);
        let (company, entries) = (company(), seen.entries());
        let ledger = Ledger { company: &company, entries: &entries, notifies: true, now: now() };
        let named = old.as_ref().filter(|old| old.is_public()).map(named);
        let change = save_change(&ledger, &note, named.as_deref(), &[], &actor(by)).unwrap();
        let key = Key::note(&company, note.contact_id, note.id);
        let unchanged = old.map_or(Condition::Absent, |old| Condition::Version(old.version));
        let put = Action::Put(to_item(&key, &note).unwrap(), Some(unchanged));
        self.transact([put].into_iter().chain(change.actions).collect())
    }

    /// Processes a mention like a worker that has read the state `seen`. Returns whether the person
    /// is notified.
    fn work(&mut self, seen: &World, who: u8) -> bool {
        let (company, Some(note)) = (company(), seen.note()) else { return false };
        let Some(entry) = seen.entries().remove(&person(who).to_string()) else { return false };
        if entry.state != MentionState::Pending {
            return false;
        }
        let notifies = note.is_public() && note.mentioned_user_ids.contains(&person(who));
        let next = if notifies { entry.with_lease(now()) } else { entry.dropped() };
        let check = Action::Check(
            Key::note(&company, note.contact_id, note.id),
            Condition::Version(note.version),
        );
        let claimed = self.transact(vec![entry.replace(&company, &next).unwrap(), check]);
        if claimed && notifies {
            let sent = serde_json::from_value(json!("n")).unwrap();
            let sent = next.replace(&company, &next.sent(sent)).unwrap();
            assert!(self.transact(vec![sent]));
        }
        claimed && notifies
    }
}

#[derive(Clone, Debug)]
enum Step {
    Save { by: u8, mentioned: Vec<u8>, private: bool, stale: bool },
    Work { who: u8, stale: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let people = proptest::collection::btree_set(0..4u8, 0..4);
    prop_oneof![
        (0..3u8, people, proptest::bool::weighted(0.3), any::<bool>()).prop_map(
            |(by, mentioned, private, stale)| {
                Step::Save { by, mentioned: mentioned.into_iter().collect(), private, stale }
            }
        ),
        (0..4u8, any::<bool>()).prop_map(|(who, stale)| Step::Work { who, stale }),
    ]
}

proptest! {
    #[test]
    fn no_person_is_notified_twice_and_each_person_mentioned_in_public_is_notified(
        steps in proptest::collection::vec(step(), 1..24)
    ) {
        let mut world = World::default();
        let mut before = World::default();
        let mut notified: BTreeMap<u8, u32> = BTreeMap::new();
        for step in steps {
            let current = world.clone();
            match step {
                Step::Save { by, mentioned, private, stale } => {
                    let visibility = if private { Visibility::Private } else { Visibility::Public };
                    let seen = if stale { &before } else { &current };
                    world.save(seen, by, &mentioned, visibility);
                }
                Step::Work { who, stale } => {
                    let seen = if stale { &before } else { &current };
                    *notified.entry(who).or_default() += u32::from(world.work(seen, who));
                }
            }
            before = current;
        }
        // Deliver the remaining messages.
        for who in 0..4 {
            let current = world.clone();
            *notified.entry(who).or_default() += u32::from(world.work(&current, who));
        }
        prop_assert!(notified.values().all(|times| *times <= 1), "{notified:?}");
        for entry in world.entries().values() {
            let is_own = entry.actor.actor_id.to_string() == entry.person;
            prop_assert!(!is_own || entry.state == MentionState::Dropped, "{entry:?}");
        }
        // Each person whom the public note mentions was notified or added the mention themselves.
        // In the second case, the ledger has no entry or a dropped entry.
        if let Some(note) = world.note().filter(Note::is_public) {
            for who in (0..4).filter(|who| note.mentioned_user_ids.contains(&person(*who))) {
                let entry = world.entries().remove(&person(who).to_string());
                let state = entry.map(|entry| entry.state);
                let expected = if notified[&who] == 1 { state == Some(MentionState::Sent) } else {
                    matches!(state, None | Some(MentionState::Dropped))
                };
                prop_assert!(expected, "{who}: {state:?}");
            }
        }
    }
}
