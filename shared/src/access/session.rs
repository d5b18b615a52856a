//! What one viewer may do during one request.

use std::collections::BTreeSet;

use super::{AccessError, Flags, Scope, event};
use crate::{
    directory::{DirectoryError, Levels, Team, TeamSet},
    id::{ContactId, TeamId, UserId},
    identity::{Level, Permission, Viewer},
};

/// The teams of a viewer as far as the request needs them.
#[derive(Clone, Debug)]
pub(super) enum Teams {
    /// No permission of the request is decided by teams.
    NotNeeded,
    Known(TeamSet),
    /// Launchpad is in trouble: narrow to `own`, never widen (RFC §2.2).
    Unavailable(DirectoryError),
}

/// What one viewer may do during one request.
#[derive(Clone, Debug)]
pub struct Session {
    /// The viewer.
    pub viewer: Viewer,
    /// The flags that count.
    pub flags: Flags,
    pub(super) levels: Levels,
    pub(super) teams: Teams,
    /// Whether the request itself is about the viewer's teams.
    pub(super) is_about_teams: bool,
}

impl Session {
    /// A session as it is once everything is known; no team set is Launchpad's trouble.
    #[cfg(test)]
    pub(crate) fn known(
        viewer: Viewer,
        flags: Flags,
        levels: Levels,
        set: Option<TeamSet>,
    ) -> Self {
        let failure = || DirectoryError::new("teams", crate::upstream::CallFailure::Status(503));
        let teams = set.map_or_else(|| Teams::Unavailable(failure()), Teams::Known);
        Self { viewer, flags, levels, teams, is_about_teams: false }
    }

    /// The viewer's level for a permission, as Launchpad has it.
    #[must_use]
    pub fn level(&self, permission: Permission) -> Level {
        self.levels.level(permission)
    }

    /// The viewer's own teams by name, as far as the session needed to know them.
    #[must_use]
    pub fn teams(&self) -> &[Team] {
        match &self.teams {
            Teams::Known(set) => &set.teams,
            Teams::NotNeeded | Teams::Unavailable(_) => &[],
        }
    }

    /// What the viewer reaches with a permission.
    ///
    /// # Errors
    /// [`AccessError::Disabled`] at that level.
    pub fn scope(&self, permission: Permission) -> Result<Scope, AccessError> {
        reach(self.level(permission), self.viewer.user, self.flags, &self.teams)
            .ok_or(AccessError::Disabled)
    }

    /// Whether what a permission reaches was narrowed to the viewer's own by Launchpad's trouble:
    /// its `team` level, or the request that is about the viewer's teams.
    #[must_use]
    pub fn fell_back(&self, permission: Permission) -> bool {
        let by_team = match self.level(permission) {
            Level::Disabled => false,
            Level::Team => self.flags.team_permission || self.is_about_teams,
            Level::Own | Level::Everything => self.is_about_teams,
        };
        by_team && matches!(self.teams, Teams::Unavailable(_))
    }

    /// The viewer's teams and all their descendants, as far as the request needed to know them.
    #[must_use]
    pub fn expanded_teams(&self) -> Option<BTreeSet<TeamId>> {
        match &self.teams {
            Teams::Known(set) => Some(set.expanded_team_ids.iter().copied().collect()),
            Teams::NotNeeded | Teams::Unavailable(_) => None,
        }
    }

    /// How many these are; 0 where they are not known.
    #[must_use]
    pub fn team_count(&self) -> usize {
        self.expanded_teams().map_or(0, |teams| teams.len())
    }

    /// The permission that an answer is told under when several decided about it: one that was
    /// narrowed, else the first.
    #[must_use]
    pub fn narrowed(&self, deciding: &[Permission; 2]) -> Permission {
        let narrowed = deciding.iter().find(|permission| self.fell_back(**permission));
        *narrowed.unwrap_or(&deciding[0])
    }

    /// Whether a refusal with this permission is a denial by team scope, which is worth an event:
    /// level `team`, flag on, and not the fallback's doing.
    #[must_use]
    pub fn denies_by_team(&self, permission: Permission) -> bool {
        self.flags.team_permission
            && self.level(permission) == Level::Team
            && !self.fell_back(permission)
    }

    /// Tells, as an event, that an action on one contact was refused with this permission, if it
    /// was a denial by team scope.
    pub fn report_denied(&self, permission: Permission, contact: ContactId) {
        if self.denies_by_team(permission) {
            let count = self.scope(permission).map_or(0, |scope| scope.team_count());
            event::team_permission_denied(&self.viewer, contact, permission, count);
        }
    }
}

/// What a level reaches; nothing at `disabled`.
pub(super) fn reach(level: Level, user: UserId, flags: Flags, teams: &Teams) -> Option<Scope> {
    match level {
        Level::Disabled => None,
        Level::Own => Some(Scope::Own(user)),
        Level::Everything => Some(Scope::Everything),
        Level::Team if !flags.team_permission => Some(Scope::Everything),
        Level::Team => Some(match teams {
            Teams::Known(set) => {
                Scope::Team { user, expanded: set.expanded_team_ids.iter().copied().collect() }
            }
            Teams::Unavailable(_) | Teams::NotNeeded => Scope::Own(user),
        }),
    }
}
