//! Lists, single records, and look-ups.

use std::collections::BTreeSet;

use shared::{contact::Contact, id::ContactId};

use super::{VIEW_CUSTOMERS, ViewerCheck};

impl ViewerCheck<'_> {
    /// Reads every page of the list in both orders and compares the contacts with the rule.
    pub(super) async fn lists(&mut self) {
        let directions = |order: &str, number: usize| match number % 2 {
            0 => format!("order_by={order}&direction=asc"),
            _ => format!("order_by={order}&direction=desc"),
        };
        for order in ["created_at", "name"] {
            let turn = self.index + usize::from(order == "name");
            let query = directions(order, turn);
            let mut expected = self.visible();
            if order == "name" {
                let name = |one: &Contact| one.name.clone().unwrap_or_default().to_lowercase();
                expected.sort_by_key(|one| (name(one), one.id.to_string()));
            }
            if turn % 2 == 1 {
                expected.reverse();
            }
            self.list(&query, &expected).await;
        }
    }

    async fn list(&mut self, query: &str, expected: &[Contact]) {
        let limit = 1 + self.index * 2;
        let mut cursor = String::new();
        let mut seen = Vec::new();
        loop {
            let path = format!("/cdp/customers?{query}&limit={limit}&cursor={cursor}");
            let response = self.get(&path).await;
            if self.company.level(self.viewer(), VIEW_CUSTOMERS) == "disabled" {
                assert_eq!(response.status, 403, "{}", self.about(&path));
                return;
            }
            assert_eq!(response.status, 200, "{}", self.about(&path));
            self.check_narrowing(&response, &path);
            for contact in response.data().as_array().unwrap() {
                self.check_permission(contact, &path);
            }
            seen.extend(response.ids());
            match response.body["meta"]["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        let expected: Vec<String> = expected.iter().map(|contact| contact.id.to_string()).collect();
        assert_eq!(seen, expected, "{}", self.about(&format!("the list by {query}")));
    }

    /// Reads each contact by its id, including deleted contacts and those of another company.
    pub(super) async fn reads(&mut self) {
        let own = self.company.contacts.iter().map(|contact| contact.id);
        let ids: Vec<ContactId> = own.chain(self.foreign.iter().copied()).collect();
        let disabled = self.company.level(self.viewer(), VIEW_CUSTOMERS) == "disabled";
        for id in ids {
            let path = format!("/cdp/customers/{id}");
            let response = self.get(&path).await;
            let expected = match self.live(id) {
                _ if disabled => 403,
                None => 404,
                Some(one) if self.company.can_access(self.viewer(), VIEW_CUSTOMERS, &one) => 200,
                Some(_) => 403,
            };
            assert_eq!(response.status, expected, "{}", self.about(&path));
            if expected == 403 {
                let narrows = self.company.narrows(self.viewer(), VIEW_CUSTOMERS);
                let has_fallback = response.headers.contains_key("x-team-permission-fallback");
                assert_eq!(has_fallback, narrows, "{}", self.about(&path));
            }
            if expected == 200 {
                self.check_narrowing(&response, &path);
                self.check_permission(response.data(), &path);
            }
        }
    }

    /// Looks each email address up. The newest contact that the rule allows is found.
    pub(super) async fn look_ups(&mut self) {
        let emails = self.company.contacts.iter().filter_map(|one| one.emails.first().cloned());
        let emails: BTreeSet<String> = emails.collect();
        for email in emails {
            let path = format!("/cdp/customers/by-email/{email}");
            let response = self.get(&path).await;
            let has_email =
                |one: &&Contact| one.deleted_at.is_none() && one.emails.contains(&email);
            let visible = self.visible();
            let newest = visible.iter().rfind(has_email).map(|one| one.id.to_string());
            let disabled = self.company.level(self.viewer(), VIEW_CUSTOMERS) == "disabled";
            let expected = match &newest {
                _ if disabled => 403,
                Some(_) => 200,
                None if self.company.contacts.iter().any(|one| has_email(&one)) => 403,
                None => 404,
            };
            assert_eq!(response.status, expected, "{}", self.about(&path));
            if let (200, Some(newest)) = (expected, newest) {
                assert_eq!(response.data()["id"], newest, "{}", self.about(&path));
            }
        }
    }

    fn live(&self, id: ContactId) -> Option<Contact> {
        let mut contacts = self.company.contacts.iter();
        contacts.find(|one| one.id == id && one.deleted_at.is_none()).cloned()
    }
}
