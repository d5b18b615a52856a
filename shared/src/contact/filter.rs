//! Which of the contacts in scope are wanted (SPEC §2, "List").

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Contact, OrderBy, Pointer, fold,
    search::{Search, SearchText},
};
use crate::{
    access::{Owned, Ownership, Scope, Session},
    id::{CompanyId, ContactId, TeamId, UserId},
    table::{Direction, Partition, Query, name_key},
};

/// The most values of one part of a filter.
const MAX_FILTER_VALUES: usize = 100;
/// The most custom fields of a filter.
const MAX_CUSTOM_FIELDS: usize = 20;
/// The longest text of a filter, in bytes.
const MAX_FILTER_TEXT: usize = 256;

/// Whose contacts are wanted, by what they are to the viewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Those that the viewer owns.
    OwnedByMe,
    /// Those that the viewer is assigned to.
    AssignedToMe,
    /// Those that share a team with the viewer; no unassigned ones.
    Teams,
}

/// What a request wants of the contacts in scope; an empty part wants all, several values any of
/// them, and every part must fit.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Found by this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<SearchText>,
    /// What they are to the viewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// Any of these owners.
    pub owner_id: Vec<UserId>,
    /// Any of these assignees.
    pub assignee_id: Vec<UserId>,
    /// Owned by any of these teams.
    pub team_owner_ids: Vec<TeamId>,
    /// Any of these tags.
    pub tags: Vec<String>,
    /// Any of these sources.
    pub source: Vec<String>,
    /// Custom fields, each with any of these values in their text form; of a list, any element.
    pub custom: BTreeMap<String, Vec<String>>,
    /// Created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Created before this time.
    pub created_to: Option<Timestamp>,
}

/// A part of a filter that is past a limit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct FilterError {
    /// The part.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

impl Filter {
    /// Checks the limits that types do not hold.
    ///
    /// # Errors
    /// The first part that is past one.
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

    /// The names of the parts that are set, for audit events: never their values, and of custom
    /// fields not even their keys, which are the client's text.
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

    /// Whether the viewer's teams must be known, whatever their level is.
    #[must_use]
    pub fn asks_teams(&self) -> bool {
        self.view == Some(View::Teams)
    }

    /// The filter as this viewer means it. While Launchpad cannot tell their teams, their own
    /// contacts are what is known to be theirs (SPEC §2, "Launchpad failure").
    #[must_use]
    pub fn of(self, session: &Session) -> Criteria {
        let user = session.viewer.user;
        let mine = self.view.map(|view| match view {
            View::OwnedByMe => Mine::Owned(user),
            View::AssignedToMe => Mine::Assigned(user),
            View::Teams => session.expanded_teams().map_or(Mine::Any(user), Mine::Teams),
        });
        let search = self.q.as_ref().map(Search::of);
        Criteria { filter: self, search, mine }
    }
}

/// What a view wants of its viewer.
#[derive(Clone, PartialEq, Debug)]
enum Mine {
    Owned(UserId),
    Assigned(UserId),
    /// Owned by or assigned to.
    Any(UserId),
    Teams(BTreeSet<TeamId>),
}

impl Mine {
    fn wants(&self, record: &impl Owned) -> bool {
        let Ownership { owner, assignee, teams } = record.ownership();
        match self {
            Self::Owned(user) => owner == Some(*user),
            Self::Assigned(user) => assignee == Some(*user),
            Self::Any(user) => owner == Some(*user) || assignee == Some(*user),
            Self::Teams(mine) => teams.iter().any(|team| mine.contains(team)),
        }
    }

    fn partitions(&self) -> Vec<Partition> {
        match self {
            Self::Owned(user) | Self::Assigned(user) | Self::Any(user) => {
                vec![Partition::User(*user)]
            }
            Self::Teams(mine) => mine.iter().copied().map(Partition::Team).collect(),
        }
    }
}

/// A [`Filter`] as one viewer means it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Criteria {
    filter: Filter,
    /// The filter's text, read.
    search: Option<Search>,
    mine: Option<Mine>,
}

impl Criteria {
    /// Whether something is wanted that only the contact's record tells: such a list reads a
    /// bounded amount, and its pages may be short.
    #[must_use]
    pub fn asks_records(&self) -> bool {
        let filter = &self.filter;
        !filter.tags.is_empty()
            || !filter.source.is_empty()
            || !filter.custom.is_empty()
            || self.search.as_ref().is_some_and(Search::asks_records)
    }

    /// Whether a text chooses what is read: such a list has an order of its own.
    #[must_use]
    pub fn is_search(&self) -> bool {
        self.search.is_some()
    }

    /// Whether a contact is wanted by its id, and in a search not only by a word before.
    pub(super) fn wants_pointer(&self, pointer: &Pointer) -> bool {
        let created = pointer.id.created_at();
        // An id tells the millisecond, a filter may be finer.
        let from = self.filter.created_from.map(Timestamp::as_millisecond);
        let is_double =
            |search: &Search| pointer.word_before().is_some_and(|word| search.reads(word));
        !self.search.as_ref().is_some_and(is_double)
            && created.zip(from).is_none_or(|(at, from)| at.as_millisecond() >= from)
            && created.zip(self.filter.created_to).is_none_or(|(at, to)| at < to)
    }

    /// Whether a record is wanted by its owners.
    pub(super) fn wants_owned(&self, record: &impl Owned) -> bool {
        let Ownership { owner, assignee, teams } = record.ownership();
        let any = |wanted: &[UserId], person: Option<UserId>| {
            wanted.is_empty() || person.is_some_and(|person| wanted.contains(&person))
        };
        let filter = &self.filter;
        any(&filter.owner_id, owner)
            && any(&filter.assignee_id, assignee)
            && (filter.team_owner_ids.is_empty()
                || teams.iter().any(|team| filter.team_owner_ids.contains(team)))
            && self.mine.as_ref().is_none_or(|mine| mine.wants(record))
    }

    /// Whether a contact is wanted, by its record.
    pub(super) fn wants(&self, contact: &Contact) -> bool {
        let filter = &self.filter;
        self.wants_owned(contact)
            && self.search.as_ref().is_none_or(|search| search.fits(contact))
            && (filter.tags.is_empty() || contact.tags.iter().any(|tag| filter.tags.contains(tag)))
            && (filter.source.is_empty()
                || contact.source.as_ref().is_some_and(|source| filter.source.contains(source)))
            && filter.custom.iter().all(|(key, wanted)| {
                contact.custom_fields.get(key).is_some_and(|value| reads_as_any(value, wanted))
            })
            && filter.created_from.is_none_or(|from| contact.created_at >= from)
            && filter.created_to.is_none_or(|to| contact.created_at < to)
    }

    /// The partitions to read: the fewest that hold all that is both in scope and wanted.
    pub(super) fn partitions(&self, scope: &Scope) -> Vec<Partition> {
        let people = |people: &[UserId]| -> Vec<Partition> {
            people.iter().copied().map(Partition::User).collect()
        };
        let filter = &self.filter;
        let teams = filter.team_owner_ids.iter().copied().map(Partition::Team).collect();
        let named = [people(&filter.owner_id), people(&filter.assignee_id), teams];
        let mut fewest = scope.partitions();
        // A view may name none, as that of a teamless viewer does.
        let views = self.mine.iter().map(Mine::partitions);
        for set in named.into_iter().filter(|set| !set.is_empty()).chain(views) {
            // The whole company is more than any of its parts.
            if fewest.contains(&Partition::All) || set.len() < fewest.len() {
                fewest = set;
            }
        }
        fewest.sort_unstable();
        fewest.dedup();
        fewest
    }

    /// The queries that together read all that is wanted of some partitions; what `q` chooses is
    /// the company's in any case.
    pub(super) fn queries(
        &self,
        company: &CompanyId,
        partitions: &[Partition],
        order: OrderBy,
        direction: Direction,
    ) -> Vec<Query> {
        let of = |pk: String| Query { direction, ..Query::partition(pk) };
        match (order, &self.search) {
            (OrderBy::Match, None) => Vec::new(),
            (OrderBy::Match, Some(search)) => search
                .ranges()
                .iter()
                .map(|range| {
                    let (above, below) = range.bounds();
                    let pk = range.partition().pk(company);
                    Query { after: Some(above), before: Some(below), ..of(pk) }
                })
                .collect(),
            (OrderBy::Name, _) => partitions
                .iter()
                .map(|partition| Query { by_name: true, ..of(partition.pk(company)) })
                .collect(),
            (OrderBy::CreatedAt, _) => {
                let (after, before) = self.created();
                let query = |partition: &Partition| Query {
                    after: after.clone(),
                    before: before.clone(),
                    ..of(partition.pk(company))
                };
                partitions.iter().map(query).collect()
            }
        }
    }

    /// The bounds of ids that the dates leave, to the millisecond on the safe side.
    fn created(&self) -> (Option<String>, Option<String>) {
        let rounded_up = |to: Timestamp| {
            let rest = SignedDuration::from_nanos(999_999);
            ContactId::beginning_at(to.checked_add(rest).unwrap_or(to))
        };
        let filter = &self.filter;
        (filter.created_from.map(ContactId::beginning_at), filter.created_to.map(rounded_up))
    }

    /// Where a contact stands in an order.
    pub(super) fn place(&self, contact: &Contact, order: OrderBy) -> Option<String> {
        match order {
            OrderBy::CreatedAt => Some(contact.id.to_string()),
            OrderBy::Name => {
                Some(name_key(&fold(contact.name.as_deref().unwrap_or_default()), contact.id))
            }
            OrderBy::Match => self.search.as_ref()?.place(contact),
        }
    }
}

/// Whether a custom field's value, or any element of a list, reads as one of these texts.
fn reads_as_any(value: &Value, wanted: &[String]) -> bool {
    let is = |text: &str| wanted.iter().any(|wanted| wanted == text);
    match value {
        Value::Null => false,
        Value::String(text) => is(text),
        Value::Array(elements) => elements.iter().any(|element| reads_as_any(element, wanted)),
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
    fn a_custom_field_is_compared_by_its_text_and_a_list_by_any_element() {
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
            assert_eq!(criteria(json!({ "custom": custom })).wants(&contact), wanted, "{custom}");
        }
    }

    #[test]
    fn a_list_reads_the_fewest_partitions_that_hold_what_is_wanted() {
        let id = |n: u128| uuid::Uuid::from_u128(n);
        let (user, team) = (UserId::from_uuid(id(1)), TeamId::from_uuid(id(2)));
        let people = json!({ "owner_id": [id(3), id(4)], "assignee_id": [id(5)] });
        let criteria = criteria(people);
        let everything = criteria.partitions(&Scope::Everything);
        assert_eq!(everything, [Partition::User(UserId::from_uuid(id(5)))]);
        let expanded = BTreeSet::from([team]);
        let scope = Scope::Team { user, expanded };
        assert_eq!(criteria.partitions(&scope).len(), 1);
        assert_eq!(criteria.partitions(&Scope::Own(user)), [Partition::User(user)]);
        let teamless = Criteria { mine: Some(Mine::Teams(BTreeSet::new())), ..Criteria::default() };
        assert!(teamless.partitions(&Scope::Everything).is_empty());
    }

    #[test]
    fn dates_bound_the_ids_that_are_read_and_lose_none() {
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
    fn a_part_past_its_limit_is_named() {
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
