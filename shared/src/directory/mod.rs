//! The directory: people, teams, permissions and companies from Launchpad, with small caches (SPEC
//! §1, §2).

mod cache;
mod client;
mod error;
mod model;

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use cache::Cache;
use client::Client;
pub use client::Launchpad;
pub use error::DirectoryError;
pub use model::{
    Company, LastKnown, Levels, PeoplePage, Person, PersonTeam, SubscriptionPlan, Team, TeamSet,
};

use crate::{
    clock::Clock,
    id::{CompanyId, TeamId, UserId},
    identity::Viewer,
    table::{EXPIRES_AT, Key, Table, TableError, attribute, to_item},
};

/// How long the levels of a person are cached.
const LEVELS_TTL: SignedDuration = SignedDuration::from_secs(10);
/// How long a company's profile and a person are cached.
const PROFILE_TTL: SignedDuration = SignedDuration::from_secs(60);

/// The page size, and the maximum number of pages, when all people of a company are loaded.
const PEOPLE_PER_PAGE: u32 = 100;
const MAX_PEOPLE_PAGES: u32 = 100;

/// A Launchpad client with caches. Cheap to clone; clones share the caches.
#[derive(Clone, Debug)]
pub struct Directory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    clock: Clock,
    team_set_ttl: SignedDuration,
    levels: Cache<(CompanyId, UserId), Levels>,
    teams: Cache<(CompanyId, UserId), TeamSet>,
    companies: Cache<CompanyId, Company>,
    people: Cache<(CompanyId, String), Option<Person>>,
}

impl Directory {
    /// Creates a directory that calls this Launchpad through `http`.
    #[must_use]
    pub fn new(http: reqwest::Client, launchpad: Launchpad, clock: Clock) -> Self {
        let team_set_ttl = launchpad.team_set_ttl;
        Self(Arc::new(Inner {
            client: Client::new(http, launchpad),
            team_set_ttl,
            levels: Cache::new(clock.clone()),
            teams: Cache::new(clock.clone()),
            companies: Cache::new(clock.clone()),
            people: Cache::new(clock.clone()),
            clock,
        }))
    }

    /// Returns the levels of a person, at most 10 seconds old.
    ///
    /// # Errors
    /// When no valid value is cached and the Launchpad call fails.
    pub async fn levels(
        &self,
        company: &CompanyId,
        user: UserId,
    ) -> Result<Levels, DirectoryError> {
        let inner = &self.0;
        let fetch = async {
            let levels = inner.client.levels(user).await?;
            Ok((levels, inner.clock.now() + LEVELS_TTL))
        };
        Ok(inner.levels.get((company.clone(), user), fetch).await?.0)
    }

    /// Returns the teams of a person with all their descendants, and whether this request called
    /// Launchpad for them. A `stored` set of another instance is used until it expires, even while
    /// this instance has a cached error.
    ///
    /// # Errors
    /// When no valid value is cached and the response is not a valid 200. A response without teams
    /// is valid.
    pub async fn teams(
        &self,
        company: &CompanyId,
        user: UserId,
        stored: Option<TeamSet>,
    ) -> Result<(TeamSet, bool), DirectoryError> {
        if let Some(set) = self.cached_teams(company, user) {
            return Ok((set, false));
        }
        let (inner, key) = (&self.0, (company.clone(), user));
        let until = |set: &TeamSet| set.answered_at + inner.team_set_ttl;
        if let Some(set) = stored.filter(|set| inner.clock.now() < until(set)) {
            inner.teams.insert(key, set.clone(), until(&set));
            return Ok((set, false));
        }
        let fetch = async {
            let set = inner.client.teams(user, inner.clock.clone()).await?;
            let until = until(&set);
            Ok((set, until))
        };
        inner.teams.get(key, fetch).await
    }

    /// Returns the cached levels of a person if they have not expired. Makes no call.
    #[must_use]
    pub fn cached_levels(&self, company: &CompanyId, user: UserId) -> Option<Levels> {
        self.0.levels.peek(&(company.clone(), user))
    }

    /// Returns the last cached levels of a person, even if they have expired. They are good enough
    /// to predict which data a request needs, but not for a decision about access.
    #[must_use]
    pub fn last_known_levels(&self, company: &CompanyId, user: UserId) -> Option<Levels> {
        self.0.levels.last(&(company.clone(), user))
    }

    /// Returns the cached teams of a person if they have not expired. Makes no call.
    #[must_use]
    pub fn cached_teams(&self, company: &CompanyId, user: UserId) -> Option<TeamSet> {
        self.0.teams.peek(&(company.clone(), user))
    }

    /// Stores a team set in the table for all instances.
    pub async fn store_team_set(
        &self,
        table: &Table,
        viewer: &Viewer,
        set: &TeamSet,
    ) -> Result<(), TableError> {
        let key = Key::team_set(&viewer.company, viewer.user);
        let mut item = to_item(&key, set)?;
        let until: Timestamp = set.answered_at + self.0.team_set_ttl;
        item.insert(EXPIRES_AT.to_owned(), attribute(until.as_second())?);
        table.put(item).await
    }

    /// Returns a company's profile, at most one minute old.
    ///
    /// # Errors
    /// When no valid value is cached and the Launchpad call fails.
    pub async fn company(&self, company: &CompanyId) -> Result<Company, DirectoryError> {
        let inner = &self.0;
        let fetch = async {
            let profile = inner.client.company(company).await?;
            Ok((profile, inner.clock.now() + PROFILE_TTL))
        };
        Ok(inner.companies.get(company.clone(), fetch).await?.0)
    }

    /// Returns a person of a company by their SSO UUID or by another id that Launchpad accepts (the
    /// id of the mobile editor, PRD D-9), at most one minute old. Returns `None` if Launchpad does
    /// not know the id or the person belongs to another company.
    ///
    /// # Errors
    /// When the Launchpad call fails.
    pub async fn person(
        &self,
        company: &CompanyId,
        id: &str,
    ) -> Result<Option<Person>, DirectoryError> {
        Ok(self.look_up_person(company, id).await?.0)
    }

    /// Like [`Directory::person`], and also returns whether this request called Launchpad.
    ///
    /// # Errors
    /// When the Launchpad call fails.
    pub async fn look_up_person(
        &self,
        company: &CompanyId,
        id: &str,
    ) -> Result<(Option<Person>, bool), DirectoryError> {
        let inner = &self.0;
        let fetch = async {
            let person = inner.client.person(company, id).await?;
            Ok((person, inner.clock.now() + PROFILE_TTL))
        };
        inner.people.get((company.clone(), id.to_owned()), fetch).await
    }

    /// Stores a person's name in the table, for the time when Launchpad cannot return it any more
    /// (SPEC §3: the last known name on the preview card).
    pub async fn store_last_known(&self, table: &Table, person: &Person) -> Result<(), TableError> {
        let key = Key::person(&person.company_sso_id, person.sso_id);
        let known = LastKnown {
            sso_id: person.sso_id,
            name: person.display_name().to_owned(),
            known_at: self.0.clock.now(),
        };
        table.put(to_item(&key, &known)?).await
    }

    /// Returns one page of the people of a company whose name or email address matches `query`.
    /// Pages are counted from 1.
    ///
    /// # Errors
    /// When the Launchpad call fails.
    pub async fn search_people(
        &self,
        company: &CompanyId,
        query: &str,
        page: u32,
        per_page: u32,
    ) -> Result<PeoplePage, DirectoryError> {
        self.0.client.search_people(company, query, page, per_page).await
    }

    /// Returns the display names of a company's people, active or not. Only the first 10,000 people
    /// are included.
    ///
    /// # Errors
    /// When the Launchpad call fails.
    pub async fn people_names(
        &self,
        company: &CompanyId,
    ) -> Result<HashMap<UserId, String>, DirectoryError> {
        let mut names = HashMap::new();
        for page in 1..=MAX_PEOPLE_PAGES {
            let PeoplePage { people, more } =
                self.search_people(company, "", page, PEOPLE_PER_PAGE).await?;
            let shown = |person: Person| (person.sso_id, person.display_name().to_owned());
            names.extend(people.into_iter().map(shown));
            if !more {
                break;
            }
        }
        Ok(names)
    }

    /// Returns the names of all teams of a company.
    ///
    /// # Errors
    /// When the Launchpad call fails.
    pub async fn team_names(
        &self,
        company: &CompanyId,
    ) -> Result<HashMap<TeamId, String>, DirectoryError> {
        let teams = self.0.client.company_teams(company).await?;
        Ok(teams.into_iter().map(|team| (team.id, team.name)).collect())
    }
}
