use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    access::Scope,
    clock::Clock,
    contact::{
        Contact, Contacts, Criteria, ListRequest, StalePointers, write_plan::tests::contact,
    },
    id::{ContactId, UserId},
    table::embedded,
};

#[tokio::test]
async fn a_contact_that_moves_from_its_assignee_to_its_owner_during_a_walk_is_read_once() {
    let contacts = Contacts::new(embedded::table().await, "acme".parse().unwrap(), Clock::System);
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let user = UserId::from_uuid(Uuid::from_u128(1));
    let mut all = Vec::new();
    for n in 0..40 {
        let created_at = start + SignedDuration::from_secs(n);
        // The newest contacts are owned, and many older ones are assigned.
        let (owner_id, assignee_id) = if n >= 38 { (Some(user), None) } else { (None, Some(user)) };
        let id = ContactId::generate(created_at);
        let contact = Contact { id, owner_id, assignee_id, created_at, ..contact(1) };
        contacts.write(None, &contact, StalePointers::Delete).await.unwrap();
        all.push(contact);
    }
    let request = ListRequest::first_page(Criteria::default(), 1);
    let mut walk = contacts.walk(&Scope::Own(user), &request);
    let mut found = vec![walk.next().await.unwrap().unwrap().id];
    // The owner's partition has been read to its end; the oldest contact moves there.
    let old = &all[0];
    let new = Contact { owner_id: Some(user), assignee_id: None, version: 2, ..old.clone() };
    contacts.write(Some(old), &new, StalePointers::Delete).await.unwrap();
    while let Some(pointer) = walk.next().await.unwrap() {
        found.push(pointer.id);
    }
    assert_eq!(found.last(), Some(&old.id), "only the second pass finds the contact");
    found.sort_unstable();
    let expected: Vec<ContactId> = all.iter().map(|contact| contact.id).collect();
    assert_eq!(found, expected);
}
