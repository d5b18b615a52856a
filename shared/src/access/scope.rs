use std::{collections::BTreeSet, ops::Deref};

use crate::{
    id::{TeamId, UserId},
    identity::Level,
    table::Partition,
};

/// Who owns a record: all that a scope decides by.
#[derive(Clone, Copy, Debug)]
pub struct Ownership<'a> {
    /// The owner.
    pub owner: Option<UserId>,
    /// The assignee.
    pub assignee: Option<UserId>,
    /// The teams that own it; none is "Unassigned".
    pub teams: &'a [TeamId],
}

/// A record that a scope can decide about.
pub trait Owned {
    /// Who owns it.
    fn ownership(&self) -> Ownership<'_>;
}

/// What decided whether a scope reaches a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The scope is the whole company.
    Everything,
    /// No team owns the record.
    Unassigned,
    /// A team that owns it is one of the viewer's or below one.
    Team,
    /// The viewer owns it.
    Owner,
    /// The viewer is assigned to it.
    Assignee,
    /// Nothing: the scope does not reach it.
    OutOfScope,
}

/// Which contacts a viewer reaches with a permission.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Those that the viewer owns or is assigned to.
    Own(UserId),
    /// Those of the viewer's teams and their descendants, the unassigned, and the own.
    Team {
        /// The viewer.
        user: UserId,
        /// The viewer's teams and all their descendants, downward only (PRD D-7).
        expanded: BTreeSet<TeamId>,
    },
    /// Those of the whole company.
    Everything,
}

impl Scope {
    /// The partitions whose union is exactly what [`Scope::admits`] lets through.
    #[must_use]
    pub fn partitions(&self) -> Vec<Partition> {
        match self {
            Self::Own(user) => vec![Partition::User(*user)],
            Self::Team { user, expanded } => expanded
                .iter()
                .map(|team| Partition::Team(*team))
                .chain([Partition::Unassigned, Partition::User(*user)])
                .collect(),
            Self::Everything => vec![Partition::All],
        }
    }

    /// Which rule decides about this record: RFC §2, Decision 2. Where several let it through, the
    /// first of them in the RFC's order.
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

    /// Whether the viewer reaches this record.
    #[must_use]
    pub fn admits(&self, record: &impl Owned) -> bool {
        self.decide(record) != Decision::OutOfScope
    }

    /// The teams of the record that are the viewer's, where teams play a part.
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

    /// The record as one that the viewer may have, if the guard admits it.
    #[must_use]
    pub fn authorize<T: Owned>(&self, record: T) -> Option<Authorized<T>> {
        self.admits(&record).then_some(Authorized(record))
    }

    /// The level that the scope stands for in logs and metrics.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Own(_) => Level::Own,
            Self::Team { .. } => Level::Team,
            Self::Everything => Level::Everything,
        }
    }

    /// The size of the viewer's expanded team set; 0 where teams play no part.
    #[must_use]
    pub fn team_count(&self) -> usize {
        match self {
            Self::Team { expanded, .. } => expanded.len(),
            Self::Own(_) | Self::Everything => 0,
        }
    }
}

/// A record that passed a scope's guard. Only [`Scope::authorize`] makes one.
#[derive(Clone, PartialEq, Debug)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// The record, given up to be answered or changed.
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
        /// The partitions that a contact's pointers stand in.
        fn stands_in(&self) -> BTreeSet<Partition> {
            let mut all = BTreeSet::from([Partition::All]);
            all.extend(self.owner.into_iter().chain(self.assignee).map(Partition::User));
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
        fn what_a_list_reads_is_what_the_guard_admits(scope in scope(), record in record()) {
            let stands_in = record.stands_in();
            let read = scope.partitions().iter().any(|partition| stands_in.contains(partition));
            prop_assert_eq!(read, scope.admits(&record));
        }
    }
}
