//! The rules of deletion (SPEC §2, "Retention"): for how long a deleted contact can be restored, and
//! which items a deleted contact has in the table instead of its index entries.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Contact;
use crate::{
    id::{CompanyId, ContactId},
    table::{Due, DueKind, Item, Key, TableError},
};

/// The longest retention that can be configured, in days.
const MAX_DAYS: u32 = 36_500;

/// For how long deleted contacts are kept. A change applies to later deletions only, because the
/// end of the retention is fixed at the deletion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    days: u32,
}

/// The reason why a number of days is not a valid retention.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a number of days from 0 to {MAX_DAYS}")]
pub struct RetentionError;

impl std::str::FromStr for Retention {
    type Err = RetentionError;

    fn from_str(text: &str) -> Result<Self, RetentionError> {
        let days = text.parse().ok().filter(|days| *days <= MAX_DAYS);
        days.map(|days| Self { days }).ok_or(RetentionError)
    }
}

impl Default for Retention {
    /// 30 days.
    fn default() -> Self {
        Self { days: 30 }
    }
}

impl Retention {
    /// The time from which a contact that is deleted at `at` can no longer be restored and is
    /// erased. `None` if deleted contacts are kept forever, which is the meaning of 0 days.
    fn end(self, at: Timestamp) -> Option<Timestamp> {
        let length = SignedDuration::from_hours(24 * i64::from(self.days));
        (self.days > 0).then(|| at.checked_add(length).unwrap_or(Timestamp::MAX))
    }
}

impl Contact {
    /// Whether the contact is deleted and can still be restored at the time `now`.
    #[must_use]
    pub fn is_restorable(&self, now: Timestamp) -> bool {
        !self.is_live()
            && self.erased_at.is_none()
            && self.erased_after.is_none_or(|after| now < after)
    }

    /// The contact after its deletion at the time `now`.
    pub(super) fn deleted(&self, retention: Retention, now: Timestamp) -> Self {
        Self {
            deleted_at: Some(now),
            erased_after: retention.end(now),
            updated_at: now,
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// The contact after its restoration at the time `now`.
    pub(super) fn restored(&self, now: Timestamp) -> Self {
        Self {
            deleted_at: None,
            erased_after: None,
            updated_at: now,
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// The tombstone of the contact: a record without personal data that shows until the end of the
    /// erasure that the contact is gone. It has a record's required fields only.
    pub(super) fn tombstone(&self, now: Timestamp) -> Self {
        Self {
            updated_at: now,
            version: self.version + 1,
            deleted_at: Some(self.deleted_at.unwrap_or(now)),
            erased_at: Some(now),
            ..Self::new(self.id, self.created_at)
        }
    }
}

/// The payload of a due item of the kind [`DueKind::Erasure`]. It contains ids only.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Erasure {
    pub(super) company: CompanyId,
    pub(super) contact: ContactId,
    pub(super) step: ErasureStep,
}

/// The steps of an erasure. Each can be repeated after a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErasureStep {
    /// The retention has ended: the record becomes a tombstone.
    Tombstone,
    /// The notes and their ledger entries are deleted.
    Sweep,
    /// What a note write that had read the contact before the tombstone has left is deleted, and
    /// then the tombstone.
    LastSweep,
}

impl Erasure {
    /// The due item that makes the clean-up perform this step at the time `at`.
    pub(super) fn due(&self, at: Timestamp) -> Result<Due, TableError> {
        Due::new(DueKind::Erasure, at, format!("{}#{}", self.company, self.contact), self)
    }
}

/// The items that a deleted contact has in addition to its record: the pointer in the list of
/// deleted contacts and the due item for the end of the retention. A tombstone has the due item of
/// the sweep only. A pointer contains nothing but its key, and the guard checks the record.
pub(super) fn items(
    company: &CompanyId,
    contact: &Contact,
) -> Result<BTreeMap<Key, Item>, TableError> {
    let mut items = BTreeMap::new();
    let erasure = |step| Erasure { company: company.clone(), contact: contact.id, step };
    let mut put_due = |due: Due| -> Result<(), TableError> {
        items.insert(due.key(), due.item()?);
        Ok(())
    };
    if let Some(at) = contact.erased_at {
        put_due(erasure(ErasureStep::Sweep).due(at)?)?;
        return Ok(items);
    }
    if let Some(at) = contact.erased_after {
        put_due(erasure(ErasureStep::Tombstone).due(at)?)?;
    }
    if let Some(at) = contact.deleted_at {
        let key = Key::deleted(company, at, contact.id);
        items.insert(key.clone(), key.to_attributes());
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-31T12:00:00Z".parse().unwrap()
    }

    fn contact() -> Contact {
        super::super::write_plan::tests::contact(1)
    }

    fn days(text: &str) -> Result<Retention, RetentionError> {
        text.parse()
    }

    #[test]
    fn the_end_of_the_retention_is_fixed_at_the_deletion() {
        let deleted = contact().deleted(days("30").unwrap(), now());
        assert_eq!(deleted.erased_after, Some("2026-03-02T12:00:00Z".parse().unwrap()));
        let end = deleted.erased_after.unwrap();
        assert!(deleted.is_restorable(end - SignedDuration::from_millis(1)));
        assert!(!deleted.is_restorable(end));
    }

    #[test]
    fn zero_days_keep_a_deleted_contact_forever() {
        let deleted = contact().deleted(days("0").unwrap(), now());
        assert_eq!(deleted.erased_after, None);
        assert!(deleted.is_restorable(Timestamp::MAX));
        let items = items(&"acme".parse().unwrap(), &deleted).unwrap();
        assert_eq!(items.len(), 1, "there is no due item: {items:?}");
    }

    #[test]
    fn a_retention_is_a_whole_number_of_days() {
        for wrong in ["", "-1", "1.5", "36501", "30 days"] {
            assert_eq!(days(wrong), Err(RetentionError), "{wrong}");
        }
        assert_eq!(days("30").unwrap(), Retention::default());
    }

    #[test]
    fn a_tombstone_has_no_field_of_the_contact_except_its_id_and_times() {
        let stone = contact().deleted(Retention::default(), now()).tombstone(now());
        let stored = serde_json::to_value(&stone).unwrap();
        let kept: Vec<&str> = stored
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| *value != &serde_json::json!([]) && *value != "{}")
            .map(|(name, _)| name.as_str())
            .collect();
        let expected = ["created_at", "deleted_at", "erased_at", "id", "updated_at", "version"];
        let mut kept = kept;
        kept.sort_unstable();
        assert_eq!(kept, expected);
        assert!(!stone.is_restorable(now()) && !stone.is_live());
    }
}
