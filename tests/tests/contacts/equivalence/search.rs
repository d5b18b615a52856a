//! Searches.

use serde_json::{Value, json};
use shared::contact::Contact;

use super::{VIEW_CUSTOMERS, ViewerCheck};

const SEARCH: &str = "customers_customers_searchassoc";

impl ViewerCheck<'_> {
    /// Searches in pages for a text with which every email address and some names begin. A contact
    /// that the viewer may not view is found by its name or by a whole address only.
    pub(super) async fn search(&mut self) {
        let (mut cursor, mut seen) = (String::new(), Vec::new());
        loop {
            let path = format!("/cdp/customers/search-assoc?q=quince&cursor={cursor}");
            let response = self.get(&path).await;
            if self.company.level(self.viewer(), SEARCH) == "disabled" {
                assert_eq!(response.status, 403, "{}", self.about(&path));
                return;
            }
            assert_eq!(response.status, 200, "{}", self.about(&path));
            let narrows = self.company.narrows(self.viewer(), SEARCH)
                || self.company.narrows(self.viewer(), VIEW_CUSTOMERS);
            let has_fallback = response.headers.contains_key("x-team-permission-fallback");
            assert_eq!(has_fallback, narrows, "{}", self.about(&path));
            seen.extend(response.ids());
            match response.body["meta"]["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        seen.sort_unstable();
        let expected = self.permitted(SEARCH);
        let can_view = |one: &&Contact| self.company.can_access(self.viewer(), VIEW_CUSTOMERS, one);
        let has_name = |one: &Contact| {
            one.name.as_ref().is_some_and(|name| name.to_lowercase().starts_with("quince"))
        };
        let shown = expected.iter().filter(|one| can_view(one) || has_name(one));
        let shown: Vec<String> = shown.map(|contact| contact.id.to_string()).collect();
        assert_eq!(seen, shown, "{}", self.about("the search"));
        if let Some(hidden) = expected.iter().find(|one| !can_view(one)).cloned() {
            self.search_hidden(&hidden).await;
        }
    }

    /// Searches for the whole address of a contact that the viewer may not view.
    async fn search_hidden(&mut self, contact: &Contact) {
        let path = format!("/cdp/customers/search-assoc?q={}", contact.emails[0]);
        let response = self.get(&path).await;
        let found = response.data().as_array().cloned().unwrap_or_default();
        // Deletions and restorations raise the version of the record.
        let is_restricted = |one: &Value| {
            one.as_object().is_some_and(|one| one.len() == 3 && one.contains_key("version"))
                && one["id"] == json!(contact.id)
                && one["name"] == json!(contact.name)
        };
        assert!(found.iter().any(is_restricted), "{}: {}", self.about(&path), response.body);
    }
}
