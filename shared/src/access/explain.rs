//! Explains why a person can or cannot access a record. The explanation is derived from the
//! decision of the guard.

use serde::Serialize;

use super::{Decision, Owned, Session};
use crate::{
    id::TeamId,
    identity::{Level, Permission},
};

/// The rule that decided about the access.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The person's level is `disabled`.
    Disabled,
    /// The team flag is off, so the level or the feature works as it did before the flag existed.
    TeamFlagOff,
    /// The person's level is `everything`.
    Everything,
    /// No team owns the contact.
    Unassigned,
    /// One of the person's teams, or a descendant of one, owns the contact.
    Team,
    /// The person owns the contact.
    Owner,
    /// The person is assigned to the contact.
    Assignee,
    /// No rule gives the person access.
    OutOfScope,
    /// The teams could not be loaded, and the person owns the contact.
    FallbackOwner,
    /// The teams could not be loaded, and the person is assigned to the contact.
    FallbackAssignee,
    /// The teams could not be loaded, and the person neither owns the contact nor is assigned to
    /// it.
    FallbackOutOfScope,
    /// For notes only: the person cannot see the contact.
    ParentOutOfScope,
    /// For notes only: the person can access only their own notes.
    NoteOwner,
}

/// The decision about one permission of a person for one contact, and the reason for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The permission that was decided.
    pub permission: Permission,
    /// The person's level for the permission in Launchpad.
    pub level: Level,
    /// Whether the person has access.
    pub allowed: bool,
    /// The rule that decided.
    pub rule: Rule,
    /// The teams that own the contact and are in the person's scope, if [`Rule::Team`] decided.
    pub teams: Vec<TeamId>,
    /// Whether the level was narrowed to `own` because the teams could not be loaded.
    pub narrowed: bool,
}

impl Session {
    /// Explains whether a permission gives access to a record, and why. The explanation uses the
    /// decision of the guard itself.
    #[must_use]
    pub fn explain(&self, permission: Permission, record: &impl Owned) -> Explanation {
        let level = self.level(permission);
        let narrowed = self.is_narrowed_by_fallback(permission);
        let explained = |allowed, rule, teams| Explanation {
            permission,
            level,
            allowed,
            rule,
            teams,
            narrowed,
        };
        let Ok(scope) = self.scope(permission) else {
            return explained(false, Rule::Disabled, Vec::new());
        };
        let rule = match scope.decide(record) {
            Decision::Everything if level == Level::Team => Rule::TeamFlagOff,
            Decision::Everything => Rule::Everything,
            Decision::Unassigned => Rule::Unassigned,
            Decision::Team => Rule::Team,
            Decision::Owner if narrowed => Rule::FallbackOwner,
            Decision::Owner => Rule::Owner,
            Decision::Assignee if narrowed => Rule::FallbackAssignee,
            Decision::Assignee => Rule::Assignee,
            Decision::OutOfScope if narrowed => Rule::FallbackOutOfScope,
            Decision::OutOfScope => Rule::OutOfScope,
        };
        explained(scope.admits(record), rule, scope.shared_teams(record))
    }
}
