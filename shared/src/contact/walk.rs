//! The merge that lists and exports read by.

use std::collections::VecDeque;

use futures::future::try_join_all;

use super::{Contacts, Filter, ListRequest, OrderBy, plan::Satellite};
use crate::{
    access::Scope,
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
    /// What the same contact's pointers in other partitions say.
    others: Vec<Satellite>,
}

impl Pointer {
    /// Whether the contact can be in scope and wanted, by what any of its pointers says. They are
    /// read at slightly different moments, and some may linger where the contact was before: a
    /// contact that one of them admits is worth reading, and its record decides.
    #[must_use]
    pub fn is_wanted(&self, scope: &Scope, filter: &Filter) -> bool {
        let mut satellites = std::iter::once(&self.satellite).chain(&self.others);
        satellites.any(|satellite| scope.admits(satellite) && filter.wants_owned(satellite))
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
        }
    }

    /// The next contact's pointers in the order.
    ///
    /// # Errors
    /// As the table says.
    pub async fn next(&mut self) -> Result<Option<Pointer>, TableError> {
        self.fill().await?;
        let heads = self.sources.iter().filter_map(|source| source.buffer.front());
        let positions = heads.map(|pointer| &pointer.position);
        let first = match self.direction {
            Direction::Ascending => positions.min(),
            Direction::Descending => positions.max(),
        };
        let Some(first) = first.cloned() else { return Ok(None) };
        // A position names its contact: the same one at the head of several partitions is a double.
        let doubles = self
            .sources
            .iter_mut()
            .filter_map(|source| source.buffer.pop_front_if(|pointer| pointer.position == first));
        let mut pointers = doubles.collect::<Vec<_>>().into_iter();
        let next = pointers.next().map(|mut next| {
            next.others.extend(pointers.map(|double| double.satellite));
            next
        });
        Ok(next)
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
            let satellite = from_item(item)?;
            self.buffer.push_back(Pointer { id, position, satellite, others: Vec::new() });
        }
        Ok(())
    }
}
