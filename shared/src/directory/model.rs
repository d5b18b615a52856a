use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    id::{CompanyId, TeamId, UserId},
    identity::{Level, Permission},
    locale::Locale,
};

/// The levels of a person, by permission; what Launchpad does not name is disabled.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Levels(HashMap<String, Level>);

impl Levels {
    /// Levels by the permissions' names.
    #[must_use]
    pub fn new(levels: HashMap<String, Level>) -> Self {
        Self(levels)
    }

    /// The level for a permission.
    #[must_use]
    pub fn level(&self, permission: Permission) -> Level {
        self.0.get(permission.as_str()).copied().unwrap_or(Level::Disabled)
    }
}

/// A team.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// The team above it.
    #[serde(default)]
    pub parent_id: Option<TeamId>,
}

/// The teams of a person (RFC §2.4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TeamSet {
    /// The teams that the person is directly in.
    pub team_ids: Vec<TeamId>,
    /// Those and all their descendants.
    pub expanded_team_ids: Vec<TeamId>,
    /// The direct teams, with names.
    pub teams: Vec<Team>,
    /// When Launchpad answered.
    pub answered_at: Timestamp,
}

/// What a company pays for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each name says all")]
pub enum SubscriptionPlan {
    Starter,
    Growth,
    Enterprise,
}

/// A tenant's profile.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Company {
    /// Launchpad's UUID of the company: the `organization_id` of notifications (PRD OQ-8).
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its plan.
    pub plan: SubscriptionPlan,
    /// Its language, where it is one of ours.
    #[serde(default, deserialize_with = "known_locale")]
    pub locale: Option<Locale>,
}

fn known_locale<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Locale>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.as_deref().and_then(|code| code.parse().ok()))
}

/// A person of a company.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Person {
    /// The SSO UUID.
    pub sso_id: UserId,
    /// The company.
    pub company_sso_id: CompanyId,
    /// The name, which may be missing.
    #[serde(default)]
    pub full_name: Option<String>,
    /// The email address.
    pub email: String,
    /// The picture's URL.
    #[serde(default)]
    pub avatar: Option<String>,
    /// `active`, or anything else.
    pub status: String,
    /// The staff level.
    #[serde(default)]
    pub staff_level: Option<String>,
    /// The person's teams.
    #[serde(default)]
    pub teams: Vec<PersonTeam>,
}

/// A team as a person's profile names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PersonTeam {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
}

impl Person {
    /// Whether the person is active.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }

    /// The name, or the email address where there is none (PRD §8).
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.full_name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&self.email)
    }
}

/// What was last known of a person when a mention of them was verified.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LastKnown {
    /// The SSO UUID.
    pub sso_id: UserId,
    /// The name that was shown.
    pub name: String,
    /// When Launchpad said so.
    pub known_at: Timestamp,
}

/// One page of a search for people.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PeoplePage {
    /// The people, active or not.
    pub people: Vec<Person>,
    /// Whether there is another page.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_that_launchpad_does_not_name_or_levels_otherwise_is_disabled() {
        let named = [("customers_customers_view", "team"), ("customers_customers_manage", "most")];
        let named = named.map(|(name, level)| (name.to_owned(), Level::from_name(level)));
        let levels = Levels::new(named.into());
        assert_eq!(levels.level(Permission::ViewCustomers), Level::Team);
        assert_eq!(levels.level(Permission::ManageCustomers), Level::Disabled);
        assert_eq!(levels.level(Permission::DeleteCustomers), Level::Disabled);
    }
}
