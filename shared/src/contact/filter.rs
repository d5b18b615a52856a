//! The filter of a list: the conditions that select contacts from those in scope (SPEC §2, "List").

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Contact, OrderBy, Pointer, StoredText,
    clean::clean,
    fold,
    index_entry::{Answer, KnownOwners},
    search::{Search, SearchText},
};
use crate::{
    access::{Owned, Ownership, Scope, Session},
    id::{CompanyId, ContactId, TeamId, UserId},
    identity::Permission,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owner_id: Vec<UserId>,
    /// The assignee is one of these users.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assignee_id: Vec<UserId>,
    /// One of these teams owns the contact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub team_owner_ids: Vec<TeamId>,
    /// The contact has one of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The source is one of these texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<String>,
    /// Each custom field with one of these keys has one of the values of that key. Values are
    /// compared in their text form. An array matches if one of its elements matches.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, Vec<String>>,
    /// The contact was created at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_from: Option<Timestamp>,
    /// The contact was created before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_to: Option<Timestamp>,
    /// The contact was last changed at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_from: Option<Timestamp>,
    /// The contact was last changed before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_to: Option<Timestamp>,
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
            ("updated_from", self.updated_from.is_some()),
            ("updated_to", self.updated_to.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, set)| set.then_some(key))
        .collect()
    }

    /// Returns the filter without the texts that the client chose, which can be personal data, and
    /// the names of the fields that contained them.
    #[must_use]
    pub fn without_texts(&self) -> (Self, Vec<&'static str>) {
        let rest = Self {
            q: None,
            tags: Vec::new(),
            source: Vec::new(),
            custom: BTreeMap::new(),
            ..self.clone()
        };
        let kept = rest.keys();
        let removed = self.keys().into_iter().filter(|key| !kept.contains(key)).collect();
        (rest, removed)
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
        let visible =
            session.scope(Permission::ViewCustomers).map_or(Visible::Nothing, Visible::Only);
        Criteria { filter: self.in_stored_form(), search, view, visible }
    }

    /// Converts the texts into the form in which contacts store them, so that they can be compared.
    fn in_stored_form(mut self) -> Self {
        for text in self.tags.iter_mut().chain(&mut self.source) {
            *text = clean(text);
        }
        let custom = std::mem::take(&mut self.custom).into_iter();
        self.custom = custom
            .map(|(key, values)| (clean(&key), values.iter().map(|text| clean(text)).collect()))
            .collect();
        self
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

/// A set of partitions that contains all contacts that are in scope and match the criteria.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PartitionSet {
    pub(super) partitions: Vec<Partition>,
    /// Whether every contact of the set is in scope and matches the owners, teams and view of the
    /// criteria.
    pub(super) is_exact: bool,
}

/// A [`Filter`] that is resolved for one viewer.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Criteria {
    filter: Filter,
    /// The interpretations of the filter's search text; `None` if the filter has no search text.
    search: Option<Search>,
    view: Option<ViewCriteria>,
    visible: Visible,
}

impl Criteria {
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

    /// Returns the sets of partitions that the scope and the criteria select. Each of them contains
    /// all contacts that are in scope and match. The sets with the fewest partitions come first,
    /// and the whole company last. If one of them has no partitions, nothing matches, and only it
    /// is returned.
    pub(super) fn partition_sets(&self, scope: &Scope) -> Vec<PartitionSet> {
        let filter = &self.filter;
        let named = [
            filter.owner_id.iter().copied().map(Partition::Owner).collect(),
            filter.assignee_id.iter().copied().map(Partition::Assignee).collect(),
            filter.team_owner_ids.iter().copied().map(Partition::Team).collect::<Vec<_>>(),
        ];
        let named = named.into_iter().filter(|set| !set.is_empty());
        // A view may have no partitions, for example the view `teams` of a viewer without teams.
        let views = self.view.iter().map(ViewCriteria::partitions);
        let mut conditions: Vec<Vec<Partition>> =
            [scope.partitions()].into_iter().chain(named).chain(views).collect();
        for set in &mut conditions {
            set.sort_unstable();
            set.dedup();
        }
        // The partition of the whole company is larger than any set of others.
        conditions.sort_by_key(|set| (set.contains(&Partition::All), set.len()));
        conditions.dedup();
        let implies = |set: &[Partition], condition: &[Partition]| {
            condition.contains(&Partition::All) || set.iter().all(|part| condition.contains(part))
        };
        let is_exact =
            |set: &[Partition]| conditions.iter().all(|condition| implies(set, condition));
        let is_useful = |(place, set): &(usize, &Vec<Partition>)| {
            *place == 0 || !(set.contains(&Partition::All) || conditions[0].is_empty())
        };
        let sets = conditions.iter().enumerate().filter(is_useful);
        sets.map(|(_, set)| PartitionSet { partitions: set.clone(), is_exact: is_exact(set) })
            .collect()
    }

    /// The set with the fewest partitions of [`Criteria::partition_sets`].
    pub(super) fn partitions(&self, scope: &Scope) -> Vec<Partition> {
        let fewest = self.partition_sets(scope).into_iter().next();
        fewest.map(|set| set.partitions).unwrap_or_default()
    }

    /// The position in the results of a contact with these search words, which are in order; `None`
    /// if the search reads none of them, or if they show that the contact does not match.
    pub(super) fn first_match<'w>(
        &self,
        words: impl Iterator<Item = &'w str>,
        id: ContactId,
    ) -> Option<String> {
        let search = self.search.as_ref()?;
        let words: Vec<&str> = words.collect();
        let may_match = search.may_match(&words);
        search.first_match(words.into_iter(), id).filter(|_| may_match)
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
        let sets = criteria.partition_sets(&scope);
        let sizes: Vec<_> = sets.iter().map(|set| (set.partitions.len(), set.is_exact)).collect();
        assert_eq!(sizes, [(1, false), (2, false), (4, false)], "assignee, owners, scope");
        let mine = Criteria { view: Some(ViewCriteria::Owned(user)), ..Criteria::default() };
        for scope in [&scope, &Scope::Own(user), &Scope::Everything] {
            let first = mine.partition_sets(scope).remove(0);
            let expected = vec![Partition::Owner(user)];
            assert_eq!(first, PartitionSet { partitions: expected, is_exact: true });
        }
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
