use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    bidi::without_bidi_controls,
    id::{CompanyId, TeamId, UserId},
    identity::{Level, Permission},
    locale::Locale,
};

/// The levels of a person by permission. A permission without a level is disabled.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Levels(HashMap<String, Level>);

impl Levels {
    /// Creates levels from a map of permission names to levels.
    #[must_use]
    pub fn new(levels: HashMap<String, Level>) -> Self {
        Self(levels)
    }

    /// The level for a permission; `Disabled` if the person has no level for it.
    #[must_use]
    pub fn level(&self, permission: Permission) -> Level {
        self.0.get(permission.as_str()).copied().unwrap_or(Level::Disabled)
    }
}

/// A team of a company.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Team {
    /// The id of the team.
    pub id: TeamId,
    /// The name of the team.
    pub name: String,
    /// The team of which this team is a direct descendant; `None` if it has no parent team.
    #[serde(default)]
    pub parent_id: Option<TeamId>,
}

/// The teams of a person (RFC §2.4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TeamSet {
    /// The teams of which the person is a direct member.
    pub team_ids: Vec<TeamId>,
    /// The direct teams and all their descendants.
    pub expanded_team_ids: Vec<TeamId>,
    /// The direct teams with their names.
    pub teams: Vec<Team>,
    /// The time of the Launchpad response.
    pub answered_at: Timestamp,
}

/// The subscription plan that a company pays for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each variant is described by its name")]
pub enum SubscriptionPlan {
    Starter,
    Growth,
    Enterprise,
}

/// The profile of a company.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Company {
    /// The UUID of the company in Launchpad, which is the `organization_id` of notifications (PRD
    /// OQ-8).
    pub id: Uuid,
    /// The name of the company.
    pub name: String,
    /// The subscription plan of the company.
    pub plan: SubscriptionPlan,
    /// The language of the company; `None` if Launchpad does not have it or the service does not
    /// support it.
    #[serde(default, deserialize_with = "known_locale")]
    pub locale: Option<Locale>,
}

fn known_locale<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Locale>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.as_deref().and_then(|code| code.parse().ok()))
}

/// A person of a company.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Person {
    /// The SSO UUID of the person.
    pub sso_id: UserId,
    /// The company of the person.
    pub company_sso_id: CompanyId,
    /// The full name of the person; `None` if Launchpad does not have it.
    #[serde(default)]
    pub full_name: Option<String>,
    /// The email address of the person.
    pub email: String,
    /// The URL of the person's picture; `None` if Launchpad does not have one.
    #[serde(default)]
    pub avatar: Option<String>,
    /// The status in Launchpad. Only `active` allows a person to be mentioned or to become an
    /// owner.
    pub status: String,
    /// The staff level, such as agent or supervisor; `None` if Launchpad does not have it.
    #[serde(default)]
    pub staff_level: Option<String>,
    /// The teams that the person's profile in Launchpad contains.
    #[serde(default)]
    pub teams: Vec<PersonTeam>,
}

/// A team in a person's profile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PersonTeam {
    /// The id of the team.
    pub id: TeamId,
    /// The name of the team.
    pub name: String,
}

impl Person {
    /// Whether the person's status is `active`.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }

    /// The full name, or the email address if there is no name (PRD §8).
    #[must_use]
    pub fn display_name(&self) -> &str {
        let is_name = |name: &&str| !without_bidi_controls(name).trim().is_empty();
        self.full_name.as_deref().filter(is_name).unwrap_or(&self.email)
    }
}

/// The last known name of a person, stored when a mention of them was verified.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LastKnown {
    /// The SSO UUID of the person.
    pub sso_id: UserId,
    /// The display name that Launchpad returned at the time `known_at`.
    pub name: String,
    /// The time at which Launchpad returned the name.
    pub known_at: Timestamp,
}

/// One page of a search for people.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PeoplePage {
    /// The people on the page, active or not.
    pub people: Vec<Person>,
    /// Whether there is another page.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_that_is_missing_or_has_an_unknown_level_is_disabled() {
        let levels = [("customers_customers_view", "team"), ("customers_customers_manage", "most")];
        let levels = levels.map(|(name, level)| (name.to_owned(), Level::from_name(level)));
        let levels = Levels::new(levels.into());
        assert_eq!(levels.level(Permission::ViewCustomers), Level::Team);
        assert_eq!(levels.level(Permission::ManageCustomers), Level::Disabled);
        assert_eq!(levels.level(Permission::DeleteCustomers), Level::Disabled);
    }
}
