//! The filter of a list: the conditions that select contacts from those in scope (SPEC §2, "List").

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Contact, OrderBy, Pointer, StoredText, fold,
    search::{Search, SearchText},
};
use crate::{
    access::{Owned, Ownership, Scope, Session},
    id::{CompanyId, ContactId, TeamId, UserId},
    table::{Direction, Partition, Query, name_key},
};

/// The maximum number of values of one field of a filter.
const MAX_FILTER_VALUES: usize = 100;
/// The maximum number of custom fields of a filter.
const MAX_CUSTOM_FIELDS: usize = 20;
/// The longest text of a filter, in bytes.
const MAX_FILTER_TEXT: usize = 256;

/// Selects contacts by their relation to the viewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// The contacts that the viewer owns.
    OwnedByMe,
    /// The contacts that the viewer is assigned to.
    AssignedToMe,
    /// The contacts that one of the viewer's teams, or a descendant of one, owns. Unassigned
    /// contacts are not included.
    Teams,
}

/// The conditions that a request sets for the contacts in scope. A contact must match every field;
/// a field with several values matches any of them, and an empty field matches every contact.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// The text to search for: the first letters of words in a name, an email address or a phone
    /// number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<SearchText>,
    /// The relation to the viewer; `None` selects all contacts in scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// The owner is one of these users.
    pub owner_id: Vec<UserId>,
    /// The assignee is one of these users.
    pub assignee_id: Vec<UserId>,
    /// One of these teams owns the contact.
    pub team_owner_ids: Vec<TeamId>,
    /// The contact has one of these tags.
    pub tags: Vec<String>,
    /// The source is one of these texts.
    pub source: Vec<String>,
    /// Each custom field with one of these keys has one of the values of that key. Values are
    /// compared in their text form. An array matches if one of its elements matches.
    pub custom: BTreeMap<String, Vec<String>>,
    /// The contact was created at this time or later.
    pub created_from: Option<Timestamp>,
    /// The contact was created before this time.
    pub created_to: Option<Timestamp>,
}

/// A field of a filter exceeds a limit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct FilterError {
    /// The name of the field.
    pub field: &'static str,
    /// The limit that the field exceeds.
    pub reason: String,
}

impl Filter {
    /// Checks the limits that the types do not enforce.
    ///
    /// # Errors
    /// The first field that exceeds a limit.
    pub fn check(&self) -> Result<(), FilterError> {
        let wrong = |field, reason| Err(FilterError { field, reason });
        let most_custom = self.custom.values().map(Vec::len).max().unwrap_or_default();
        let counts = [
            ("owner_id", self.owner_id.len()),
            ("assignee_id", self.assignee_id.len()),
            ("team_owner_ids", self.team_owner_ids.len()),
            ("tags", self.tags.len()),
            ("source", self.source.len()),
            ("custom", most_custom),
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count > MAX_FILTER_VALUES) {
            return wrong(field, format!("must have at most {MAX_FILTER_VALUES} values"));
        }
        if self.custom.len() > MAX_CUSTOM_FIELDS {
            return wrong("custom", format!("must have at most {MAX_CUSTOM_FIELDS} fields"));
        }
        let custom = self.custom.iter().flat_map(|(key, values)| values.iter().chain([key]));
        let texts = self.tags.iter().map(|tag| ("tags", tag));
        let texts = texts.chain(self.source.iter().map(|source| ("source", source)));
        let mut texts = texts.chain(custom.map(|text| ("custom", text)));
        match texts.find(|(_, text)| text.len() > MAX_FILTER_TEXT) {
            Some((field, _)) => {
                wrong(field, format!("each text must be at most {MAX_FILTER_TEXT} bytes long"))
            }
            None => Ok(()),
        }
    }

    /// The names of the fields that are set, for audit events. They contain neither values nor the
    /// keys of custom fields, because the client chooses both.
    #[must_use]
    pub fn keys(&self) -> Vec<&'static str> {
        [
            ("q", self.q.is_some()),
            ("view", self.view.is_some()),
            ("owner_id", !self.owner_id.is_empty()),
            ("assignee_id", !self.assignee_id.is_empty()),
            ("team_owner_ids", !self.team_owner_ids.is_empty()),
            ("tags", !self.tags.is_empty()),
            ("source", !self.source.is_empty()),
            ("custom", !self.custom.is_empty()),
            ("created_from", self.created_from.is_some()),
            ("created_to", self.created_to.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, set)| set.then_some(key))
        .collect()
    }

    /// Whether the filter needs the viewer's teams, whatever level the viewer has.
    #[must_use]
    pub fn needs_teams(&self) -> bool {
        self.view == Some(View::Teams)
    }

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
        Criteria { filter: self, search, view }
    }
}

/// A [`View`] with the id of its viewer or the ids of the viewer's teams.
#[derive(Clone, PartialEq, Debug)]
enum ViewCriteria {
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

    fn partitions(&self) -> Vec<Partition> {
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
    filter: Filter,
    /// The interpretations of the filter's search text; `None` if the filter has no search text.
    search: Option<Search>,
    view: Option<ViewCriteria>,
}

impl Criteria {
    /// Whether the records of contacts must be read to decide whether the contacts match. Such a
    /// list reads a limited number of records, so its pages may be short.
    #[must_use]
    pub fn needs_records(&self) -> bool {
        let filter = &self.filter;
        !filter.tags.is_empty()
            || !filter.source.is_empty()
            || !filter.custom.is_empty()
            || self.search.as_ref().is_some_and(Search::needs_records)
    }

    /// Whether the filter has a search text. The order of a search is fixed.
    #[must_use]
    pub fn is_search(&self) -> bool {
        self.search.is_some()
    }

    /// Whether the contact of a pointer may be in scope and match the criteria. The index entries
    /// of a contact are read at slightly different moments, so it is enough if one of them matches.
    /// The record decides later.
    #[must_use]
    pub fn may_match(&self, pointer: &Pointer, scope: &Scope) -> bool {
        let matches = |entry| scope.admits(entry) && self.matches_ownership(entry);
        self.matches_pointer(pointer) && pointer.entries().any(matches)
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
            && self.search.as_ref().is_none_or(|search| search.matches(contact))
            && (filter.tags.is_empty() || contact.tags.iter().any(|tag| filter.tags.contains(tag)))
            && (filter.source.is_empty()
                || contact.source.as_ref().is_some_and(|source| filter.source.contains(source)))
            && filter.custom.iter().all(|(key, wanted)| {
                contact.custom_fields.value(key).is_some_and(|value| has_any_text(&value, wanted))
            })
            && filter.created_from.is_none_or(|from| contact.created_at >= from)
            && filter.created_to.is_none_or(|to| contact.created_at < to)
    }

    /// Returns the partitions to read: the smallest known set that contains all contacts that are
    /// in scope and match.
    pub(super) fn partitions(&self, scope: &Scope) -> Vec<Partition> {
        let filter = &self.filter;
        let named = [
            filter.owner_id.iter().copied().map(Partition::Owner).collect(),
            filter.assignee_id.iter().copied().map(Partition::Assignee).collect(),
            filter.team_owner_ids.iter().copied().map(Partition::Team).collect::<Vec<_>>(),
        ];
        let mut fewest = scope.partitions();
        // A view may have no partitions, for example the view `teams` of a viewer without teams.
        let views = self.view.iter().map(ViewCriteria::partitions);
        for set in named.into_iter().filter(|set| !set.is_empty()).chain(views) {
            // The partition of the whole company is larger than any set of others.
            if fewest.contains(&Partition::All) || set.len() < fewest.len() {
                fewest = set;
            }
        }
        fewest.sort_unstable();
        fewest.dedup();
        fewest
    }

    /// Returns the queries that together read all matching contacts of these partitions. A search
    /// reads the words of the whole company instead.
    pub(super) fn queries(
        &self,
        company: &CompanyId,
        partitions: &[Partition],
        order: OrderBy,
        direction: Direction,
    ) -> Vec<Query> {
        let query = |pk: String| Query { direction, ..Query::partition(pk) };
        match (order, &self.search) {
            (OrderBy::Match, None) => Vec::new(),
            (OrderBy::Match, Some(search)) => search
                .ranges()
                .iter()
                .map(|range| {
                    let (above, below) = range.bounds();
                    let pk = range.partition().pk(company);
                    Query { after: Some(above), before: Some(below), ..query(pk) }
                })
                .collect(),
            (OrderBy::Name, _) => partitions
                .iter()
                .map(|partition| Query { by_name: true, ..query(partition.pk(company)) })
                .collect(),
            (OrderBy::CreatedAt, _) => {
                let (after, before) = self.created();
                let created = |partition: &Partition| Query {
                    after: after.clone(),
                    before: before.clone(),
                    ..query(partition.pk(company))
                };
                partitions.iter().map(created).collect()
            }
        }
    }

    /// Returns the lower and the upper bound of the ids of contacts whose creation times match the
    /// filter. The bounds are rounded to milliseconds so that no matching id is excluded.
    fn created(&self) -> (Option<String>, Option<String>) {
        let rounded_up = |to: Timestamp| {
            let rest = SignedDuration::from_nanos(999_999);
            ContactId::lower_bound(to.checked_add(rest).unwrap_or(to))
        };
        let filter = &self.filter;
        (filter.created_from.map(ContactId::lower_bound), filter.created_to.map(rounded_up))
    }

    /// Returns the position of a contact in an order; `None` if the order is by match and the
    /// search does not find the contact.
    pub(super) fn position<C>(&self, contact: &Contact<C>, order: OrderBy) -> Option<String> {
        match order {
            OrderBy::CreatedAt => Some(contact.id.to_string()),
            OrderBy::Name => {
                Some(name_key(&fold(contact.name.as_deref().unwrap_or_default()), contact.id))
            }
            OrderBy::Match => self.search.as_ref()?.position(contact),
        }
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
    use crate::{contact::write_plan::tests::contact, table::Key};

    fn criteria(filter: Value) -> Criteria {
        Criteria { filter: serde_json::from_value(filter).unwrap(), ..Criteria::default() }
    }

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
            assert_eq!(criteria(json!({ "custom": custom })).matches(&contact), wanted, "{custom}");
        }
    }

    #[test]
    fn a_list_reads_the_fewest_partitions_that_contain_all_matches() {
        let id = |n: u128| uuid::Uuid::from_u128(n);
        let (user, team) = (UserId::from_uuid(id(1)), TeamId::from_uuid(id(2)));
        let people = json!({ "owner_id": [id(3), id(4)], "assignee_id": [id(5)] });
        let criteria = criteria(people);
        let everything = criteria.partitions(&Scope::Everything);
        assert_eq!(everything, [Partition::Assignee(UserId::from_uuid(id(5)))]);
        let expanded = BTreeSet::from([team]);
        let scope = Scope::Team { user, expanded };
        assert_eq!(criteria.partitions(&scope).len(), 1);
        assert_eq!(criteria.partitions(&Scope::Own(user)), everything);
        let teamless =
            Criteria { view: Some(ViewCriteria::Teams(BTreeSet::new())), ..Criteria::default() };
        assert!(teamless.partitions(&Scope::Everything).is_empty());
    }

    #[test]
    fn dates_limit_the_ids_that_are_read_and_exclude_no_match() {
        let at: Timestamp = "2026-01-01T00:00:00.005Z".parse().unwrap();
        let id = ContactId::generate(at);
        for (filter, within) in [
            (json!({ "created_from": "2026-01-01T00:00:00.005Z" }), true),
            (json!({ "created_from": "2026-01-01T00:00:00.006Z" }), false),
            (json!({ "created_to": "2026-01-01T00:00:00.005Z" }), false),
            (json!({ "created_to": "2026-01-01T00:00:00.0050001Z" }), true),
            (json!({ "created_to": "2026-01-01T00:00:00.006Z" }), true),
        ] {
            let queries = criteria(filter.clone()).queries(
                &"acme".parse().unwrap(),
                &[Partition::All],
                OrderBy::CreatedAt,
                Direction::Descending,
            );
            let [query] = queries.as_slice() else { panic!("{queries:?}") };
            let sk = Key::pointer(&"acme".parse().unwrap(), &Partition::All, id).sk;
            let holds = query.after.as_ref().is_none_or(|after| sk > *after)
                && query.before.as_ref().is_none_or(|before| sk < *before);
            assert_eq!(holds, within, "{filter}");
        }
    }

    #[test]
    fn an_error_contains_the_name_of_the_field_that_exceeds_its_limit() {
        let many = vec!["x"; 101];
        let long = "x".repeat(257);
        for (filter, field) in [
            (json!({ "tags": many }), "tags"),
            (json!({ "source": [long] }), "source"),
            (json!({ "custom": { "tier": many } }), "custom"),
            (json!({ "custom": { long.clone(): ["1"] } }), "custom"),
        ] {
            let filter: Filter = serde_json::from_value(filter).unwrap();
            assert_eq!(filter.check().unwrap_err().field, field);
        }
    }
}
