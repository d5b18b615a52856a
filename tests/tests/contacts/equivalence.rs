//! Tests that the same access rule applies everywhere (ARCHITECTURE, "Invariants"). In random
//! companies, lists, reads, look-ups, searches, exports and notes must return exactly what the plain
//! rule allows, also after contacts were deleted and restored and unique keys were handed over. The
//! module [`rule`] evaluates the plain rule for all records.
//!
//! `EQUIVALENCE_SEED` is the seed from which the companies are created, and `EQUIVALENCE_COMPANIES`
//! is the number of companies. A failure message contains the seed of its company. To reproduce the
//! failure, run the test with that seed and two companies.

mod company;
mod deleted;
mod export;
mod keys;
mod notes;
mod reads;
mod rule;
mod search;

use futures::{StreamExt, stream};
use http::Method;
use serde_json::{Value, json};
use shared::{contact::Contact, id::ContactId};
use tests::{Response, World};

use company::{Company, Person};
use keys::hand_keys_over;

const SEED: u64 = 20_261_121;
const COMPANIES: u64 = 40;
/// The number of companies that are checked at the same time.
const CONCURRENT: usize = 4;
const VIEW_CUSTOMERS: &str = "customers_customers_view";
const MANAGE_CUSTOMERS: &str = "customers_customers_manage";
const DELETE_CUSTOMERS: &str = "customers_customers_delete";

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
        check.changes_of_deleted_contacts().await;
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
            "update": company.can_access(viewer, MANAGE_CUSTOMERS, contact),
            "delete": company.can_access(viewer, DELETE_CUSTOMERS, contact),
        });
        assert_eq!(record["permission"], may, "{}", self.about(question));
    }
}
