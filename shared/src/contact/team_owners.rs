//! Records whether people or a backfill set a contact's team owners last, and decides which team
//! owners a backfill may change (SPEC §2, "Backfill"; RFC CHG-004).

use std::collections::HashMap;

use super::{
    Contact, ContactError, Contacts, SaveError, StalePointers, TeamOwnersFrom,
    clean::clean,
    input::{MAX_EXTERNAL_ID_BYTES, check_size},
};
use crate::{
    id::{ContactId, TeamId},
    table::{Attempt, Key, Query, TableError, backfilled_partition, retry},
};

/// The effect of a backfill on a contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BackfillOutcome {
    /// The backfill changed the team owners.
    Written,
    /// The contact already had these team owners, or a later row of the same run set them.
    Unchanged,
    /// People set the team owners, so the backfill did not change them.
    Kept,
}

/// Why a backfill could not set a contact's team owners.
#[derive(Debug, thiserror::Error)]
pub enum TeamOwnersError {
    /// The contact was deleted.
    #[error("the contact was deleted")]
    Gone,
    /// With the new team owners, the contact would exceed its size limit.
    #[error(transparent)]
    Limit(#[from] ContactError),
    /// The table request failed; [`TableError::Contention`] if other requests kept changing the
    /// contact.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Contact {
    /// Whether a backfill set the team owners last.
    pub(super) fn is_backfilled(&self) -> bool {
        matches!(self.team_owners_from, Some(TeamOwnersFrom::Backfill { .. }))
    }

    /// Returns the effect on the contact if a backfill sets these team owners. A backfill changes
    /// only team owners that were never set or that a backfill set.
    #[must_use]
    pub fn backfill_outcome(&self, owners: &[TeamId], from: TeamOwnersFrom) -> BackfillOutcome {
        let is_changeable = match self.team_owners_from {
            Some(TeamOwnersFrom::People) => false,
            Some(TeamOwnersFrom::Backfill { .. }) => true,
            // The team owners were never set, or they were set before the service recorded who set
            // them.
            None => self.team_owner_ids.is_empty(),
        };
        if !is_changeable {
            BackfillOutcome::Kept
        } else if self.team_owners_from.is_some_and(|stored| stored.is_later_row_than(from)) {
            // If two rows of a run are about one contact, the later row wins, even if the chunk
            // with the earlier row is processed last.
            BackfillOutcome::Unchanged
        } else if self.team_owners_from == Some(from) || self.team_owner_ids != owners {
            BackfillOutcome::Written
        } else {
            BackfillOutcome::Unchanged
        }
    }
}

impl Contacts {
    /// Reads the contacts that own these external ids, as `sync` finds them, and returns them by
    /// external id. External ids that no contact has are absent from the result.
    pub async fn by_external_ids(
        &self,
        ids: impl Iterator<Item = &str>,
    ) -> Result<HashMap<String, Contact>, TableError> {
        let possible = ids.filter_map(|id| {
            let stored = clean(id);
            let is_possible = !stored.is_empty() && stored.len() <= MAX_EXTERNAL_ID_BYTES;
            is_possible.then(|| (id, Key::unique_external_id(&self.company, &stored)))
        });
        let keys: HashMap<&str, Key> = possible.collect();
        let wanted: Vec<Key> = keys.values().cloned().collect();
        let matches = self.matches(&wanted, &[]).await?;
        let found = keys.into_iter().filter_map(|(id, key)| {
            matches.owner(&key).map(|contact| (id.to_owned(), contact.clone()))
        });
        Ok(found.collect())
    }

    /// Reads up to `limit` current contacts whose team owners a backfill set last, starting after
    /// the contact `after`. Also returns the id of the last contact that was read, `None` at the
    /// end.
    pub async fn backfilled_after(
        &self,
        after: Option<ContactId>,
        limit: i32,
    ) -> Result<(Vec<Contact>, Option<ContactId>), TableError> {
        let page = self
            .table
            .query(&Query {
                after: after.map(|id| id.to_string()),
                limit,
                consistent: true,
                ..Query::partition(backfilled_partition(&self.company))
            })
            .await?;
        let ids: Vec<ContactId> =
            page.items.iter().filter_map(|item| Key::from_item(item)?.sk.parse().ok()).collect();
        let mut records = self.records(&ids, true).await?;
        let found = ids.iter().filter_map(|id| records.remove(id));
        Ok((found.filter(Contact::is_live).collect(), ids.last().copied()))
    }

    /// Sets a contact's team owners on behalf of a backfill, unless people set them. Returns the
    /// effect, the current contact, and whether something was written.
    pub async fn backfill(
        &self,
        contact: Contact,
        owners: &[TeamId],
        from: TeamOwnersFrom,
    ) -> Result<(BackfillOutcome, Contact, bool), TeamOwnersError> {
        let key = Key::contact(&self.company, contact.id);
        let mut known = Some(contact);
        retry("the contact", async || {
            let contact = match known.take() {
                Some(contact) => contact,
                None => {
                    let now: Option<Contact> = self.table.get(&key, true).await?;
                    now.filter(Contact::is_live).ok_or(TeamOwnersError::Gone)?
                }
            };
            let decided = contact.backfill_outcome(owners, from);
            if decided != BackfillOutcome::Written || contact.team_owners_from == Some(from) {
                return Ok(Attempt::Done((decided, contact, false)));
            }
            let new = Contact {
                team_owner_ids: owners.to_vec(),
                team_owners_from: Some(from),
                updated_at: self.clock.now(),
                version: contact.version + 1,
                ..contact.clone()
            };
            check_size(&new)?;
            // A backfill moves many contacts out of Unassigned, so its stale pointers are deleted
            // at once. The unique keys do not change.
            let saved = self.write(Some(&contact), &new, StalePointers::Delete).await;
            Ok(SaveError::attempt(saved)?.map(|()| (decided, new, true)))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::id::RunId;

    fn teams() -> impl Strategy<Value = Vec<TeamId>> {
        let team = (1..4u128).prop_map(|n| TeamId::from_uuid(Uuid::from_u128(n)));
        proptest::collection::vec(team, 0..3)
    }

    fn backfill(run: u128, row: u64) -> TeamOwnersFrom {
        TeamOwnersFrom::Backfill { run: RunId::from_uuid(Uuid::from_u128(run)), row }
    }

    fn origin() -> impl Strategy<Value = Option<TeamOwnersFrom>> {
        prop_oneof![
            Just(None),
            Just(Some(TeamOwnersFrom::People)),
            (0..2u128, 0..2u64).prop_map(|(run, row)| Some(backfill(run, row))),
        ]
    }

    proptest! {
        #[test]
        fn a_backfill_changes_only_team_owners_that_were_never_set_or_set_by_a_backfill(
            owners in teams(), wanted in teams(), from in origin()
        ) {
            let mut contact = super::super::write_plan::tests::contact(1);
            contact.team_owner_ids.clone_from(&owners);
            contact.team_owners_from = from;
            let decided = contact.backfill_outcome(&wanted, backfill(7, 7));
            let set_by_people = from == Some(TeamOwnersFrom::People)
                || (from.is_none() && !owners.is_empty());
            prop_assert_eq!(decided == BackfillOutcome::Kept, set_by_people);
            if !set_by_people {
                prop_assert_eq!(decided == BackfillOutcome::Unchanged, owners == wanted);
            }
        }
    }

    #[test]
    fn a_row_that_an_interrupted_chunk_wrote_counts_as_written_again() {
        let mut contact = super::super::write_plan::tests::contact(1);
        contact.team_owners_from = Some(backfill(7, 3));
        assert_eq!(contact.backfill_outcome(&[], backfill(7, 3)), BackfillOutcome::Written);
        assert_eq!(contact.backfill_outcome(&[], backfill(7, 4)), BackfillOutcome::Unchanged);
        assert_eq!(contact.backfill_outcome(&[], backfill(8, 3)), BackfillOutcome::Unchanged);
    }

    #[test]
    fn the_last_of_two_rows_of_one_run_wins_in_any_order_of_processing() {
        let mut contact = super::super::write_plan::tests::contact(1);
        contact.team_owners_from = Some(backfill(7, 120));
        let team = [TeamId::from_uuid(Uuid::from_u128(1))];
        assert_eq!(contact.backfill_outcome(&team, backfill(7, 5)), BackfillOutcome::Unchanged);
        assert_eq!(contact.backfill_outcome(&team, backfill(7, 121)), BackfillOutcome::Written);
        assert_eq!(
            contact.backfill_outcome(&team, backfill(8, 5)),
            BackfillOutcome::Written,
            "another run"
        );
    }

    #[test]
    fn the_origin_of_team_owners_is_stored_and_read_back() {
        for from in [TeamOwnersFrom::People, backfill(7, u64::from(u32::MAX))] {
            let contact = Contact {
                team_owners_from: Some(from),
                ..super::super::write_plan::tests::contact(1)
            };
            let key = Key::contact(&"acme".parse().unwrap(), contact.id);
            let item = crate::table::to_item(&key, &contact).unwrap();
            assert_eq!(crate::table::from_item::<Contact>(item).unwrap(), contact);
        }
    }
}
