//! One rule everywhere (ARCHITECTURE, "Invariants"): in random companies, what a list shows, what
//! the guard on one record lets through, what a search finds, what an export holds and which notes can be reached is
//! what the plain rule gives, evaluated over all records by [`rule`].
//!
//! `EQUIVALENCE_SEED` chooses the companies and `EQUIVALENCE_COMPANIES` how many there are. A
//! failure names the seed of its company; that seed and two companies show it again.

mod company;
mod rule;

use futures::{StreamExt, stream};
use http::Method;
use serde_json::{Value, json};
use shared::{contact::Contact, directory::SubscriptionPlan, export::MAX_ATTEMPTS, id::ContactId, note::Note};
use tests::{Answer, World};

use company::{Company, Person, public_note};
use rule::{ADD, DELETE, UPDATE, VIEW};

const SEED: u64 = 20_261_121;
const COMPANIES: u64 = 40;
/// Companies that are asked about at the same time.
const AT_ONCE: usize = 4;
const VIEW_CUSTOMERS: &str = "customers_customers_view";
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
        company.found(&world).await;
        companies.push(company);
    }
    let twins = companies.iter().skip(1).chain(companies.first());
    let twins: Vec<Vec<ContactId>> =
        twins.map(|twin| twin.contacts.iter().map(|contact| contact.id).collect()).collect();
    let asked = stream::iter(companies.into_iter().zip(twins))
        .map(|(company, foreign)| ask_everybody(&world, company, foreign))
        .buffer_unordered(AT_ONCE)
        .fold(0, async |sum, asked| sum + asked);
    let asked = asked.await;
    println!("{asked} cases");
    assert!(u64::try_from(asked).unwrap() >= count * 80, "{asked} cases are too few");
}

/// Asks every person of a company every question, and tells how many were asked.
async fn ask_everybody(world: &World, mut company: Company, foreign: Vec<ContactId>) -> usize {
    let mut asked = 0;
    for place in 0..company.people.len() {
        let mut interview =
            Interview { world, company: &mut company, place, foreign: &foreign, asked: 0 };
        interview.lists().await;
        interview.guard().await;
        interview.search().await;
        interview.export().await;
        interview.notes().await;
        asked += interview.asked;
    }
    asked
}

/// One viewer of one company and the questions to them.
struct Interview<'a> {
    world: &'a World,
    company: &'a mut Company,
    place: usize,
    /// Ids of another company's contacts, some of which are this company's, too.
    foreign: &'a [ContactId],
    asked: usize,
}

impl Interview<'_> {
    fn viewer(&self) -> &Person {
        &self.company.people[self.place]
    }

    /// What is told when an answer is not the rule's.
    fn about(&self, question: &str) -> String {
        let (seed, viewer) = (self.company.seed, self.viewer());
        let counts = self.company.flag_counts();
        format!(
            "{question}: EQUIVALENCE_SEED={seed}, person {} {:?} of teams {:?}, trouble {:?}, \
             team flag counts: {counts}",
            self.place, viewer.levels, viewer.teams, viewer.trouble
        )
    }

    async fn call(&mut self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.asked += 1;
        self.world.call(&self.viewer().id.to_string(), method, path, body.as_ref()).await
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// The contacts that the rule lets the viewer see, oldest first.
    fn visible(&self) -> Vec<Contact> {
        self.reached(VIEW_CUSTOMERS)
    }

    /// The contacts that the rule gives the viewer with a permission, oldest first.
    fn reached(&self, permission: &str) -> Vec<Contact> {
        let (company, viewer) = (&self.company, self.viewer());
        let live = company.contacts.iter().filter(|contact| contact.deleted_at.is_none());
        let mut visible: Vec<Contact> =
            live.filter(|one| company.reaches(viewer, permission, one)).cloned().collect();
        visible.sort_by_key(|contact| contact.id.to_string());
        visible
    }

    /// Every page, in both orders.
    async fn lists(&mut self) {
        let directions = |order: &str, number: usize| match number % 2 {
            0 => format!("order_by={order}&direction=asc"),
            _ => format!("order_by={order}&direction=desc"),
        };
        for order in ["created_at", "name"] {
            let turn = self.place + usize::from(order == "name");
            let query = directions(order, turn);
            let mut wanted = self.visible();
            if order == "name" {
                let name = |one: &Contact| one.name.clone().unwrap_or_default().to_lowercase();
                wanted.sort_by_key(|one| (name(one), one.id.to_string()));
            }
            if turn % 2 == 1 {
                wanted.reverse();
            }
            self.list(&query, &wanted).await;
        }
    }

    async fn list(&mut self, query: &str, wanted: &[Contact]) {
        let limit = 1 + self.place * 2;
        let mut cursor = String::new();
        let mut seen = Vec::new();
        loop {
            let path = format!("/cdp/customers?{query}&limit={limit}&cursor={cursor}");
            let answer = self.get(&path).await;
            if self.company.level(self.viewer(), VIEW_CUSTOMERS) == "disabled" {
                assert_eq!(answer.status, 403, "{}", self.about(&path));
                return;
            }
            assert_eq!(answer.status, 200, "{}", self.about(&path));
            self.check_narrowing(&answer, &path);
            for contact in answer.data().as_array().unwrap() {
                self.check_permission(contact, &path);
            }
            seen.extend(answer.ids());
            match answer.body["meta"]["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        let wanted: Vec<String> = wanted.iter().map(|contact| contact.id.to_string()).collect();
        assert_eq!(seen, wanted, "{}", self.about(&format!("the list by {query}")));
    }

    /// A narrowed answer says so, and no other does.
    fn check_narrowing(&self, answer: &Answer, path: &str) {
        let narrows = self.company.narrows(self.viewer(), VIEW_CUSTOMERS);
        let header = answer.headers.get("x-team-permission-fallback").map(String::as_str);
        let scope = answer.body["meta"]["team_scope"].as_str();
        let told = narrows.then_some("owned-only");
        assert_eq!(header, told, "{}", self.about(path));
        assert_eq!(scope, narrows.then_some("owned_only_fallback"), "{}", self.about(path));
    }

    /// The computed permission is the rule's for the other two actions.
    fn check_permission(&self, record: &Value, question: &str) {
        let (company, viewer) = (&self.company, self.viewer());
        let contact = company.contacts.iter().find(|one| record["id"] == one.id.to_string());
        let contact = contact.unwrap_or_else(|| panic!("{}", self.about("another's contact")));
        let may = json!({
            "update": company.reaches(viewer, "customers_customers_manage", contact),
            "delete": company.reaches(viewer, "customers_customers_delete", contact),
        });
        assert_eq!(record["permission"], may, "{}", self.about(question));
    }

    /// Each contact by its id, deleted ones and those of another company among them.
    async fn guard(&mut self) {
        let own = self.company.contacts.iter().map(|contact| contact.id);
        let ids: Vec<ContactId> = own.chain(self.foreign.iter().copied()).collect();
        let disabled = self.company.level(self.viewer(), VIEW_CUSTOMERS) == "disabled";
        for id in ids {
            let path = format!("/cdp/customers/{id}");
            let answer = self.get(&path).await;
            let wanted = match self.live(id) {
                _ if disabled => 403,
                None => 404,
                Some(one) if self.company.reaches(self.viewer(), VIEW_CUSTOMERS, &one) => 200,
                Some(_) => 403,
            };
            assert_eq!(answer.status, wanted, "{}", self.about(&path));
            if wanted == 200 {
                self.check_narrowing(&answer, &path);
                self.check_permission(answer.data(), &path);
            }
        }
    }

    fn live(&self, id: ContactId) -> Option<Contact> {
        let mut contacts = self.company.contacts.iter();
        contacts.find(|one| one.id == id && one.deleted_at.is_none()).cloned()
    }

    /// A search that every contact's email address answers, page by page.
    async fn search(&mut self) {
        let (mut cursor, mut seen) = (String::new(), Vec::new());
        loop {
            let path = format!("/cdp/customers/search-assoc?q=quince&cursor={cursor}");
            let answer = self.get(&path).await;
            if self.company.level(self.viewer(), SEARCH) == "disabled" {
                assert_eq!(answer.status, 403, "{}", self.about(&path));
                return;
            }
            assert_eq!(answer.status, 200, "{}", self.about(&path));
            let narrows = self.company.narrows(self.viewer(), SEARCH);
            let told = answer.headers.contains_key("x-team-permission-fallback");
            assert_eq!(told, narrows, "{}", self.about(&path));
            seen.extend(answer.ids());
            match answer.body["meta"]["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        seen.sort_unstable();
        let wanted = self.reached(SEARCH);
        let wanted: Vec<String> = wanted.iter().map(|contact| contact.id.to_string()).collect();
        assert_eq!(seen, wanted, "{}", self.about("the search"));
    }

    /// An export of everything, or of chosen ids; where teams are needed and Launchpad cannot tell
    /// them it fails, and leaves nothing.
    async fn export(&mut self) {
        let chosen = self.place % 2 == 1;
        let all =
            self.company.contacts.iter().map(|one| one.id).chain(self.foreign.iter().copied());
        let mut all: Vec<String> = all.map(|id| id.to_string()).collect();
        all.sort_unstable();
        all.dedup();
        let selection = if chosen { json!({ "ids": all }) } else { json!({ "filter": {} }) };
        let body = json!({
            "format": "csv", "selection": selection, "fields": ["id"], "file_name": "ids",
        });
        let answer = self.call(Method::POST, "/cdp/exports", Some(body)).await;
        let (company, viewer) = (&self.company, self.viewer());
        let wanted = match company.plan {
            _ if company.level(viewer, VIEW_CUSTOMERS) == "disabled" => 403,
            _ if company.profile_is_down => 503,
            SubscriptionPlan::Starter => 403,
            SubscriptionPlan::Growth | SubscriptionPlan::Enterprise => 202,
        };
        assert_eq!(answer.status, wanted, "{}", self.about("the request of an export"));
        if wanted != 202 {
            return;
        }
        let job = answer.data()["id"].as_str().unwrap().to_owned();
        let at = json!({ "company": company.id, "user": viewer.id, "job": job });
        let key = format!("private/exports/{}/{job}/1/ids.csv", company.id);
        let mut wanted: Vec<String> =
            self.visible().iter().map(|contact| contact.id.to_string()).collect();
        if !chosen {
            wanted.reverse();
        }
        let skipped = if chosen { all.len() - wanted.len() } else { 0 };
        // As often as a message comes back.
        for count in 1..=MAX_ATTEMPTS {
            self.world.invoke("ExportGenerate", delivery(&at, count)).await;
        }
        let view = self.get(&format!("/cdp/exports/{job}")).await;
        let file = self.world.files().await.read(&key).await;
        if self.company.narrows(self.viewer(), VIEW_CUSTOMERS) {
            assert_eq!(view.data()["status"], "failed", "{}", self.about("an export in trouble"));
            assert!(file.is_err(), "{}", self.about("the file of an export in trouble"));
            return;
        }
        assert_eq!(view.data()["status"], "completed", "{}", self.about("the export"));
        let file = String::from_utf8(file.unwrap()).unwrap();
        let rows: Vec<&str> = file.lines().skip(1).collect();
        assert_eq!(rows, wanted, "{}", self.about("the rows of the export"));
        assert_eq!(view.data()["skipped"], skipped, "{}", self.about("what the export skipped"));
    }

    /// Each contact's notes, all and one by one, read and written.
    async fn notes(&mut self) {
        for contact in self.company.contacts.clone() {
            self.list_notes(&contact).await;
            let about = |note: &&Note| note.contact_id == contact.id;
            let notes: Vec<Note> = self.company.notes.iter().filter(about).cloned().collect();
            for note in notes {
                self.one_note(&contact, &note).await;
            }
        }
        let place = self.place % self.company.contacts.len();
        let contact = self.company.contacts[place].clone();
        self.add_note(&contact).await;
    }

    async fn list_notes(&mut self, contact: &Contact) {
        let path = format!("/v1/contacts/{}/notes?limit=100", contact.id);
        let answer = self.get(&path).await;
        let (company, viewer) = (&self.company, self.viewer());
        let wanted = self.status(VIEW, contact, company.reaches_notes(viewer, VIEW, contact), 200);
        assert_eq!(answer.status, wanted, "{}", self.about(&path));
        if wanted != 200 {
            return;
        }
        let mut notes: Vec<&Note> = company.notes.iter().collect();
        notes.retain(|one| one.contact_id == contact.id && company.may(viewer, VIEW, one, contact));
        notes.sort_by_key(|note| std::cmp::Reverse(note.id.to_string()));
        let wanted: Vec<String> = notes.iter().map(|note| note.id.to_string()).collect();
        assert_eq!(answer.ids(), wanted, "{}", self.about(&path));
        for (record, note) in answer.data().as_array().unwrap().iter().zip(notes) {
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
            let answer = self.call(method, &path, body).await;
            let may = self.company.may(self.viewer(), action, note, contact);
            let wanted = self.status(action, contact, may, 200);
            assert_eq!(answer.status, wanted, "{}", self.about(&format!("{action} {path}")));
        }
    }

    async fn add_note(&mut self, contact: &Contact) {
        let path = format!("/v1/contacts/{}/notes", contact.id);
        let answer = self.call(Method::POST, &path, Some(json!({ "note": "<p>New.</p>" }))).await;
        let may = self.company.reaches_notes(self.viewer(), ADD, contact);
        let wanted = self.status(ADD, contact, may, 201);
        assert_eq!(answer.status, wanted, "{}", self.about(&format!("{ADD} {path}")));
        if wanted == 201 {
            let id = answer.data()["id"].as_str().unwrap().parse().unwrap();
            let note = public_note(id, contact, self.viewer().id);
            self.company.notes.push(note);
        }
    }

    /// The status that the rule gives; what is not there is told to whoever is not disabled.
    fn status(&self, action: &str, contact: &Contact, may: bool, success: u16) -> u16 {
        let disabled = self.company.level(self.viewer(), action) == "disabled";
        match contact.deleted_at {
            Some(_) if !disabled => 404,
            None if may => success,
            _ => 403,
        }
    }
}

fn delivery(at: &Value, count: u32) -> Value {
    json!({ "Records": [{
        "messageId": "1", "receiptHandle": "none", "body": json!({ "body": at }).to_string(),
        "attributes": { "ApproximateReceiveCount": count.to_string() },
        "messageAttributes": {}, "eventSource": "aws:sqs",
    }] })
}
