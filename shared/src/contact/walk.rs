//! The merge that lists and exports read by.

use std::collections::VecDeque;

use futures::future::try_join_all;

use super::{Contacts, ListRequest, OrderBy, plan::Satellite};
use crate::{
    access::{Owned, Ownership},
    id::ContactId,
    table::{Direction, Key, NAME_KEY, Partition, Query, TableError, from_item},
};

/// The smallest refill of a partition's buffer.
const MIN_REFILL: usize = 5;
/// The largest.
const MAX_REFILL: usize = 1_000;

/// A contact's place in a partition.
#[derive(Clone, Debug)]
pub struct Pointer {
    /// The contact.
    pub id: ContactId,
    /// Its place in the order.
    pub position: String,
    satellite: Satellite,
}

impl Owned for Pointer {
    fn ownership(&self) -> Ownership<'_> {
        self.satellite.ownership()
    }
}

/// One partition being read: what of it is at hand, and whether there is more.
struct Source {
    pk: String,
    buffer: VecDeque<Pointer>,
    last: Option<String>,
    exhausted: bool,
}

/// Partitions, merged into one order without doubles. Only the pointers are read here.
pub struct Walk {
    contacts: Contacts,
    order: OrderBy,
    direction: Direction,
    sources: Vec<Source>,
    refill: usize,
    last: Option<ContactId>,
}

impl Walk {
    /// A walk over `partitions` from behind the request's cursor; about `page` pointers are wanted
    /// at a time.
    #[must_use]
    pub fn new(
        contacts: &Contacts,
        partitions: &[Partition],
        request: &ListRequest,
        page: usize,
    ) -> Self {
        let after = request.cursor.as_ref().map(|cursor| cursor.after.clone());
        let source = |partition: &Partition| Source {
            pk: partition.pk(&contacts.company),
            buffer: VecDeque::new(),
            last: after.clone(),
            exhausted: false,
        };
        // With one partition a page is one read; with many, each gives its share and a little
        // more, and only those that run dry are read again.
        let share = if partitions.len() == 1 {
            page + 1
        } else {
            page / partitions.len().max(1) + MIN_REFILL
        };
        Self {
            contacts: contacts.clone(),
            order: request.order,
            direction: request.direction,
            sources: partitions.iter().map(source).collect(),
            refill: share,
            last: None,
        }
    }

    /// The next contact's pointer in the order.
    ///
    /// # Errors
    /// As the table says.
    pub async fn next(&mut self) -> Result<Option<Pointer>, TableError> {
        loop {
            self.fill().await?;
            let heads = self.sources.iter().enumerate().filter_map(|(index, source)| {
                source.buffer.front().map(|pointer| (&pointer.position, index))
            });
            let first = match self.direction {
                Direction::Ascending => heads.min(),
                Direction::Descending => heads.max(),
            };
            let Some((_, index)) = first else { return Ok(None) };
            let Some(pointer) = self.sources[index].buffer.pop_front() else { return Ok(None) };
            if self.last != Some(pointer.id) {
                self.last = Some(pointer.id);
                return Ok(Some(pointer));
            }
        }
    }

    /// Reads on in every partition whose buffer ran dry, side by side.
    async fn fill(&mut self) -> Result<(), TableError> {
        let (contacts, order, direction) = (&self.contacts, self.order, self.direction);
        let limit = i32::try_from(self.refill.min(MAX_REFILL)).unwrap_or(i32::MAX);
        let dry = self.sources.iter_mut().filter(|s| s.buffer.is_empty() && !s.exhausted);
        let reads: Vec<_> =
            dry.map(|source| source.read(contacts, order, direction, limit)).collect();
        if !reads.is_empty() {
            try_join_all(reads).await?;
            // A partition that is read often holds much of the list.
            self.refill = (self.refill * 2).min(MAX_REFILL);
        }
        Ok(())
    }
}

impl Source {
    async fn read(
        &mut self,
        contacts: &Contacts,
        order: OrderBy,
        direction: Direction,
        limit: i32,
    ) -> Result<(), TableError> {
        let mut query = Query {
            by_name: order == OrderBy::Name,
            direction,
            limit,
            ..Query::partition(self.pk.clone())
        };
        match direction {
            Direction::Ascending => query.after = self.last.clone(),
            Direction::Descending => query.before = self.last.clone(),
        }
        let page = contacts.table.query(&query).await?;
        self.exhausted = !page.more;
        for item in page.items {
            let Some(key) = Key::of(&item) else { continue };
            let Ok(id) = key.sk.parse::<ContactId>() else { continue };
            let named = item.get(NAME_KEY).and_then(|value| value.as_s().ok()).cloned();
            let position = match order {
                OrderBy::CreatedAt => key.sk,
                OrderBy::Name => named.unwrap_or_default(),
            };
            self.last = Some(position.clone());
            self.buffer.push_back(Pointer { id, position, satellite: from_item(item)? });
        }
        Ok(())
    }
}
