//! The companies, teams and people of the simulated Launchpad. They are kept in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identity::Claims;

/// A company, which is a tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// The SSO id of the company, which is the key of the tenant in all services.
    pub company_sso_id: String,
    /// Launchpad's own id of the company. If it is absent, it is derived from `company_sso_id`.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Display name.
    pub name: String,
    /// Subscription plan: `starter`, `growth` or `enterprise`.
    pub plan: String,
    /// Language of the company: `id` or `en`.
    #[serde(default = "english")]
    pub locale: String,
}

fn english() -> String {
    "en".to_owned()
}

impl Company {
    /// Launchpad's id of the company, which is the `organization_id` of notifications.
    #[must_use]
    pub fn launchpad_id(&self) -> Uuid {
        let derived = || Uuid::new_v5(&Uuid::NAMESPACE_URL, self.company_sso_id.as_bytes());
        self.id.unwrap_or_else(derived)
    }
}

/// A team within a company.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Id of the team: a UUID.
    pub id: String,
    /// SSO id of the company that the team belongs to.
    pub company_sso_id: String,
    /// Display name.
    pub name: String,
    /// Id of the parent team; `None` for a team at the top level.
    #[serde(default)]
    pub parent_id: Option<String>,
}

/// Whether a person may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The person may sign in.
    #[default]
    Active,
    /// The person may no longer sign in.
    Inactive,
}

/// A user: a person who works at a company.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// SSO id of the person: a UUID in lower case.
    pub sso_id: String,
    /// SSO id of the company that the person works at.
    pub company_sso_id: String,
    /// Short name of the person for `/_local/token?user=`.
    #[serde(default)]
    pub handle: Option<String>,
    /// Display name; `None` if the person has none.
    #[serde(default)]
    pub full_name: Option<String>,
    /// Email address. The directory does not check that it is unique.
    pub email: String,
    /// URL of a picture of the person.
    #[serde(default)]
    pub avatar: Option<String>,
    /// Whether the person may sign in. The default is `active`.
    #[serde(default)]
    pub status: Status,
    /// Name of the person's position in Launchpad.
    #[serde(default)]
    pub staff_level: Option<String>,
    /// The numeric id that older mobile clients use for the person.
    #[serde(default)]
    pub mobile_id: Option<u64>,
    /// Ids of the teams that the person is assigned to. The descendants of these teams are not
    /// included.
    #[serde(default)]
    pub team_ids: Vec<String>,
    /// Access level of each permission. A permission that is absent is disabled.
    #[serde(default)]
    pub levels: BTreeMap<String, String>,
}

impl Person {
    /// The claims of this person's token, which `issuer` issues for `audience`.
    #[must_use]
    pub fn claims(&self, issuer: &str, audience: &str) -> Claims {
        Claims {
            iss: issuer.to_owned(),
            aud: audience.to_owned(),
            sub: self.sso_id.clone(),
            company_sso_id: self.company_sso_id.clone(),
            name: self.full_name.clone(),
            email: self.email.clone(),
        }
    }
}

/// The body of `POST /_local/directory`. Either all changes are applied or none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upserts {
    /// Companies to add or replace, by `company_sso_id`.
    #[serde(default)]
    pub companies: Vec<Company>,
    /// Teams to add or replace, by `id`.
    #[serde(default)]
    pub teams: Vec<Team>,
    /// People to add or replace, by `sso_id`.
    #[serde(default)]
    pub people: Vec<Person>,
}

/// The reason why the changes are refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UpsertError {
    /// An id is not a UUID.
    #[error("{0}: `{1}` is not a UUID")]
    NotUuid(&'static str, String),
    /// A value is not one of the allowed values.
    #[error("{field}: `{value}` is not one of {}", allowed.join(", "))]
    UnknownValue {
        /// Name of the field.
        field: &'static str,
        /// The value in the request.
        value: String,
        /// The allowed values.
        allowed: &'static [&'static str],
    },
}

#[derive(Debug, Default)]
struct State {
    companies: BTreeMap<String, Company>,
    teams: BTreeMap<String, Team>,
    people: BTreeMap<String, Person>,
}

/// The data of the simulated Launchpad. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Directory(Arc<RwLock<State>>);

impl Directory {
    /// Creates an empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces companies, teams and people.
    ///
    /// # Errors
    /// Returns [`UpsertError`] with the first invalid value. In this case, nothing was changed.
    pub fn upsert(&self, upserts: Upserts) -> Result<(), UpsertError> {
        upserts.check()?;
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for company in upserts.companies {
            state.companies.insert(company.company_sso_id.clone(), company);
        }
        for team in upserts.teams {
            state.teams.insert(team.id.clone(), team);
        }
        for mut person in upserts.people {
            person.sso_id = person.sso_id.to_lowercase();
            state.people.insert(person.sso_id.clone(), person);
        }
        Ok(())
    }

    /// The company with this SSO id; `None` if it is unknown.
    #[must_use]
    pub fn company(&self, company_sso_id: &str) -> Option<Company> {
        self.state().companies.get(company_sso_id).cloned()
    }

    /// The person with this SSO UUID (in upper or lower case) or with this legacy numeric id.
    #[must_use]
    pub fn person(&self, id: &str) -> Option<Person> {
        let state = self.state();
        if let Some(person) = state.people.get(&id.to_lowercase()) {
            return Some(person.clone());
        }
        let number = id.parse().ok()?;
        state.people.values().find(|person| person.mobile_id == Some(number)).cloned()
    }

    /// The person with this SSO UUID, handle or email address.
    #[must_use]
    pub fn find(&self, user: &str) -> Option<Person> {
        let state = self.state();
        let named = |person: &&Person| {
            person.handle.as_deref() == Some(user) || person.email.eq_ignore_ascii_case(user)
        };
        let by_id = state.people.get(&user.to_lowercase());
        by_id.or_else(|| state.people.values().find(named)).cloned()
    }

    /// All people, sorted by company and email address.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        let mut people: Vec<Person> = self.state().people.values().cloned().collect();
        people.sort_by(|left, right| {
            (&left.company_sso_id, &left.email).cmp(&(&right.company_sso_id, &right.email))
        });
        people
    }

    /// The teams of a company, sorted by name.
    #[must_use]
    pub fn company_teams(&self, company_sso_id: &str) -> Vec<Team> {
        let state = self.state();
        let mut teams: Vec<Team> = state
            .teams
            .values()
            .filter(|team| team.company_sso_id == company_sso_id)
            .cloned()
            .collect();
        teams.sort_by(|left, right| (&left.name, &left.id).cmp(&(&right.name, &right.id)));
        teams
    }

    /// The teams that a person is assigned to, in the order of assignment. Unknown teams and teams
    /// of other companies are left out.
    #[must_use]
    pub fn teams(&self, person: &Person) -> Vec<Team> {
        let state = self.state();
        let teams = person.team_ids.iter().filter_map(|id| state.teams.get(id));
        teams.filter(|team| team.company_sso_id == person.company_sso_id).cloned().collect()
    }

    /// The ids of the person's teams and of all their descendants. Each id occurs once, even if the
    /// tree of teams has a cycle.
    #[must_use]
    pub fn expanded_team_ids(&self, person: &Person) -> Vec<String> {
        let mut expanded: Vec<String> =
            self.teams(person).into_iter().map(|team| team.id).collect();
        let mut seen: BTreeSet<String> = expanded.iter().cloned().collect();
        let state = self.state();
        let mut next = 0;
        while let Some(parent) = expanded.get(next).cloned() {
            let children = state.teams.values().filter(|team| {
                team.parent_id.as_ref() == Some(&parent)
                    && team.company_sso_id == person.company_sso_id
            });
            for child in children {
                if seen.insert(child.id.clone()) {
                    expanded.push(child.id.clone());
                }
            }
            next += 1;
        }
        expanded
    }

    /// The people of a company whose name or email address contains `query`, sorted by name. The
    /// search ignores case.
    #[must_use]
    pub fn search(&self, company_sso_id: &str, query: &str) -> Vec<Person> {
        let query = query.to_lowercase();
        let contains = |text: &str| text.to_lowercase().contains(&query);
        let mut people: Vec<Person> = self
            .state()
            .people
            .values()
            .filter(|person| person.company_sso_id == company_sso_id)
            .filter(|person| {
                contains(&person.email) || person.full_name.as_deref().is_some_and(contains)
            })
            .cloned()
            .collect();
        let key = |person: &Person| {
            let name = person.full_name.as_ref().unwrap_or(&person.email).to_lowercase();
            (name, person.sso_id.clone())
        };
        people.sort_by_key(key);
        people
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upserts {
    fn check(&self) -> Result<(), UpsertError> {
        for company in &self.companies {
            one_of("plan", &company.plan, &["starter", "growth", "enterprise"])?;
            one_of("locale", &company.locale, &["id", "en"])?;
        }
        for team in &self.teams {
            uuid("teams.id", &team.id)?;
        }
        for person in &self.people {
            uuid("people.sso_id", &person.sso_id)?;
            for level in person.levels.values() {
                one_of("levels", level, &["disabled", "own", "team", "everything"])?;
            }
        }
        Ok(())
    }
}

fn uuid(field: &'static str, value: &str) -> Result<(), UpsertError> {
    let valid = Uuid::try_parse(value).is_ok();
    if valid { Ok(()) } else { Err(UpsertError::NotUuid(field, value.to_owned())) }
}

fn one_of(
    field: &'static str,
    value: &str,
    allowed: &'static [&'static str],
) -> Result<(), UpsertError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(UpsertError::UnknownValue { field, value: value.to_owned(), allowed })
}
