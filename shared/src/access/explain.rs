//! Why somebody does or does not reach a record: the guard's own decision, in words.

use serde::Serialize;

use super::{Decision, Owned, Session};
use crate::{
    id::TeamId,
    identity::{Level, Permission},
};

/// The rule that decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The level is `disabled`.
    Disabled,
    /// The level or the feature is as it was before the team flag, which is off.
    TeamFlagOff,
    /// The level is `everything`.
    Everything,
    /// No team owns the contact.
    Unassigned,
    /// A team of theirs, or one below, owns the contact.
    Team,
    /// They own the contact.
    Owner,
    /// They are assigned to the contact.
    Assignee,
    /// Nothing lets them through.
    OutOfScope,
    /// While Launchpad cannot tell their teams: they own the contact.
    FallbackOwner,
    /// While Launchpad cannot tell their teams: they are assigned to the contact.
    FallbackAssignee,
    /// While Launchpad cannot tell their teams: the contact is not their own.
    FallbackOutOfScope,
    /// Notes only: they do not see the contact at all.
    ParentOutOfScope,
    /// Notes only: their own notes and nobody else's.
    NoteOwner,
}

/// How one permission of a person is decided for one contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The permission.
    pub permission: Permission,
    /// Its level, as Launchpad has it.
    pub level: Level,
    /// Whether they are let through.
    pub allowed: bool,
    /// By which rule.
    pub rule: Rule,
    /// The contact's teams that are theirs, where [`Rule::Team`] decided.
    pub teams: Vec<TeamId>,
    /// Whether Launchpad's trouble narrowed the level to `own`.
    pub narrowed: bool,
}

impl Session {
    /// How a permission is decided for a record. The decision is the guard's own.
    #[must_use]
    pub fn explain(&self, permission: Permission, record: &impl Owned) -> Explanation {
        let level = self.level(permission);
        let narrowed = self.fell_back(permission);
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
