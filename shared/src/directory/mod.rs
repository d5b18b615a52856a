//! Launchpad: people, teams, permissions and companies, behind small caches (SPEC §1, §2).

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

/// How long a permission answer is used.
const LEVELS_TTL: SignedDuration = SignedDuration::from_secs(10);
/// How long a company's profile or a person is used.
const PROFILE_TTL: SignedDuration = SignedDuration::from_secs(60);

/// People asked for at once where all of a company's are wanted, and how often at most.
const PEOPLE_PER_PAGE: u32 = 100;
const MAX_PEOPLE_PAGES: u32 = 100;

/// The directory: one Launchpad client and what was lately learned through it. Cheap to clone;
/// the clones share their caches.
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
    /// A directory that asks this Launchpad through `http`.
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

    /// The levels of a person, at most 10 seconds old.
    ///
    /// # Errors
    /// When nothing fresh is known and Launchpad does not answer properly.
    pub async fn levels(
        &self,
        company: &CompanyId,
        user: UserId,
    ) -> Result<Levels, DirectoryError> {
        let inner = &self.0;
        let ask = async {
            let levels = inner.client.levels(user).await?;
            Ok((levels, inner.clock.now() + LEVELS_TTL))
        };
        Ok(inner.levels.get((company.clone(), user), ask).await?.0)
    }

    /// The teams of a person and all their descendants, and whether Launchpad was asked just now.
    /// A set `shared` by another instance is used as long as it is fresh, also while this one
    /// remembers a failure.
    ///
    /// # Errors
    /// Anything but a valid 200 is trouble; an answer with no teams is an answer.
    pub async fn teams(
        &self,
        company: &CompanyId,
        user: UserId,
        shared: Option<TeamSet>,
    ) -> Result<(TeamSet, bool), DirectoryError> {
        if let Some(set) = self.known_teams(company, user) {
            return Ok((set, false));
        }
        let (inner, key) = (&self.0, (company.clone(), user));
        let until = |set: &TeamSet| set.answered_at + inner.team_set_ttl;
        if let Some(set) = shared.filter(|set| inner.clock.now() < until(set)) {
            inner.teams.keep(key, set.clone(), until(&set));
            return Ok((set, false));
        }
        let ask = async {
            let set = inner.client.teams(user, inner.clock.clone()).await?;
            let until = until(&set);
            Ok((set, until))
        };
        inner.teams.get(key, ask).await
    }

    /// The levels of a person, if they are at hand in this process; nothing is asked.
    #[must_use]
    pub fn known_levels(&self, company: &CompanyId, user: UserId) -> Option<Levels> {
        self.0.levels.peek(&(company.clone(), user))
    }

    /// The levels that a person had when this process last asked, however long ago: good for a
    /// guess at what will be needed, and for no decision.
    #[must_use]
    pub fn last_levels(&self, company: &CompanyId, user: UserId) -> Option<Levels> {
        self.0.levels.last(&(company.clone(), user))
    }

    /// The teams of a person, if they are at hand in this process; nothing is asked.
    #[must_use]
    pub fn known_teams(&self, company: &CompanyId, user: UserId) -> Option<TeamSet> {
        self.0.teams.peek(&(company.clone(), user))
    }

    /// Puts a team set into the table, for all instances.
    ///
    /// # Errors
    /// As the table says.
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

    /// A company's profile, at most a minute old.
    ///
    /// # Errors
    /// When nothing fresh is known and Launchpad does not answer properly.
    pub async fn company(&self, company: &CompanyId) -> Result<Company, DirectoryError> {
        let inner = &self.0;
        let ask = async {
            let profile = inner.client.company(company).await?;
            Ok((profile, inner.clock.now() + PROFILE_TTL))
        };
        Ok(inner.companies.get(company.clone(), ask).await?.0)
    }

    /// A person of a company, by SSO UUID or by whatever else Launchpad resolves (the mobile
    /// editor's id, PRD D-9); `None` for anybody it cannot resolve or who is of another company.
    /// At most a minute old.
    ///
    /// # Errors
    /// When Launchpad does not answer properly.
    pub async fn person(
        &self,
        company: &CompanyId,
        id: &str,
    ) -> Result<Option<Person>, DirectoryError> {
        Ok(self.look_up(company, id).await?.0)
    }

    /// The same, and whether Launchpad was asked just now.
    ///
    /// # Errors
    /// When Launchpad does not answer properly.
    pub async fn look_up(
        &self,
        company: &CompanyId,
        id: &str,
    ) -> Result<(Option<Person>, bool), DirectoryError> {
        let inner = &self.0;
        let ask = async {
            let person = inner.client.person(company, id).await?;
            Ok((person, inner.clock.now() + PROFILE_TTL))
        };
        inner.people.get((company.clone(), id.to_owned()), ask).await
    }

    /// Keeps a person's name in the table, for when Launchpad cannot tell it any more (SPEC §3:
    /// the preview card's last-known name).
    ///
    /// # Errors
    /// As the table says.
    pub async fn store_last_known(&self, table: &Table, person: &Person) -> Result<(), TableError> {
        let key = Key::person(&person.company_sso_id, person.sso_id);
        let known = LastKnown {
            sso_id: person.sso_id,
            name: person.display_name().to_owned(),
            known_at: self.0.clock.now(),
        };
        table.put(to_item(&key, &known)?).await
    }

    /// One page of the people of a company whose name or email matches `query`.
    ///
    /// # Errors
    /// When Launchpad does not answer properly.
    pub async fn search_people(
        &self,
        company: &CompanyId,
        query: &str,
        page: u32,
        per_page: u32,
    ) -> Result<PeoplePage, DirectoryError> {
        self.0.client.search_people(company, query, page, per_page).await
    }

    /// The names of a company's people, active or not, as they are shown: of the first 10,000.
    ///
    /// # Errors
    /// When Launchpad does not answer properly.
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

    /// The names of all teams of a company.
    ///
    /// # Errors
    /// When Launchpad does not answer properly.
    pub async fn team_names(
        &self,
        company: &CompanyId,
    ) -> Result<HashMap<TeamId, String>, DirectoryError> {
        let teams = self.0.client.company_teams(company).await?;
        Ok(teams.into_iter().map(|team| (team.id, team.name)).collect())
    }
}
