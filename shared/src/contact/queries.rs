//! What a list reads for its criteria: the partitions that contain all matches, the queries in them,
//! and the position of a contact in their order.

use jiff::{SignedDuration, Timestamp};

use super::{
    Contact, OrderBy,
    criteria::{Criteria, ViewCriteria},
    fold,
    search::{Search, WordRange},
};
use crate::{
    access::Scope,
    id::{CompanyId, ContactId},
    table::{Direction, Partition, Query, name_key},
};

/// A set of partitions that contains all contacts that are in scope and match the criteria.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PartitionSet {
    pub(super) partitions: Vec<Partition>,
    /// Whether every contact of the set is in scope and matches the owners, teams and view of the
    /// criteria.
    pub(super) is_exact: bool,
}

impl Criteria {
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
        words: &(impl Iterator<Item = &'w str> + Clone),
        id: ContactId,
    ) -> Option<String> {
        let search = self.search.as_ref()?;
        let position = search.first_match(words.clone(), id)?;
        search.may_match(words).then_some(position)
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
            (OrderBy::Match, Some(search)) => {
                let read = |range| Query { direction, ..range_query(range, company) };
                search.ranges().iter().map(read).collect()
            }
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

    /// The queries of each word of a search for several words: those of one word read entries of all
    /// results.
    pub(super) fn queries_by_word(&self, company: &CompanyId) -> Vec<Vec<Query>> {
        let words = self.search.as_ref().map(Search::ranges_by_word).unwrap_or_default();
        let queries = |ranges: Vec<WordRange>| {
            ranges.iter().map(|range| range_query(range, company)).collect()
        };
        words.into_iter().map(queries).collect()
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

/// The query that reads a range of search words.
fn range_query(range: &WordRange, company: &CompanyId) -> Query {
    let (above, below) = range.bounds();
    let pk = range.partition().pk(company);
    Query { after: Some(above), before: Some(below), ..Query::partition(pk) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::{
        id::{TeamId, UserId},
        table::Key,
    };

    #[test]
    fn a_list_reads_the_fewest_partitions_that_contain_all_matches() {
        let id = |n: u128| uuid::Uuid::from_u128(n);
        let (user, team) = (UserId::from_uuid(id(1)), TeamId::from_uuid(id(2)));
        let people = json!({ "owner_id": [id(3), id(4)], "assignee_id": [id(5)] });
        let criteria = Criteria::from_json(people);
        let everything = criteria.partitions(&Scope::Everything);
        assert_eq!(everything, [Partition::Assignee(UserId::from_uuid(id(5)))]);
        let expanded = BTreeSet::from([team]);
        let scope = Scope::Team { user, expanded };
        assert_eq!(criteria.partitions(&scope).len(), 1);
        assert_eq!(criteria.partitions(&Scope::Own(user)), everything);
        let sets = criteria.partition_sets(&scope);
        let sizes: Vec<_> = sets.iter().map(|set| (set.partitions.len(), set.is_exact)).collect();
        assert_eq!(sizes, [(1, false), (2, false), (4, false)], "assignee, owners, scope");
        let mine = Criteria::from_view(ViewCriteria::Owned(user));
        for scope in [&scope, &Scope::Own(user), &Scope::Everything] {
            let first = mine.partition_sets(scope).remove(0);
            let expected = vec![Partition::Owner(user)];
            assert_eq!(first, PartitionSet { partitions: expected, is_exact: true });
        }
        let teamless = Criteria::from_view(ViewCriteria::Teams(BTreeSet::new()));
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
            let queries = Criteria::from_json(filter.clone()).queries(
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
}
