use std::{collections::BTreeSet, ops::Deref};

use crate::{
    id::{TeamId, UserId},
    identity::Level,
    table::Partition,
};

/// The owners of a record. A scope uses only these values for its decision.
#[derive(Clone, Copy, Debug)]
pub struct Ownership<'a> {
    /// The person who owns the record; `None` if it has no owner.
    pub owner: Option<UserId>,
    /// The person who is assigned to the record; `None` if there is none.
    pub assignee: Option<UserId>,
    /// The teams that own the record. A record without teams is "Unassigned".
    pub teams: &'a [TeamId],
}

/// A record that a scope can decide about.
pub trait Owned {
    /// The owners of the record.
    fn ownership(&self) -> Ownership<'_>;
}

/// The rule that decided whether a record is in a scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The scope includes the whole company.
    Everything,
    /// No team owns the record.
    Unassigned,
    /// One of the viewer's teams, or a descendant of one, owns the record.
    Team,
    /// The viewer owns the record.
    Owner,
    /// The viewer is assigned to the record.
    Assignee,
    /// No rule applies: the record is outside the scope.
    OutOfScope,
}

/// The contacts that a viewer can access with a permission.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The contacts that the viewer owns or is assigned to.
    Own(UserId),
    /// The contacts of the viewer's teams and their descendants, the unassigned contacts, and the
    /// contacts that the viewer owns or is assigned to.
    Team {
        /// The viewer.
        user: UserId,
        /// The viewer's teams and all their descendants, downward only (PRD D-7).
        expanded: BTreeSet<TeamId>,
    },
    /// All contacts of the company.
    Everything,
}

impl Scope {
    /// The partitions whose union is exactly the set of records that [`Scope::admits`] accepts.
    #[must_use]
    pub fn partitions(&self) -> Vec<Partition> {
        match self {
            Self::Own(user) => vec![Partition::Owner(*user), Partition::Assignee(*user)],
            Self::Team { user, expanded } => expanded
                .iter()
                .map(|team| Partition::Team(*team))
                .chain([Partition::Unassigned, Partition::Owner(*user), Partition::Assignee(*user)])
                .collect(),
            Self::Everything => vec![Partition::All],
        }
    }

    /// The rule that decides about this record (RFC §2, Decision 2). If several rules admit the
    /// record, this is the first one in the RFC's order.
    #[must_use]
    pub fn decide(&self, record: &impl Owned) -> Decision {
        let Ownership { owner, assignee, teams } = record.ownership();
        let own = |user: &UserId| {
            if owner == Some(*user) {
                Decision::Owner
            } else if assignee == Some(*user) {
                Decision::Assignee
            } else {
                Decision::OutOfScope
            }
        };
        match self {
            Self::Team { .. } if teams.is_empty() => Decision::Unassigned,
            Self::Team { expanded, .. } if teams.iter().any(|team| expanded.contains(team)) => {
                Decision::Team
            }
            Self::Own(user) | Self::Team { user, .. } => own(user),
            Self::Everything => Decision::Everything,
        }
    }

    /// Whether the record is in the scope.
    #[must_use]
    pub fn admits(&self, record: &impl Owned) -> bool {
        self.decide(record) != Decision::OutOfScope
    }

    /// The teams of the record that are in the scope; empty if the scope does not depend on teams.
    #[must_use]
    pub fn shared_teams(&self, record: &impl Owned) -> Vec<TeamId> {
        match self {
            Self::Team { expanded, .. } => {
                let teams = record.ownership().teams.iter().copied();
                teams.filter(|team| expanded.contains(team)).collect()
            }
            Self::Own(_) | Self::Everything => Vec::new(),
        }
    }

    /// Returns the record as [`Authorized`] if it is in the scope.
    #[must_use]
    pub fn authorize<T: Owned>(&self, record: T) -> Option<Authorized<T>> {
        self.admits(&record).then_some(Authorized(record))
    }

    /// The level of the scope, for logs and metrics.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Own(_) => Level::Own,
            Self::Team { .. } => Level::Team,
            Self::Everything => Level::Everything,
        }
    }

    /// The number of teams in the scope; 0 if the scope does not depend on teams.
    #[must_use]
    pub fn team_count(&self) -> usize {
        match self {
            Self::Team { expanded, .. } => expanded.len(),
            Self::Own(_) | Self::Everything => 0,
        }
    }
}

/// A record that passed the guard of a scope. Only [`Scope::authorize`] creates it.
#[derive(Clone, PartialEq, Debug)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// Returns the record itself, to send it to the client or to change it.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Authorized<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug)]
    struct Record {
        owner: Option<UserId>,
        assignee: Option<UserId>,
        teams: Vec<TeamId>,
    }

    impl Owned for Record {
        fn ownership(&self) -> Ownership<'_> {
            Ownership { owner: self.owner, assignee: self.assignee, teams: &self.teams }
        }
    }

    impl Record {
        /// The partitions that contain pointers to the contact.
        fn partitions(&self) -> BTreeSet<Partition> {
            let mut all = BTreeSet::from([Partition::All]);
            all.extend(self.owner.map(Partition::Owner));
            all.extend(self.assignee.map(Partition::Assignee));
            if self.teams.is_empty() {
                all.insert(Partition::Unassigned);
            }
            all.extend(self.teams.iter().copied().map(Partition::Team));
            all
        }
    }

    fn user() -> impl Strategy<Value = UserId> {
        (1..4u128).prop_map(|n| UserId::from_uuid(Uuid::from_u128(n)))
    }

    fn team() -> impl Strategy<Value = TeamId> {
        (1..5u128).prop_map(|n| TeamId::from_uuid(Uuid::from_u128(n)))
    }

    fn record() -> impl Strategy<Value = Record> {
        let teams = proptest::collection::vec(team(), 0..3);
        (proptest::option::of(user()), proptest::option::of(user()), teams)
            .prop_map(|(owner, assignee, teams)| Record { owner, assignee, teams })
    }

    fn scope() -> impl Strategy<Value = Scope> {
        let expanded = proptest::collection::btree_set(team(), 0..4);
        prop_oneof![
            user().prop_map(Scope::Own),
            (user(), expanded).prop_map(|(user, expanded)| Scope::Team { user, expanded }),
            Just(Scope::Everything),
        ]
    }

    proptest! {
        #[test]
        fn a_list_reads_exactly_the_records_that_the_guard_admits(scope in scope(), record in record()) {
            let partitions = record.partitions();
            let read = scope.partitions().iter().any(|partition| partitions.contains(partition));
            prop_assert_eq!(read, scope.admits(&record));
        }
    }
}
