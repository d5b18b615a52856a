//! The access rule of SPEC §2 and §3. It does not use the service's code.

use shared::{
    contact::Contact,
    directory::SubscriptionPlan,
    note::{Note, Visibility},
};

use super::company::{Company, Person};

/// The permissions that decide about the actions on notes: view, add, change and delete.
pub(super) const VIEW: &str = "customers_customernotes_view";
pub(super) const ADD: &str = "customers_customernotes_add";
pub(super) const UPDATE: &str = "customers_customernotes_manage";
pub(super) const DELETE: &str = "customers_customernotes_delete";

impl Company {
    /// Whether the team flag has an effect. Both feature flags need the Growth or Enterprise plan.
    /// If Launchpad cannot return the plan, the plan that was stored with the flags is used.
    pub(super) fn flag_is_effective(&self) -> bool {
        let plan = if self.profile_is_down { self.recorded_plan } else { self.plan };
        self.team_flag && plan != SubscriptionPlan::Starter
    }

    /// The effective level. Level `team` becomes `everything` if the flag is off, and `own` if
    /// Launchpad fails to return the viewer's teams.
    pub(super) fn level(&self, viewer: &Person, permission: &str) -> &'static str {
        match viewer.levels.get(permission).copied().unwrap_or("disabled") {
            "team" if !self.flag_is_effective() => "everything",
            "team" if viewer.teams_failure.is_some() => "own",
            level => level,
        }
    }

    /// Whether a failure of Launchpad narrows the viewer's access.
    pub(super) fn narrows(&self, viewer: &Person, permission: &str) -> bool {
        let by_team = viewer.levels.get(permission) == Some(&"team");
        by_team && self.flag_is_effective() && viewer.teams_failure.is_some()
    }

    /// Whether a viewer can access a contact with the level of a permission.
    pub(super) fn can_access(&self, viewer: &Person, permission: &str, contact: &Contact) -> bool {
        let own = [contact.owner_id, contact.assignee_id].contains(&Some(viewer.id));
        match self.level(viewer, permission) {
            "everything" => true,
            "own" => own,
            "team" => own || contact.team_owner_ids.is_empty() || self.shares(viewer, contact),
            _ => false,
        }
    }

    /// Whether one of the contact's teams is the viewer's team or a descendant of it.
    fn shares(&self, viewer: &Person, contact: &Contact) -> bool {
        let ancestors =
            |index: usize| std::iter::successors(Some(index), |at| self.teams[*at].parent);
        (0..self.teams.len())
            .filter(|index| contact.team_owner_ids.contains(&self.teams[*index].id))
            .any(|index| ancestors(index).any(|at| viewer.teams.contains(&at)))
    }

    /// Whether a viewer may perform an action on the notes of a contact at all. It does not depend
    /// on the note.
    pub(super) fn can_access_notes(
        &self,
        viewer: &Person,
        action: &str,
        contact: &Contact,
    ) -> bool {
        if self.level(viewer, action) == "disabled" {
            return false;
        }
        let sees_contact = self.can_access(viewer, "customers_customers_view", contact);
        !self.flag_is_effective()
            || sees_contact && (action != VIEW || self.can_access(viewer, action, contact))
    }

    /// Whether a viewer may perform an action on one note.
    pub(super) fn may(
        &self,
        viewer: &Person,
        action: &str,
        note: &Note,
        contact: &Contact,
    ) -> bool {
        let is_own = note.owner_id == viewer.id;
        let others = match self.level(viewer, action) {
            _ if note.visibility == Visibility::Private => false,
            _ if action == VIEW => true,
            _ if !self.flag_is_effective() => false,
            "team" => self.can_access(viewer, action, contact),
            level => level == "everything",
        };
        self.can_access_notes(viewer, action, contact) && (is_own || others)
    }
}
