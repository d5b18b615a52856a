//! The rule of SPEC §2 and §3 in plain words, independent of what the service is built of.

use shared::{
    contact::Contact,
    directory::SubscriptionPlan,
    note::{Note, Visibility},
};

use super::company::{Company, Person};

/// What is done with notes: the permission that decides about it.
pub(super) const VIEW: &str = "customers_customernotes_view";
pub(super) const ADD: &str = "customers_customernotes_add";
pub(super) const UPDATE: &str = "customers_customernotes_manage";
pub(super) const DELETE: &str = "customers_customernotes_delete";

impl Company {
    /// Both feature flags need Growth or Enterprise; while Launchpad cannot tell the plan, the one
    /// at the time when the flags were set counts.
    pub(super) fn flag_counts(&self) -> bool {
        let plan = if self.profile_is_down { self.recorded_plan } else { self.plan };
        self.team_flag && plan != SubscriptionPlan::Starter
    }

    /// The level that counts: `team` is `everything` with the flag off, and `own` in trouble.
    pub(super) fn level(&self, viewer: &Person, permission: &str) -> &'static str {
        match viewer.levels.get(permission).copied().unwrap_or("disabled") {
            "team" if !self.flag_counts() => "everything",
            "team" if viewer.trouble.is_some() => "own",
            level => level,
        }
    }

    /// Whether Launchpad's trouble narrows what the viewer reaches.
    pub(super) fn narrows(&self, viewer: &Person, permission: &str) -> bool {
        let by_team = viewer.levels.get(permission) == Some(&"team");
        by_team && self.flag_counts() && viewer.trouble.is_some()
    }

    /// Whether a viewer reaches a contact with a permission.
    pub(super) fn reaches(&self, viewer: &Person, permission: &str, contact: &Contact) -> bool {
        let own = [contact.owner_id, contact.assignee_id].contains(&Some(viewer.id));
        match self.level(viewer, permission) {
            "everything" => true,
            "own" => own,
            "team" => own || contact.team_owner_ids.is_empty() || self.shares(viewer, contact),
            _ => false,
        }
    }

    /// Whether one of the contact's teams is the viewer's or stands below one of theirs.
    fn shares(&self, viewer: &Person, contact: &Contact) -> bool {
        let upward = |place: usize| std::iter::successors(Some(place), |at| self.teams[*at].above);
        (0..self.teams.len())
            .filter(|place| contact.team_owner_ids.contains(&self.teams[*place].id))
            .any(|place| upward(place).any(|at| viewer.teams.contains(&at)))
    }

    /// Whether a viewer may do something about a contact's notes at all.
    pub(super) fn reaches_notes(&self, viewer: &Person, action: &str, contact: &Contact) -> bool {
        if self.level(viewer, action) == "disabled" {
            return false;
        }
        let gate = self.reaches(viewer, "customers_customers_view", contact);
        !self.flag_counts() || gate && (action != VIEW || self.reaches(viewer, action, contact))
    }

    /// Whether a viewer may do something with one note.
    pub(super) fn may(
        &self,
        viewer: &Person,
        action: &str,
        note: &Note,
        contact: &Contact,
    ) -> bool {
        let mine = note.owner_id == viewer.id;
        let others = match self.level(viewer, action) {
            _ if note.visibility == Visibility::Private => false,
            _ if action == VIEW => true,
            _ if !self.flag_counts() => false,
            "team" => self.reaches(viewer, action, contact),
            level => level == "everything",
        };
        self.reaches_notes(viewer, action, contact) && (mine || others)
    }
}
