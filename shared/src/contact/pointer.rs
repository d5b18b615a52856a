use super::index_entry::IndexEntry;
use crate::id::ContactId;

/// An index entry of a contact that a list has read, with the contact's position and its owners.
#[derive(Clone, Debug)]
pub struct Pointer {
    /// The id of the contact.
    pub id: ContactId,
    /// The contact's position in the order of the list. It is the sort key of the index entry in
    /// that order.
    pub position: String,
    entry: IndexEntry,
    /// The entries of the same contact in other partitions.
    others: Vec<IndexEntry>,
}

impl Pointer {
    /// Creates a pointer from one index entry.
    pub(super) fn new(id: ContactId, position: String, entry: IndexEntry) -> Self {
        Self { id, position, entry, others: Vec::new() }
    }

    /// Adds the index entries of the same contact that were read from other partitions.
    pub(super) fn merge(&mut self, duplicates: impl Iterator<Item = Self>) {
        self.others.extend(duplicates.map(|duplicate| duplicate.entry));
    }

    /// Returns all index entries of the contact that the list has read. They were read at slightly
    /// different moments.
    pub(super) fn entries(&self) -> impl Iterator<Item = &IndexEntry> {
        std::iter::once(&self.entry).chain(&self.others)
    }

    /// The previous search word of the same contact in the same partition of words; `None` for the
    /// first one.
    pub(super) fn word_before(&self) -> Option<&str> {
        self.entry.word_before.as_deref()
    }
}
