//! Due items: the one mechanism for everything that must happen later.
//!
//! One is written in the transaction that creates the need, and deleted by whoever meets it; the
//! clean-up works off what is left past its time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Action, DUE_SHARDS, Direction, Key, Query, Table, TableError, due_partition, from_item, to_item,
};
use crate::clock::sortable;

/// What is due.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueKind {
    /// A queue message that is not yet known to have arrived.
    Message,
    /// A mention to verify again.
    Verification,
    /// The deadline of an export job.
    JobDeadline,
    /// The end of an export file's 48 hours.
    FileExpiry,
    /// Pointers of a contact to put in order after a change in stages.
    Pointers,
}

impl DueKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Verification => "verification",
            Self::JobDeadline => "job_deadline",
            Self::FileExpiry => "file_expiry",
            Self::Pointers => "pointers",
        }
    }
}

/// Something to be done at a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Due {
    /// What.
    pub kind: DueKind,
    /// When.
    pub at: Timestamp,
    /// Names it apart from others of its kind.
    pub id: String,
    /// What the one who does it must know, as JSON text.
    payload: String,
}

/// A due item as it was read.
#[derive(Clone, Debug)]
pub struct DueItem {
    /// Where it stands; deleting it says that it is met.
    pub key: Key,
    /// What is due.
    pub due: Due,
}

/// A page of due items.
#[derive(Clone, Debug, Default)]
pub struct DuePage {
    /// The items, the longest due first.
    pub items: Vec<DueItem>,
    /// Where items stand that cannot be read, such as one of a kind that only a later version knows.
    pub unreadable: Vec<Key>,
    /// The last item, from behind which the next page begins; `None` when there are no more.
    pub last: Option<Key>,
}

impl Due {
    /// Something due at `at`; `id` and `at` together must be unique for the kind.
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

    /// Where the item stands.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::due(self.at, self.kind.as_str(), &self.id)
    }

    /// The payload.
    ///
    /// # Errors
    /// [`TableError::Shape`] when it does not fit the type.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, TableError> {
        let wrong = |error: serde_json::Error| TableError::Shape(format!("{:?}", error.classify()));
        serde_json::from_str(&self.payload).map_err(wrong)
    }

    /// The action that writes it.
    ///
    /// # Errors
    /// As [`to_item`].
    pub fn put(&self) -> Result<Action, TableError> {
        Ok(Action::Put(to_item(&self.key(), self)?, None))
    }

    /// The action that says it is met.
    #[must_use]
    pub fn delete(&self) -> Action {
        Action::Delete(self.key(), None)
    }
}

impl Table {
    /// Up to `limit` items of one shard that are due before `now`, from behind the item `after`.
    ///
    /// # Errors
    /// As the table says.
    pub async fn due_before(
        &self,
        shard: u8,
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
                ..Query::partition(due_partition(shard % DUE_SHARDS))
            })
            .await?;
        let mut page = DuePage::default();
        for item in read.items {
            let Some(key) = Key::of(&item) else { continue };
            page.last = Some(key.clone());
            match from_item(item) {
                Ok(due) => page.items.push(DueItem { key, due }),
                Err(_) => page.unreadable.push(key),
            }
        }
        Ok(page)
    }

    /// Says that a due item is met. Doing so twice is harmless.
    ///
    /// # Errors
    /// As the table says.
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
