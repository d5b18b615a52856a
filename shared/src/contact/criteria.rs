//! The criteria of a list: a filter that is resolved for one viewer, and which contacts match it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Contact, Filter, Pointer, StoredText, View,
    index_entry::{Answer, KnownOwners},
    search::Search,
};
use crate::{
    access::{Owned, Ownership, Scope, Session},
    id::{TeamId, UserId},
    identity::Permission,
    table::Partition,
};

impl Filter {
    /// Resolves the filter for the viewer of this session. If the viewer's teams could not be
    /// loaded, the view `teams` contains only the contacts that the viewer owns or is assigned to
    /// (SPEC §2, "Launchpad failure").
    #[must_use]
    pub fn for_session(self, session: &Session) -> Criteria {
        let user = session.viewer.user;
        let view = self.view.map(|view| match view {
            View::OwnedByMe => ViewCriteria::Owned(user),
            View::AssignedToMe => ViewCriteria::Assigned(user),
            View::Teams => session
                .expanded_teams()
                .map_or(ViewCriteria::OwnedOrAssigned(user), ViewCriteria::Teams),
        });
        let search = self.q.as_ref().map(Search::from_text);
        let visible =
            session.scope(Permission::ViewCustomers).map_or(Visible::Nothing, Visible::Only);
        Criteria { filter: self.in_stored_form(), search, view, visible }
    }
}

/// The contacts that the viewer may view. A search can reach more contacts with its own permission,
/// but finds those only by their names and by whole addresses and numbers, so that the viewer cannot
/// learn an address from its beginnings (SPEC §2, "Levels").
#[derive(Clone, PartialEq, Debug, Default)]
enum Visible {
    #[default]
    Everything,
    Only(Scope),
    Nothing,
}

impl Visible {
    fn includes(&self, record: &impl Owned) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(scope) => scope.admits(record),
            Self::Nothing => false,
        }
    }
}

/// A [`View`] with the id of its viewer or the ids of the viewer's teams.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum ViewCriteria {
    Owned(UserId),
    Assigned(UserId),
    /// The user owns the contact or is assigned to it.
    OwnedOrAssigned(UserId),
    Teams(BTreeSet<TeamId>),
}

impl ViewCriteria {
    fn matches(&self, record: &impl Owned) -> bool {
        let Ownership { owner, assignee, teams } = record.ownership();
        match self {
            Self::Owned(user) => owner == Some(*user),
            Self::Assigned(user) => assignee == Some(*user),
            Self::OwnedOrAssigned(user) => owner == Some(*user) || assignee == Some(*user),
            Self::Teams(expanded) => teams.iter().any(|team| expanded.contains(team)),
        }
    }

    pub(super) fn partitions(&self) -> Vec<Partition> {
        match self {
            Self::Owned(user) => vec![Partition::Owner(*user)],
            Self::Assigned(user) => vec![Partition::Assignee(*user)],
            Self::OwnedOrAssigned(user) => Scope::Own(*user).partitions(),
            Self::Teams(expanded) => expanded.iter().copied().map(Partition::Team).collect(),
        }
    }
}

/// A [`Filter`] that is resolved for one viewer.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Criteria {
    pub(super) filter: Filter,
    /// The interpretations of the filter's search text; `None` if the filter has no search text.
    pub(super) search: Option<Search>,
    pub(super) view: Option<ViewCriteria>,
    visible: Visible,
}

impl Criteria {
    /// The criteria of a filter without its search text and view, for tests.
    #[cfg(test)]
    pub(super) fn from_json(filter: Value) -> Self {
        let filter = serde_json::from_value(filter).unwrap_or_else(|error| panic!("{error}"));
        Self { filter, ..Self::default() }
    }

    /// The criteria of a list with this view, for tests.
    #[cfg(test)]
    pub(super) fn from_view(view: ViewCriteria) -> Self {
        Self { view: Some(view), ..Self::default() }
    }

    /// The criteria of a search for this text, for tests.
    #[cfg(test)]
    pub(super) fn search(text: &str) -> Self {
        let text = text.to_owned().try_into().unwrap_or_else(|error| panic!("{text}: {error}"));
        let filter = Filter { q: Some(text), ..Filter::default() };
        let search = filter.q.as_ref().map(Search::from_text);
        Self { filter, search, ..Self::default() }
    }

    /// Whether the records of contacts must be read to decide whether the contacts match. Such a
    /// list reads a limited number of records, so its pages may be short.
    #[must_use]
    pub fn needs_records(&self) -> bool {
        let filter = &self.filter;
        !filter.tags.is_empty()
            || !filter.source.is_empty()
            || !filter.custom.is_empty()
            || filter.updated_from.is_some()
            || filter.updated_to.is_some()
    }

    /// Whether the criteria contain a search for several words of a name. The record of a contact
    /// that has one of them decides whether the contact matches.
    pub(super) fn has_several_words(&self) -> bool {
        self.search.as_ref().is_some_and(Search::has_several_words)
    }

    /// Whether the filter has a search text. The order of a search is fixed.
    #[must_use]
    pub fn is_search(&self) -> bool {
        self.search.is_some()
    }

    /// Whether the contact of a pointer may be in scope and match the criteria. The record decides
    /// later.
    #[must_use]
    pub fn may_match(&self, pointer: &Pointer, scope: &Scope) -> bool {
        self.answer(pointer, scope) != Answer::No
    }

    /// Whether the contact of a pointer is in scope and matches the criteria, as far as its index
    /// entries show. They are read at slightly different moments, so it is enough if one of them
    /// matches.
    pub(super) fn answer(&self, pointer: &Pointer, scope: &Scope) -> Answer {
        if !self.matches_pointer(pointer) {
            return Answer::No;
        }
        let accepts = |owners: &KnownOwners| scope.admits(owners) && self.matches_ownership(owners);
        pointer.entries().map(|entry| entry.answer(accepts)).max().unwrap_or(Answer::No)
    }

    /// Whether a pointer matches the creation times of the criteria, which are compared with the
    /// contact's id. In a search, a pointer does not match if the search also reads an earlier
    /// search word of the contact.
    fn matches_pointer(&self, pointer: &Pointer) -> bool {
        let created = pointer.id.created_at();
        // An id contains the time in milliseconds; a filter may be more precise.
        let from = self.filter.created_from.map(Timestamp::as_millisecond);
        let is_duplicate =
            |search: &Search| pointer.word_before().is_some_and(|word| search.has_range_of(word));
        !self.search.as_ref().is_some_and(is_duplicate)
            && created.zip(from).is_none_or(|(at, from)| at.as_millisecond() >= from)
            && created.zip(self.filter.created_to).is_none_or(|(at, to)| at < to)
    }

    /// Whether the owners of a record match the criteria.
    pub(super) fn matches_ownership(&self, record: &impl Owned) -> bool {
        let Ownership { owner, assignee, teams } = record.ownership();
        let any = |wanted: &[UserId], person: Option<UserId>| {
            wanted.is_empty() || person.is_some_and(|person| wanted.contains(&person))
        };
        let filter = &self.filter;
        any(&filter.owner_id, owner)
            && any(&filter.assignee_id, assignee)
            && (filter.team_owner_ids.is_empty()
                || teams.iter().any(|team| filter.team_owner_ids.contains(team)))
            && self.view.as_ref().is_none_or(|view| view.matches(record))
    }

    /// Whether the record of a contact matches all criteria.
    pub(super) fn matches<C: StoredText>(&self, contact: &Contact<C>) -> bool {
        let filter = &self.filter;
        self.matches_ownership(contact)
            && self.search.as_ref().is_none_or(|search| {
                search.matches(contact)
                    && (self.visible.includes(contact) || search.matches_hidden(contact))
            })
            && (filter.tags.is_empty() || contact.tags.iter().any(|tag| filter.tags.contains(tag)))
            && (filter.source.is_empty()
                || contact.source.as_ref().is_some_and(|source| filter.source.contains(source)))
            && filter.custom.iter().all(|(key, wanted)| {
                contact.custom_fields.value(key).is_some_and(|value| has_any_text(&value, wanted))
            })
            && filter.created_from.is_none_or(|from| contact.created_at >= from)
            && filter.created_to.is_none_or(|to| contact.created_at < to)
            && filter.updated_from.is_none_or(|from| contact.updated_at >= from)
            && filter.updated_to.is_none_or(|to| contact.updated_at < to)
    }
}

/// Whether the text form of a custom field's value, or of any element of an array, is one of these
/// texts.
fn has_any_text(value: &Value, wanted: &[String]) -> bool {
    let is = |text: &str| wanted.iter().any(|wanted| wanted == text);
    match value {
        Value::Null => false,
        Value::String(text) => is(text),
        Value::Array(elements) => elements.iter().any(|element| has_any_text(element, wanted)),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => is(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contact::write_plan::tests::contact;

    #[test]
    fn a_custom_field_is_compared_by_its_text_and_an_array_by_any_element() {
        let mut contact = contact(1);
        let fields = json!({ "tier": 2, "vip": true, "area": ["Jakarta", 7], "note": null });
        contact.custom_fields = fields.as_object().unwrap().clone();
        for (custom, wanted) in [
            (json!({ "tier": ["2"] }), true),
            (json!({ "tier": ["1", "2"], "vip": ["true"] }), true),
            (json!({ "tier": ["2"], "vip": ["false"] }), false),
            (json!({ "area": ["7"] }), true),
            (json!({ "area": ["jakarta"] }), false),
            (json!({ "note": ["null"] }), false),
            (json!({ "none": ["2"] }), false),
        ] {
            let criteria = Criteria::from_json(json!({ "custom": custom }));
            assert_eq!(criteria.matches(&contact), wanted, "{custom}");
        }
    }
}
