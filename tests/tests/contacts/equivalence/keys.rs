//! Hands unique keys over from one contact to another.

use http::Method;
use serde_json::json;
use shared::contact::Contact;
use tests::World;

use super::company::Company;

/// Creates a second contact with the first email address of each second live contact, and hands the
/// unique key over from one to the other by deletions and restorations. In the end the contact that
/// has the key, which `sync` finds, is sometimes the first and sometimes the second one, and one of
/// them may be deleted.
pub(super) async fn hand_keys_over(world: &World, company: &mut Company) {
    let admin = company.admin().to_string();
    let live = |(_, contact): &(usize, &Contact)| contact.deleted_at.is_none();
    let owners: Vec<usize> =
        company.contacts.iter().enumerate().filter(live).map(|(at, _)| at).collect();
    for (turn, first) in owners.into_iter().step_by(2).enumerate() {
        let emails = company.contacts[first].emails.clone();
        let body = json!({ "emails": emails, "name": "Quince" });
        let created = world.post(&admin, "/cdp/customers", &body).await;
        assert_eq!(created.status, 201, "{}", created.body);
        let id = created.data()["id"].as_str().unwrap().parse().unwrap();
        company.contacts.push(Contact {
            name: Some("Quince".to_owned()),
            emails: emails.clone(),
            owner_id: Some(company.admin()),
            ..Contact::new(id, world.clock.now())
        });
        let second = company.contacts.len() - 1;
        // Each deletion hands the key over to the other contact, and a restoration leaves it there.
        for (deleted, owner) in [(first, second), (second, first)].into_iter().take(turn % 3) {
            delete(world, company, deleted).await;
            sync_finds(world, company, owner).await;
            if turn % 2 == 0 {
                restore(world, company, deleted, &["emails"]).await;
                sync_finds(world, company, owner).await;
            }
        }
        if turn % 3 == 0 {
            sync_finds(world, company, first).await;
        }
    }
}

async fn delete(world: &World, company: &mut Company, at: usize) {
    let path = format!("/cdp/customers/{}", company.contacts[at].id);
    let response = world.call(&company.admin().to_string(), Method::DELETE, &path, None).await;
    assert_eq!(response.status, 200, "{path} EQUIVALENCE_SEED={}", company.seed);
    company.contacts[at].deleted_at = Some(world.clock.now());
}

/// Restores a contact and asserts that the unique keys of these fields stay with another contact.
async fn restore(world: &World, company: &mut Company, at: usize, taken: &[&str]) {
    let path = format!("/cdp/customers/{}/restore", company.contacts[at].id);
    let response = world.call(&company.admin().to_string(), Method::POST, &path, None).await;
    assert_eq!(response.status, 200, "{path} EQUIVALENCE_SEED={}", company.seed);
    let warning = &response.body["warnings"][0];
    let about = format!("{} EQUIVALENCE_SEED={}", response.body, company.seed);
    assert_eq!(warning["code"], "KEY_NOT_RESTORED", "{about}");
    assert_eq!(warning["fields"], json!(taken), "{about}");
    company.contacts[at].deleted_at = None;
}

/// Asserts that a sync with the contact's first email address updates this contact.
async fn sync_finds(world: &World, company: &mut Company, at: usize) {
    let contact = &company.contacts[at];
    let row = json!({ "emails": contact.emails, "name": format!("Quince {at}") });
    let body = json!({ "contacts": [row] });
    let response = world.post(&company.admin().to_string(), "/cdp/customers/sync", &body).await;
    let about = format!("EQUIVALENCE_SEED={}, contact {at}: {}", company.seed, response.body);
    assert_eq!(response.data()[0]["status"], "updated", "{about}");
    assert_eq!(response.data()[0]["id"], json!(contact.id), "{about}");
    company.contacts[at].name = Some(format!("Quince {at}"));
}
