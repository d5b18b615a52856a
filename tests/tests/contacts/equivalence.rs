//! Tests that the same access rule applies everywhere (ARCHITECTURE, "Invariants"). In random
//! companies, lists, reads, look-ups, searches, exports and notes must return exactly what the plain
//! rule allows, also after contacts were deleted and restored and unique keys were handed over. The
//! module [`rule`] evaluates the plain rule for all records.
//!
//! `EQUIVALENCE_SEED` is the seed from which the companies are created, and `EQUIVALENCE_COMPANIES`
//! is the number of companies. A failure message contains the seed of its company. To reproduce the
//! failure, run the test with that seed and two companies.

mod company;
mod rule;

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use http::Method;
use serde_json::{Value, json};
use shared::{
    contact::Contact, directory::SubscriptionPlan, export::MAX_ATTEMPTS, id::ContactId, note::Note,
};
use tests::{Response, World};

use company::{Company, Person, public_note};
use rule::{ADD, DELETE, UPDATE, VIEW};

const SEED: u64 = 20_261_121;
const COMPANIES: u64 = 40;
/// The number of companies that are checked at the same time.
const CONCURRENT: usize = 4;
const VIEW_CUSTOMERS: &str = "customers_customers_view";
const DELETE_CUSTOMERS: &str = "customers_customers_delete";
const SEARCH: &str = "customers_customers_searchassoc";

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_reads_searches_exports_and_notes_all_follow_the_access_rule() {
    let (seed, count) =
        (number("EQUIVALENCE_SEED", SEED), number("EQUIVALENCE_COMPANIES", COMPANIES));
    let world = World::start().await;
    let mut companies: Vec<Company> = Vec::new();
    for seed in seed..seed + count {
        let company = Company::random(seed, companies.last());
        company.store(&world).await;
        companies.push(company);
    }
    let twins = companies.iter().skip(1).chain(companies.first());
    let twins: Vec<Vec<ContactId>> =
        twins.map(|twin| twin.contacts.iter().map(|contact| contact.id).collect()).collect();
    let cases = stream::iter(companies.into_iter().zip(twins))
        .map(|(company, foreign)| check_all_people(&world, company, foreign))
        .buffer_unordered(CONCURRENT)
        .fold(0, async |sum, cases| sum + cases);
    let cases = cases.await;
    println!("{cases} cases");
    assert!(u64::try_from(cases).unwrap() >= count * 80, "{cases} cases are too few");
}

/// Checks every person of a company and returns the number of cases.
async fn check_all_people(world: &World, mut company: Company, foreign: Vec<ContactId>) -> usize {
    hand_keys_over(world, &mut company).await;
    let mut cases = 0;
    for index in 0..company.people.len() {
        let mut check =
            ViewerCheck { world, company: &mut company, index, foreign: &foreign, cases: 0 };
        check.deletions_and_restorations().await;
        check.deleted_list().await;
        check.lists().await;
        check.reads().await;
        check.look_ups().await;
        check.search().await;
        check.export().await;
        check.notes().await;
        cases += check.cases;
    }
    cases
}

/// Creates a second contact with the first email address of each second live contact, and hands the
/// unique key over from one to the other by deletions and restorations. In the end the contact that
/// has the key, which `sync` finds, is sometimes the first and sometimes the second one, and one of
/// them may be deleted.
async fn hand_keys_over(world: &World, company: &mut Company) {
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

/// The data with which one viewer of one company is checked.
struct ViewerCheck<'a> {
    world: &'a World,
    company: &'a mut Company,
    index: usize,
    /// Ids of another company's contacts. Some of these ids also exist in this company.
    foreign: &'a [ContactId],
    cases: usize,
}

impl ViewerCheck<'_> {
    fn viewer(&self) -> &Person {
        &self.company.people[self.index]
    }

    /// The description of a case for a failure message.
    fn about(&self, question: &str) -> String {
        let (seed, viewer) = (self.company.seed, self.viewer());
        let effective = self.company.flag_is_effective();
        format!(
            "{question}: EQUIVALENCE_SEED={seed}, person {} {:?} of teams {:?}, teams call {:?}, \
             team flag effective: {effective}",
            self.index, viewer.levels, viewer.teams, viewer.teams_failure
        )
    }

    async fn call(&mut self, method: Method, path: &str, body: Option<Value>) -> Response {
        self.cases += 1;
        self.world.call(&self.viewer().id.to_string(), method, path, body.as_ref()).await
    }

    async fn get(&mut self, path: &str) -> Response {
        self.call(Method::GET, path, None).await
    }

    /// The contacts that the rule allows the viewer to list, oldest first.
    fn visible(&self) -> Vec<Contact> {
        self.permitted(VIEW_CUSTOMERS)
    }

    /// The contacts that the rule allows the viewer to see with a permission, oldest first.
    fn permitted(&self, permission: &str) -> Vec<Contact> {
        let (company, viewer) = (&self.company, self.viewer());
        let live = company.contacts.iter().filter(|contact| contact.deleted_at.is_none());
        let mut visible: Vec<Contact> =
            live.filter(|one| company.can_access(viewer, permission, one)).cloned().collect();
        visible.sort_by_key(|contact| contact.id.to_string());
        visible
    }

    /// Deletes live contacts and restores deleted ones, every third contact, as far as the rule
    /// allows. All later checks, of this person and the next ones, see the result.
    async fn deletions_and_restorations(&mut self) {
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

    /// Reads every page of the list of deleted contacts. Its order is that of the deletions.
    async fn deleted_list(&mut self) {
        let (company, viewer) = (&self.company, self.viewer());
        let mut expected: Vec<Contact> = company.contacts.clone();
        expected.retain(|one| {
            one.deleted_at.is_some()
                && !is_gone(one)
                && company.can_access(viewer, DELETE_CUSTOMERS, one)
        });
        expected.sort_by_key(|one| std::cmp::Reverse((one.deleted_at, one.id.to_string())));
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

    /// Reads every page of the list in both orders and compares the contacts with the rule.
    async fn lists(&mut self) {
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

    /// Asserts that a response reports the fallback if its scope was narrowed, and only then.
    fn check_narrowing(&self, response: &Response, path: &str) {
        let narrows = self.company.narrows(self.viewer(), VIEW_CUSTOMERS);
        let header = response.headers.get("x-team-permission-fallback").map(String::as_str);
        let scope = response.body["meta"]["team_scope"].as_str();
        let fallback = narrows.then_some("owned-only");
        assert_eq!(header, fallback, "{}", self.about(path));
        assert_eq!(scope, narrows.then_some("owned_only_fallback"), "{}", self.about(path));
    }

    /// Asserts that the permissions in the returned record follow the rules for changes and
    /// deletions.
    fn check_permission(&self, record: &Value, question: &str) {
        let (company, viewer) = (&self.company, self.viewer());
        let contact = company.contacts.iter().find(|one| record["id"] == one.id.to_string());
        let contact =
            contact.unwrap_or_else(|| panic!("{}", self.about("another company's contact")));
        let may = json!({
            "update": company.can_access(viewer, "customers_customers_manage", contact),
            "delete": company.can_access(viewer, "customers_customers_delete", contact),
        });
        assert_eq!(record["permission"], may, "{}", self.about(question));
    }

    /// Reads each contact by its id, including deleted contacts and those of another company.
    async fn reads(&mut self) {
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
    async fn look_ups(&mut self) {
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

    /// Searches in pages for a text with which every email address and some names begin. A contact
    /// that the viewer may not view is found by its name or by a whole address only.
    async fn search(&mut self) {
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

    /// Exports everything or selected ids. If teams are needed and Launchpad cannot return them,
    /// the export fails and leaves no file.
    async fn export(&mut self) {
        let by_ids = self.index % 2 == 1;
        let all =
            self.company.contacts.iter().map(|one| one.id).chain(self.foreign.iter().copied());
        let mut all: Vec<String> = all.map(|id| id.to_string()).collect();
        all.sort_unstable();
        all.dedup();
        let selection = if by_ids { json!({ "ids": all }) } else { json!({ "filter": {} }) };
        let body = json!({
            "format": "csv", "selection": selection, "fields": ["id"], "file_name": "ids",
        });
        let response = self.call(Method::POST, "/cdp/exports", Some(body)).await;
        let (company, viewer) = (&self.company, self.viewer());
        let expected = match company.plan {
            _ if company.level(viewer, VIEW_CUSTOMERS) == "disabled" => 403,
            _ if company.profile_is_down => 503,
            SubscriptionPlan::Starter => 403,
            SubscriptionPlan::Growth | SubscriptionPlan::Enterprise => 202,
        };
        assert_eq!(response.status, expected, "{}", self.about("the request of an export"));
        if expected != 202 {
            return;
        }
        let job = response.data()["id"].as_str().unwrap().to_owned();
        let at = json!({ "company": company.id, "user": viewer.id, "job": job });
        let key = format!("private/exports/{}/{job}/1/ids.csv", company.id);
        let mut expected: Vec<String> =
            self.visible().iter().map(|contact| contact.id.to_string()).collect();
        if !by_ids {
            expected.reverse();
        }
        let skipped = if by_ids { all.len() - expected.len() } else { 0 };
        // The queue delivers a message at most `MAX_ATTEMPTS` times.
        for count in 1..=MAX_ATTEMPTS {
            self.world.invoke("ExportGenerate", delivery(&at, count)).await;
        }
        let view = self.get(&format!("/cdp/exports/{job}")).await;
        let file = self.world.files().await.read(&key).await;
        if self.company.narrows(self.viewer(), VIEW_CUSTOMERS) {
            assert_eq!(
                view.data()["status"],
                "failed",
                "{}",
                self.about("an export without teams")
            );
            assert!(file.is_err(), "{}", self.about("the file of an export without teams"));
            return;
        }
        assert_eq!(view.data()["status"], "completed", "{}", self.about("the export"));
        let file = String::from_utf8(file.unwrap()).unwrap();
        let rows: Vec<&str> = file.lines().skip(1).collect();
        assert_eq!(rows, expected, "{}", self.about("the rows of the export"));
        assert_eq!(
            view.data()["skipped"],
            skipped,
            "{}",
            self.about("the skipped contacts of the export")
        );
    }

    /// Lists, reads and writes each contact's notes.
    async fn notes(&mut self) {
        for contact in self.company.contacts.clone() {
            self.list_notes(&contact).await;
            let about = |note: &&Note| note.contact_id == contact.id;
            let notes: Vec<Note> = self.company.notes.iter().filter(about).cloned().collect();
            for note in notes {
                self.one_note(&contact, &note).await;
            }
        }
        let index = self.index % self.company.contacts.len();
        let contact = self.company.contacts[index].clone();
        self.add_note(&contact).await;
    }

    async fn list_notes(&mut self, contact: &Contact) {
        let path = format!("/v1/contacts/{}/notes?limit=100", contact.id);
        let response = self.get(&path).await;
        let (company, viewer) = (&self.company, self.viewer());
        let expected =
            self.status(VIEW, contact, company.can_access_notes(viewer, VIEW, contact), 200);
        assert_eq!(response.status, expected, "{}", self.about(&path));
        if expected != 200 {
            return;
        }
        let mut notes: Vec<&Note> = company.notes.iter().collect();
        notes.retain(|one| one.contact_id == contact.id && company.may(viewer, VIEW, one, contact));
        notes.sort_by_key(|note| std::cmp::Reverse(note.id.to_string()));
        let expected: Vec<String> = notes.iter().map(|note| note.id.to_string()).collect();
        assert_eq!(response.ids(), expected, "{}", self.about(&path));
        for (record, note) in response.data().as_array().unwrap().iter().zip(notes) {
            let may = json!({
                "update": company.may(viewer, UPDATE, note, contact),
                "delete": company.may(viewer, DELETE, note, contact),
            });
            assert_eq!(record["permission"], may, "{}", self.about(&path));
        }
    }

    async fn one_note(&mut self, contact: &Contact, note: &Note) {
        let path = format!("/v1/contacts/{}/notes/{}", contact.id, note.id);
        let body = json!({ "note": note.note });
        let steps = [(VIEW, Method::GET, None), (UPDATE, Method::PUT, Some(body))];
        for (action, method, body) in steps {
            let response = self.call(method, &path, body).await;
            let may = self.company.may(self.viewer(), action, note, contact);
            let expected = self.status(action, contact, may, 200);
            assert_eq!(response.status, expected, "{}", self.about(&format!("{action} {path}")));
        }
    }

    async fn add_note(&mut self, contact: &Contact) {
        let path = format!("/v1/contacts/{}/notes", contact.id);
        let response = self.call(Method::POST, &path, Some(json!({ "note": "<p>New.</p>" }))).await;
        let may = self.company.can_access_notes(self.viewer(), ADD, contact);
        let expected = self.status(ADD, contact, may, 201);
        assert_eq!(response.status, expected, "{}", self.about(&format!("{ADD} {path}")));
        if expected == 201 {
            let id = response.data()["id"].as_str().unwrap().parse().unwrap();
            let note = public_note(id, contact, self.viewer().id);
            self.company.notes.push(note);
        }
    }

    /// The HTTP status that the rule requires. A deleted contact gives 404, unless the viewer's
    /// level is disabled.
    fn status(&self, action: &str, contact: &Contact, may: bool, success: u16) -> u16 {
        let disabled = self.company.level(self.viewer(), action) == "disabled";
        match contact.deleted_at {
            Some(_) if !disabled => 404,
            None if may => success,
            _ => 403,
        }
    }
}

/// Whether a deleted contact can no longer be restored.
fn is_gone(contact: &Contact) -> bool {
    contact.erased_at.is_some() || contact.erased_after.is_some()
}

fn delivery(at: &Value, count: u32) -> Value {
    json!({ "Records": [{
        "messageId": "1", "receiptHandle": "none", "body": json!({ "body": at }).to_string(),
        "attributes": { "ApproximateReceiveCount": count.to_string() },
        "messageAttributes": {}, "eventSource": "aws:sqs",
    }] })
}
