//! Due items: how the service stores work that must happen later.
//!
//! A due item is written in the transaction that creates the work, and is deleted when the work is
//! done. The clean-up processes the items whose time has passed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Action, DUE_SHARDS, Direction, DueLane, Item, Key, Query, Table, TableError, due_partition,
    from_item, to_item,
};
use crate::clock::sortable;

/// The kinds of work that a due item can contain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueKind {
    /// A queue message that may not have reached its queue yet.
    Message,
    /// A mention that must be verified again.
    Verification,
    /// The deadline of an export job.
    JobDeadline,
    /// The expiry of an export file, which is available for 48 hours.
    FileExpiry,
    /// Index entries of a contact that must be updated or deleted: after a write in stages, or when
    /// its stale pointers are no longer needed.
    Pointers,
    /// A step of the erasure of a deleted contact.
    Erasure,
}

impl DueKind {
    /// The partitions that contain the due items of this kind.
    fn lane(self) -> DueLane {
        match self {
            Self::Message
            | Self::Verification
            | Self::JobDeadline
            | Self::FileExpiry
            | Self::Pointers => DueLane::Prompt,
            Self::Erasure => DueLane::Erasure,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Verification => "verification",
            Self::JobDeadline => "job_deadline",
            Self::FileExpiry => "file_expiry",
            Self::Pointers => "pointers",
            Self::Erasure => "erasure",
        }
    }
}

/// Work that must be done at a certain time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Due {
    /// The kind of work.
    pub kind: DueKind,
    /// The time at which the work is due.
    pub at: Timestamp,
    /// Distinguishes the item from others of its kind at the same time.
    pub id: String,
    /// The data that the work needs, as JSON text.
    payload: String,
}

/// A due item that was read from the table.
#[derive(Clone, Debug)]
pub struct DueItem {
    /// The key of the item. Deleting the item marks the work as done.
    pub key: Key,
    /// The work itself.
    pub due: Due,
}

/// A page of due items.
#[derive(Debug, Default)]
pub struct DuePage {
    /// The items, in the order of their due times.
    pub items: Vec<DueItem>,
    /// The items that cannot be parsed, with the errors. They can be items of a kind that only a
    /// later version of the code knows.
    pub invalid: Vec<(Key, TableError)>,
    /// The key of the last item; the next page starts after it. `None` when there are no more
    /// items.
    pub last: Option<Key>,
}

impl Due {
    /// Creates work of this kind that is due at `at`. `id` and `at` together must be unique for the
    /// kind.
    ///
    /// # Errors
    /// [`TableError::Refused`] when the payload does not serialize.
    pub fn new(
        kind: DueKind,
        at: Timestamp,
        id: impl Into<String>,
        payload: &impl Serialize,
    ) -> Result<Self, TableError> {
        let payload = serde_json::to_string(payload)
            .map_err(|error| TableError::Refused(error.to_string()))?;
        Ok(Self { kind, at, id: id.into(), payload })
    }

    /// The key of the item.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::due(self.kind.lane(), self.at, self.kind.as_str(), &self.id)
    }

    /// Parses the data that the work needs.
    ///
    /// # Errors
    /// [`TableError::Shape`] when the payload is not valid for the type.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, TableError> {
        let wrong = |error: serde_json::Error| TableError::Shape(format!("{:?}", error.classify()));
        serde_json::from_str(&self.payload).map_err(wrong)
    }

    /// The item as it is stored.
    ///
    /// # Errors
    /// [`TableError::Shape`] when the item does not serialize.
    pub fn item(&self) -> Result<Item, TableError> {
        to_item(&self.key(), self)
    }

    /// The action that writes the item in a transaction.
    pub fn put(&self) -> Result<Action, TableError> {
        Ok(Action::Put(self.item()?, None))
    }

    /// The action that deletes the item in a transaction, which marks the work as done.
    #[must_use]
    pub fn delete(&self) -> Action {
        Action::Delete(self.key(), None)
    }
}

impl Table {
    /// Returns up to `limit` items of one shard of a lane that are due before `now`, starting after the item
    /// `after`.
    pub async fn due_before(
        &self,
        (lane, shard): (DueLane, u8),
        now: Timestamp,
        after: Option<&Key>,
        limit: i32,
    ) -> Result<DuePage, TableError> {
        let read = self
            .query(&Query {
                after: after.map(|key| key.sk.clone()),
                before: Some(sortable(now)),
                direction: Direction::Ascending,
                limit,
                consistent: true,
                ..Query::partition(due_partition(lane, shard % DUE_SHARDS))
            })
            .await?;
        let mut page = DuePage::default();
        for item in read.items {
            let Some(key) = Key::from_item(&item) else { continue };
            page.last = Some(key.clone());
            match from_item(item) {
                Ok(due) => page.items.push(DueItem { key, due }),
                Err(error) => page.invalid.push((key, error)),
            }
        }
        Ok(page)
    }

    /// Deletes a due item, which marks its work as done. Deleting an item twice is harmless.
    pub async fn complete_due(&self, key: &Key) -> Result<(), TableError> {
        self.client()
            .delete_item()
            .table_name(self.name())
            .set_key(Some(key.to_attributes()))
            .send()
            .await?;
        Ok(())
    }
}
