use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, strategy::ValueTree};
use uuid::Uuid;

use super::*;
use crate::{
    clock::Clock,
    contact::{Contact, Criteria, StalePointers, write_plan::tests::contact},
    id::{ContactId, TeamId, UserId},
    table::{Direction, embedded},
};

const TEAMS: u128 = 60;
/// The first words of the names of contacts, in turn.
const WORDS: [&str; 3] = ["Name", "Namely", "Other"];

fn team(n: u128) -> TeamId {
    TeamId::from_uuid(Uuid::from_u128(n))
}

fn user(n: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(n))
}

/// Stores contacts and returns them. The first teams own many of them, and the last teams own few.
async fn company(contacts: &Contacts) -> Vec<Contact> {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut all = Vec::new();
    for n in 0..600u128 {
        let created_at = start + SignedDuration::from_secs(i64::try_from(n).unwrap());
        let teams: &[u128] = match n % 10 {
            0 => &[n % TEAMS],
            1 => &[n % TEAMS, (n * 7) % TEAMS],
            2 if n % 100 == 2 => &[],
            _ => &[n % 5],
        };
        let contact = Contact {
            id: ContactId::generate(created_at),
            name: Some(format!("{} {} {}", WORDS[n as usize % 3], (n * 37) % 11, n)),
            owner_id: Some(user(if n % 29 == 0 { 3 } else { n % 3 })),
            team_owner_ids: teams.iter().copied().map(team).collect(),
            created_at,
            ..contact(1)
        };
        contacts.write(None, &contact, StalePointers::Delete).await.unwrap();
        all.push(contact);
    }
    all
}

/// The ids on all pages of a read plan in order, and the plan of each page.
async fn pages(
    contacts: &Contacts,
    scope: &Scope,
    mut request: ListRequest,
    sets: &[PartitionSet],
) -> (Vec<ContactId>, BTreeSet<&'static str>) {
    let (mut ids, mut plans) = (Vec::new(), BTreeSet::new());
    loop {
        let candidates = Candidates::with_sets(sets.to_vec(), contacts, scope, &request);
        let page = contacts.page(scope, &request, candidates).await.unwrap();
        plans.insert(page.plan.as_str());
        ids.extend(page.contacts.iter().map(|contact| contact.id));
        if page.next.is_some() {
            assert_eq!(page.contacts.len(), request.limit, "pages before the last are full");
        }
        request.cursor = page.next;
        if request.cursor.is_none() {
            return (ids, plans);
        }
    }
}

/// The ids that a list must return. The function evaluates the plain rule for all contacts.
fn expected_ids(all: &[Contact], scope: &Scope, request: &ListRequest) -> Vec<ContactId> {
    let is_expected =
        |contact: &&Contact| scope.admits(*contact) && request.criteria.matches(*contact);
    let mut expected: Vec<&Contact> = all.iter().filter(is_expected).collect();
    expected.sort_unstable_by_key(|contact| request.criteria.position(contact, request.order));
    if request.direction == Direction::Descending {
        expected.reverse();
    }
    expected.iter().map(|contact| contact.id).collect()
}

#[tokio::test]
async fn a_walk_and_a_merge_return_the_same_contacts_in_the_same_order() {
    let table = embedded::table().await;
    let contacts = Contacts::new(table, "acme".parse().unwrap(), Clock::System);
    let all = company(&contacts).await;
    let strategy = (
        proptest::collection::btree_set(0..TEAMS, 0..40),
        0..4u128,
        1..60usize,
        prop_oneof![Just(OrderBy::CreatedAt), Just(OrderBy::Name)],
        prop_oneof![Just(Direction::Ascending), Just(Direction::Descending)],
    );
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..40 {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        let (teams, viewer, limit, order, direction) = case;
        let expanded = teams.into_iter().map(team).collect();
        let scope = Scope::Team { user: user(viewer), expanded };
        let criteria = Criteria::default();
        let request = ListRequest { order, direction, limit, cursor: None, criteria };
        let expected = expected_ids(&all, &scope, &request);
        let merge = request.criteria.partition_sets(&scope);
        let walk = vec![whole_company(), merge[0].clone()];
        for sets in [merge, walk] {
            let (ids, plans) = pages(&contacts, &scope, request.clone(), &sets).await;
            assert_eq!(ids, expected, "{sets:?} {request:?}");
            seen.extend(plans);
        }
    }
    assert_eq!(seen, BTreeSet::from(["merge", "walk", "walk_then_merge"]));
}

#[tokio::test]
async fn a_search_finds_the_same_contacts_by_its_words_and_by_its_scope_and_has_no_empty_page() {
    let table = embedded::table().await;
    let contacts = Contacts::new(table, "acme".parse().unwrap(), Clock::System);
    let all = company(&contacts).await;
    let few_teams = Scope::Team { user: user(3), expanded: (7..11).map(team).collect() };
    let many_teams = Scope::Team { user: user(3), expanded: (0..TEAMS).map(team).collect() };
    let own = (0..5).map(|n| Scope::Own(user(n)));
    let mut seen = BTreeSet::new();
    for scope in own.chain([few_teams, many_teams, Scope::Everything]) {
        for text in ["nam", "namely", "100", "namely 10", "other 5 1"] {
            for (limit, enough) in [(25, usize::MAX), (7, usize::MAX), (25, 20), (100, 100)] {
                let criteria = Criteria::search(text);
                let mut request = ListRequest::first_page(criteria, limit);
                let mut ids = Vec::new();
                loop {
                    let mut candidates = Candidates::new(&contacts, &scope, &request);
                    candidates.enough = enough;
                    let page = contacts.page(&scope, &request, candidates).await.unwrap();
                    seen.insert(page.plan.as_str());
                    ids.extend(page.contacts.iter().map(|contact| contact.id));
                    request.cursor = page.next;
                    if request.cursor.is_none() {
                        break;
                    }
                    assert!(!page.contacts.is_empty(), "{text} {scope:?} {limit} {enough}");
                    let is_full = page.contacts.len() == limit;
                    assert!(is_full || enough < usize::MAX, "{text} {scope:?} {limit}");
                }
                request.cursor = None;
                let expected = expected_ids(&all, &scope, &request);
                assert_eq!(ids, expected, "{text} {scope:?} {limit} {enough}");
            }
        }
    }
    assert_eq!(seen, BTreeSet::from(["search", "search_rarest_word", "search_scope"]));
}
