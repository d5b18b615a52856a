//! Deletions, restorations, and the list of deleted contacts.

use std::cmp::Reverse;

use http::Method;
use serde_json::json;
use shared::{contact::Contact, id::ContactId};

use super::{DELETE_CUSTOMERS, MANAGE_CUSTOMERS, ViewerCheck};

impl ViewerCheck<'_> {
    /// Deletes live contacts and restores deleted ones, every third contact, as far as the rule
    /// allows. All later checks, of this person and the next ones, see the result.
    pub(super) async fn deletions_and_restorations(&mut self) {
        for number in (self.index % 3..self.company.contacts.len()).step_by(3) {
            let contact = self.company.contacts[number].clone();
            let path = format!("/cdp/customers/{}", contact.id);
            let response = match contact.deleted_at {
                None => self.call(Method::DELETE, &path, None).await,
                Some(_) => self.call(Method::POST, &format!("{path}/restore"), None).await,
            };
            let may = self.company.can_access(self.viewer(), DELETE_CUSTOMERS, &contact);
            let disabled = self.company.level(self.viewer(), DELETE_CUSTOMERS) == "disabled";
            let expected = match may {
                _ if is_gone(&contact) && !disabled => 404,
                true => 200,
                false => 403,
            };
            assert_eq!(response.status, expected, "{}", self.about(&path));
            if expected == 200 {
                let now = self.world.clock.now();
                let changed = &mut self.company.contacts[number];
                changed.deleted_at = contact.deleted_at.is_none().then_some(now);
            }
        }
    }

    /// Tries to change and to delete each deleted contact. It does not exist for these requests.
    pub(super) async fn changes_of_deleted_contacts(&mut self) {
        let deleted = self.company.contacts.iter().filter(|one| one.deleted_at.is_some());
        let ids: Vec<ContactId> = deleted.map(|contact| contact.id).collect();
        for id in ids {
            let path = format!("/cdp/customers/{id}");
            for (method, permission, body) in [
                (Method::PATCH, MANAGE_CUSTOMERS, Some(json!({ "name": "Changed" }))),
                (Method::DELETE, DELETE_CUSTOMERS, None),
            ] {
                let about = self.about(&format!("{method} {path}"));
                let response = self.call(method, &path, body).await;
                let disabled = self.company.level(self.viewer(), permission) == "disabled";
                assert_eq!(response.status, if disabled { 403 } else { 404 }, "{about}");
            }
        }
    }

    /// Reads every page of the list of deleted contacts. Its order is that of the deletions.
    pub(super) async fn deleted_list(&mut self) {
        let (company, viewer) = (&self.company, self.viewer());
        let mut expected: Vec<Contact> = company.contacts.clone();
        expected.retain(|one| {
            one.deleted_at.is_some()
                && !is_gone(one)
                && company.can_access(viewer, DELETE_CUSTOMERS, one)
        });
        expected.sort_by_key(|one| Reverse((one.deleted_at, one.id.to_string())));
        let disabled = company.level(viewer, DELETE_CUSTOMERS) == "disabled";
        let (mut cursor, mut seen) = (String::new(), Vec::new());
        loop {
            let path = format!("/cdp/customers?view=deleted&limit=2&cursor={cursor}");
            let response = self.get(&path).await;
            let status = if disabled { 403 } else { 200 };
            assert_eq!(response.status, status, "{}", self.about(&path));
            seen.extend(response.ids());
            match response.body["meta"]["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        let expected: Vec<String> = expected.iter().map(|contact| contact.id.to_string()).collect();
        assert_eq!(seen, expected, "{}", self.about("the list of deleted contacts"));
    }
}

/// Whether a deleted contact can no longer be restored.
fn is_gone(contact: &Contact) -> bool {
    contact.erased_at.is_some() || contact.erased_after.is_some()
}
