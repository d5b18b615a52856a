//! The session of a request: the access rights of its viewer.

use std::collections::BTreeSet;

use super::{AccessError, Flags, Scope, event};
use crate::{
    directory::{DirectoryError, Levels, Team, TeamSet},
    id::{ContactId, TeamId, UserId},
    identity::{Level, Permission, Viewer},
};

/// The viewer's teams, if the request needs them.
#[derive(Clone, Debug)]
pub(super) enum Teams {
    /// No decision of the request depends on teams.
    NotNeeded,
    Known(TeamSet),
    /// The teams could not be loaded: the scope is narrowed to `own` and never widened (RFC §2.2).
    Unavailable(DirectoryError),
}

/// The access rights of one viewer during one request.
#[derive(Clone, Debug)]
pub struct Session {
    /// The signed-in user, from the claims of the token.
    pub viewer: Viewer,
    /// The effective flags of the company.
    pub flags: Flags,
    pub(super) levels: Levels,
    pub(super) teams: Teams,
    /// Whether the request itself refers to the viewer's teams, such as the list view `teams`.
    pub(super) is_about_teams: bool,
}

impl Session {
    /// Creates a session for a test. If `set` is `None`, the session behaves as after a failed
    /// teams call.
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

    /// The viewer's level for a permission in Launchpad.
    #[must_use]
    pub fn level(&self, permission: Permission) -> Level {
        self.levels.level(permission)
    }

    /// The viewer's level for a permission as the company's flags make it count: with the team flag
    /// off, `team` has the effect of `everything`. The fallback of single requests is not included.
    #[must_use]
    pub fn effective_level(&self, permission: Permission) -> Level {
        match self.level(permission) {
            Level::Team if !self.flags.team_permission => Level::Everything,
            level => level,
        }
    }

    /// The viewer's direct teams with their names; empty if the session did not load teams.
    #[must_use]
    pub fn teams(&self) -> &[Team] {
        match &self.teams {
            Teams::Known(set) => &set.teams,
            Teams::NotNeeded | Teams::Unavailable(_) => &[],
        }
    }

    /// The records that the viewer can access with a permission.
    ///
    /// # Errors
    /// [`AccessError::Disabled`] if the level is `disabled`.
    pub fn scope(&self, permission: Permission) -> Result<Scope, AccessError> {
        scope_for_level(self.level(permission), self.viewer.user, self.flags, &self.teams)
            .ok_or(AccessError::Disabled)
    }

    /// Whether the scope of a permission is narrowed to `own` because the teams could not be
    /// loaded. This affects permissions with the level `team`, and every permission if the request
    /// refers to the viewer's teams.
    #[must_use]
    pub fn is_narrowed_by_fallback(&self, permission: Permission) -> bool {
        let depends_on_teams = match self.level(permission) {
            Level::Disabled => false,
            Level::Team => self.flags.team_permission || self.is_about_teams,
            Level::Own | Level::Everything => self.is_about_teams,
        };
        depends_on_teams && matches!(self.teams, Teams::Unavailable(_))
    }

    /// The viewer's teams and all their descendants; `None` if the session did not load teams.
    #[must_use]
    pub fn expanded_teams(&self) -> Option<BTreeSet<TeamId>> {
        match &self.teams {
            Teams::Known(set) => Some(set.expanded_team_ids.iter().copied().collect()),
            Teams::NotNeeded | Teams::Unavailable(_) => None,
        }
    }

    /// The number of teams in [`Session::expanded_teams`]; 0 if the session did not load teams.
    #[must_use]
    pub fn team_count(&self) -> usize {
        self.expanded_teams().map_or(0, |teams| teams.len())
    }

    /// The permission that logs and metrics report if both permissions of `deciding` affected a
    /// response: the first one that is narrowed by the fallback, otherwise the first one.
    #[must_use]
    pub fn reported_permission(&self, deciding: &[Permission; 2]) -> Permission {
        let narrowed =
            deciding.iter().find(|permission| self.is_narrowed_by_fallback(**permission));
        *narrowed.unwrap_or(&deciding[0])
    }

    /// Whether a refusal with this permission is caused by the team scope, which is reported as an
    /// event: the level is `team`, the flag is on, and the scope is not narrowed by the fallback.
    #[must_use]
    pub fn is_denied_by_team_scope(&self, permission: Permission) -> bool {
        self.flags.team_permission
            && self.level(permission) == Level::Team
            && !self.is_narrowed_by_fallback(permission)
    }

    /// Returns the error for a contact that is outside the scope of this permission. A refusal
    /// because of the team scope is logged as an event.
    #[must_use]
    pub fn refuse(&self, permission: Permission, contact: ContactId) -> AccessError {
        self.report_denied(permission, contact);
        if self.is_narrowed_by_fallback(permission) {
            AccessError::OutOfNarrowedScope
        } else {
            AccessError::OutOfScope
        }
    }

    /// Logs the event that an action on one contact was refused with this permission, if the team
    /// scope caused the refusal.
    pub fn report_denied(&self, permission: Permission, contact: ContactId) {
        if self.is_denied_by_team_scope(permission) {
            let count = self.scope(permission).map_or(0, |scope| scope.team_count());
            event::team_permission_denied(&self.viewer, contact, permission, count);
        }
    }
}

/// The scope of a level; `None` if the level is `disabled`.
pub(super) fn scope_for_level(
    level: Level,
    user: UserId,
    flags: Flags,
    teams: &Teams,
) -> Option<Scope> {
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
