use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Company, DirectoryError, Levels, PeoplePage, Person, Team, TeamSet};
use crate::{
    clock::Clock,
    id::{CompanyId, TeamId, UserId},
    identity::Level,
    upstream::CallFailure,
};

/// The maximum number of pages of a company's teams that are read, which allows fewer than 10,000
/// teams.
const MAX_TEAM_PAGES: u32 = 100;
/// The number of teams on one page.
const TEAMS_PER_PAGE: u32 = 100;

/// The address of Launchpad and the credentials for it.
#[derive(Clone)]
pub struct Launchpad {
    /// The base URL without a slash at the end.
    pub url: String,
    /// The user name of the service token.
    pub user: String,
    /// The password of the service token.
    pub password: String,
    /// The time-out of one call, including the response body.
    pub timeout: Duration,
    /// How long a team set is cached.
    pub team_set_ttl: SignedDuration,
}

#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    launchpad: Launchpad,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("url", &self.launchpad.url).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct PermissionRow {
    name: String,
    #[serde(default)]
    is_enabled: bool,
    #[serde(default)]
    level: Option<String>,
}

#[derive(Deserialize)]
struct TeamsRow {
    user_sso_id: UserId,
    team_ids: Vec<TeamId>,
    expanded_team_ids: Vec<TeamId>,
    teams: Vec<Team>,
}

impl TeamsRow {
    /// Returns the team set of a user.
    ///
    /// # Errors
    /// If the answer is about another user. Their teams must never become the viewer's.
    fn for_user(self, user: UserId, answered_at: Timestamp) -> Result<TeamSet, DirectoryError> {
        let Self { user_sso_id, team_ids, expanded_team_ids, teams } = self;
        if user_sso_id != user {
            let cause = "user_sso_id is not the requested user".to_owned();
            return Err(DirectoryError::new("teams", CallFailure::Body(cause)));
        }
        Ok(TeamSet { team_ids, expanded_team_ids, teams, answered_at })
    }
}

impl Client {
    pub(super) fn new(http: reqwest::Client, launchpad: Launchpad) -> Self {
        Self { http, launchpad }
    }

    pub(super) async fn levels(&self, user: UserId) -> Result<Levels, DirectoryError> {
        let path = format!("/private/users/{user}/permissions");
        let rows: Data<Vec<PermissionRow>> = self.get("permissions", &path, &[]).await?;
        let levels = rows.data.into_iter().filter(|row| row.is_enabled).map(|row| {
            let level = row.level.as_deref().map_or(Level::Disabled, Level::from_name);
            (row.name, level)
        });
        Ok(Levels::new(levels.collect()))
    }

    pub(super) async fn teams(
        &self,
        user: UserId,
        clock: Clock,
    ) -> Result<TeamSet, DirectoryError> {
        let path = format!("/private/users/{user}/teams");
        let answer: Data<TeamsRow> =
            self.get("teams", &path, &[("include_descendants", "true")]).await?;
        answer.data.for_user(user, clock.now())
    }

    pub(super) async fn company(&self, company: &CompanyId) -> Result<Company, DirectoryError> {
        let path = format!("/private/companies/{company}");
        Ok(self.get::<Data<Company>>("companies", &path, &[]).await?.data)
    }

    pub(super) async fn person(
        &self,
        company: &CompanyId,
        id: &str,
    ) -> Result<Option<Person>, DirectoryError> {
        let segment = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("/iag/v1/users/{segment}");
        let query = [("company_sso_id", company.as_str())];
        match self.get::<Data<Person>>("users", &path, &query).await {
            // An answer for another company counts as not found.
            Ok(answer) => Ok(Some(answer.data).filter(|person| person.company_sso_id == *company)),
            Err(error) if error.is_status(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn search_people(
        &self,
        company: &CompanyId,
        query: &str,
        page: u32,
        per_page: u32,
    ) -> Result<PeoplePage, DirectoryError> {
        let (number, size) = (page.to_string(), per_page.to_string());
        let parameters = [
            ("company_sso_id", company.as_str()),
            ("query", query),
            ("page", &number),
            ("per_page", &size),
        ];
        match self.get::<Data<Vec<Person>>>("users", "/iag/v1/users", &parameters).await {
            Ok(answer) => {
                let more = answer.data.len() >= per_page as usize;
                let mut people = answer.data;
                people.retain(|person| person.company_sso_id == *company);
                Ok(PeoplePage { people, more })
            }
            // Launchpad returns 404 if no person matches (PRD OQ-13).
            Err(error) if error.is_status(404) => Ok(PeoplePage::default()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn company_teams(
        &self,
        company: &CompanyId,
    ) -> Result<Vec<Team>, DirectoryError> {
        let mut all = Vec::new();
        for page in 1..=MAX_TEAM_PAGES {
            let (number, size) = (page.to_string(), TEAMS_PER_PAGE.to_string());
            let parameters = [
                ("company_sso_id", company.as_str()),
                ("page", number.as_str()),
                ("per_page", size.as_str()),
            ];
            let answer: Data<Vec<Team>> = self.get("teams", "/iag/v1/teams", &parameters).await?;
            let last = answer.data.len() < TEAMS_PER_PAGE as usize;
            all.extend(answer.data);
            if last {
                return Ok(all);
            }
        }
        // An incomplete list of teams would look like the complete one.
        Err(DirectoryError::new("teams", CallFailure::Body("too many teams".to_owned())))
    }

    /// Sends a GET request with the service token. If the connection failed before any response,
    /// the request is sent once more within the rest of the time-out, because these calls are
    /// idempotent.
    async fn get<T: DeserializeOwned>(
        &self,
        call: &'static str,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, DirectoryError> {
        let started = Instant::now();
        let send = || {
            self.http
                .get(format!("{}{path}", self.launchpad.url))
                .basic_auth(&self.launchpad.user, Some(&self.launchpad.password))
                .query(query)
                .timeout(self.launchpad.timeout.saturating_sub(started.elapsed()))
                .send()
        };
        let failed = |cause| DirectoryError::new(call, cause);
        let call_failed = |error: &reqwest::Error| failed(CallFailure::from_reqwest(error));
        let mut sent = send().await;
        if sent.as_ref().is_err_and(|error| error.is_connect() || !error.is_timeout()) {
            sent = send().await;
        }
        let response = sent.map_err(|error| call_failed(&error))?;
        if response.status() != StatusCode::OK {
            return Err(failed(CallFailure::Status(response.status().as_u16())));
        }
        let body = response.bytes().await.map_err(|error| call_failed(&error))?;
        serde_json::from_slice(&body).map_err(|error| failed(CallFailure::from_json(&error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_teams_answer_about_another_user_is_a_failure() {
        let (asked, other) = (
            UserId::from_uuid(uuid::Uuid::from_u128(1)),
            UserId::from_uuid(uuid::Uuid::from_u128(2)),
        );
        let set_for = |user: UserId| {
            let body = serde_json::json!({ "user_sso_id": user, "team_ids": [],
                "expanded_team_ids": [], "teams": [] });
            let row: TeamsRow = serde_json::from_value(body).unwrap();
            row.for_user(asked, Timestamp::UNIX_EPOCH)
        };
        assert!(set_for(asked).is_ok());
        assert!(matches!(set_for(other).unwrap_err().cause, CallFailure::Body(_)));
        let without = serde_json::json!({ "team_ids": [], "expanded_team_ids": [], "teams": [] });
        assert!(serde_json::from_value::<TeamsRow>(without).is_err());
    }
}
