//! Who set a contact's team owners last, and what a backfill may do to them (SPEC §2, "Backfill";
//! RFC CHG-004).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    Contact, ContactError, Contacts, SaveError, StalePointers,
    input::{MAX_EXTERNAL_ID_BYTES, check_size},
};
use crate::{
    id::{ContactId, RunId, TeamId},
    table::{Attempt, Key, Query, TableError, backfilled_partition, retry},
};

/// Who set a contact's team owners last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum TeamOwnersFrom {
    /// People, through the API: a backfill leaves their choice alone, an empty one too.
    People,
    /// A backfill, or its revert.
    Backfill {
        /// The run.
        run: RunId,
        /// The row of its file; 0 for a revert. A chunk that is worked off once more knows by it
        /// what it has written.
        row: u64,
    },
}

impl TeamOwnersFrom {
    /// Whether it is a later row of the same run than `other`.
    fn is_behind(self, other: Self) -> bool {
        match (self, other) {
            (Self::Backfill { run, row }, Self::Backfill { run: other, row: before }) => {
                run == other && row > before
            }
            (Self::People, _) | (_, Self::People) => false,
        }
    }
}

/// What became of a contact in a backfill.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backfilled {
    /// Its team owners are the backfill's now, and were others before.
    Written,
    /// They were those already, or a later row of the same run set them.
    Unchanged,
    /// People set them; they stay.
    Kept,
}

/// Why a backfill could not set a contact's team owners.
#[derive(Debug, thiserror::Error)]
pub enum TeamOwnersError {
    /// The contact is gone.
    #[error("the contact was deleted")]
    Gone,
    /// It would be past a limit.
    #[error(transparent)]
    Limit(#[from] ContactError),
    /// The table's trouble; [`TableError::Contention`] when others keep changing the contact.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Contact {
    /// Whether a backfill set the team owners last.
    pub(super) fn is_backfilled(&self) -> bool {
        matches!(self.team_owners_from, Some(TeamOwnersFrom::Backfill { .. }))
    }

    /// What becomes of the contact when a backfill sets these team owners: only what nobody set, or
    /// a backfill did, is touched.
    #[must_use]
    pub fn backfilled(&self, owners: &[TeamId], from: TeamOwnersFrom) -> Backfilled {
        let open = match self.team_owners_from {
            Some(TeamOwnersFrom::People) => false,
            Some(TeamOwnersFrom::Backfill { .. }) => true,
            // From before it was known who sets them.
            None => self.team_owner_ids.is_empty(),
        };
        if !open {
            Backfilled::Kept
        } else if self.team_owners_from.is_some_and(|stands| stands.is_behind(from)) {
            // Of two rows of one person the last one counts, also where a chunk is worked off late.
            Backfilled::Unchanged
        } else if self.team_owners_from == Some(from) || self.team_owner_ids != owners {
            Backfilled::Written
        } else {
            Backfilled::Unchanged
        }
    }
}

impl Contacts {
    /// The contacts with these external ids, as they are now.
    ///
    /// # Errors
    /// As the table says.
    pub async fn by_external_ids(
        &self,
        ids: impl Iterator<Item = &str>,
    ) -> Result<HashMap<String, Contact>, TableError> {
        let possible = ids.filter(|id| !id.is_empty() && id.len() <= MAX_EXTERNAL_ID_BYTES);
        let claims: HashMap<Key, &str> =
            possible.map(|id| (Key::external_claim(&self.company, id), id)).collect();
        let wanted: Vec<Key> = claims.keys().cloned().collect();
        let (holders, records) = self.holders(&wanted).await?;
        let found = claims.into_iter().filter_map(|(claim, id)| {
            let contact = records.get(holders.get(&claim)?)?;
            Some((id.to_owned(), contact.clone()))
        });
        Ok(found.collect())
    }

    /// Up to `limit` contacts whose team owners a backfill set last, as they are now, from behind
    /// the contact `after`; and the last id that was looked at, `None` at the end.
    ///
    /// # Errors
    /// As the table says.
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
            page.items.iter().filter_map(|item| Key::of(item)?.sk.parse().ok()).collect();
        let mut records = self.records(&ids, true).await?;
        let found = ids.iter().filter_map(|id| records.remove(id));
        Ok((found.filter(Contact::is_live).collect(), ids.last().copied()))
    }

    /// Sets a contact's team owners on behalf of a backfill, if they are not people's; tells what
    /// became of the contact, the contact as it is now, and whether something was written.
    ///
    /// # Errors
    /// [`TeamOwnersError`].
    pub async fn backfill(
        &self,
        contact: Contact,
        owners: &[TeamId],
        from: TeamOwnersFrom,
    ) -> Result<(Backfilled, Contact, bool), TeamOwnersError> {
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
            let decided = contact.backfilled(owners, from);
            if decided != Backfilled::Written || contact.team_owners_from == Some(from) {
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
            // Masses of contacts leave Unassigned: nothing lingers. No claim moves.
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

    fn teams() -> impl Strategy<Value = Vec<TeamId>> {
        let team = (1..4u128).prop_map(|n| TeamId::from_uuid(Uuid::from_u128(n)));
        proptest::collection::vec(team, 0..3)
    }

    fn backfill(run: u128, row: u64) -> TeamOwnersFrom {
        TeamOwnersFrom::Backfill { run: RunId::from_uuid(Uuid::from_u128(run)), row }
    }

    fn mark() -> impl Strategy<Value = Option<TeamOwnersFrom>> {
        prop_oneof![
            Just(None),
            Just(Some(TeamOwnersFrom::People)),
            (0..2u128, 0..2u64).prop_map(|(run, row)| Some(backfill(run, row))),
        ]
    }

    proptest! {
        #[test]
        fn a_backfill_touches_only_what_nobody_or_a_backfill_set(
            owners in teams(), wanted in teams(), from in mark()
        ) {
            let mut contact = super::super::write_plan::tests::contact(1);
            contact.team_owner_ids.clone_from(&owners);
            contact.team_owners_from = from;
            let decided = contact.backfilled(&wanted, backfill(7, 7));
            let peoples = from == Some(TeamOwnersFrom::People)
                || (from.is_none() && !owners.is_empty());
            prop_assert_eq!(decided == Backfilled::Kept, peoples);
            if !peoples {
                prop_assert_eq!(decided == Backfilled::Unchanged, owners == wanted);
            }
        }
    }

    #[test]
    fn what_a_broken_off_chunk_wrote_counts_as_written_once_more() {
        let mut contact = super::super::write_plan::tests::contact(1);
        contact.team_owners_from = Some(backfill(7, 3));
        assert_eq!(contact.backfilled(&[], backfill(7, 3)), Backfilled::Written);
        assert_eq!(contact.backfilled(&[], backfill(7, 4)), Backfilled::Unchanged);
        assert_eq!(contact.backfilled(&[], backfill(8, 3)), Backfilled::Unchanged);
    }

    #[test]
    fn of_two_rows_of_one_run_the_last_one_counts_in_whatever_order_they_are_worked_off() {
        let mut contact = super::super::write_plan::tests::contact(1);
        contact.team_owners_from = Some(backfill(7, 120));
        let team = [TeamId::from_uuid(Uuid::from_u128(1))];
        assert_eq!(contact.backfilled(&team, backfill(7, 5)), Backfilled::Unchanged);
        assert_eq!(contact.backfilled(&team, backfill(7, 121)), Backfilled::Written);
        assert_eq!(contact.backfilled(&team, backfill(8, 5)), Backfilled::Written, "another run");
    }

    #[test]
    fn the_mark_is_stored_and_read_back() {
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
