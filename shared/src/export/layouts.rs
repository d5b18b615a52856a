//! Stores layouts in the table. Each layout has an item, and each company has one item with the
//! names of all its layouts. Both items are written in one transaction. The item with the names
//! keeps names unique, limits the number of layouts, and gives their order in lists.

use std::{collections::BTreeMap, ops::Bound};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::layout::{Layout, LayoutDraft};
use crate::{
    id::{CompanyId, LayoutId},
    identity::Viewer,
    table::{
        Action, Attempt, Condition, Key, Table, TableError, Transaction, from_item, retry, to_item,
    },
};

/// The maximum number of layouts of a company.
pub const MAX_LAYOUTS: usize = 200;

/// The layouts of a company in the table.
#[derive(Clone, Debug)]
pub struct Layouts {
    table: Table,
    company: CompanyId,
}

/// Why a layout was not stored or deleted.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// Another layout of the company already has the name.
    #[error("another layout of your company already has this name")]
    NameTaken,
    /// The company already has [`MAX_LAYOUTS`] layouts.
    #[error(
        "your company already has {MAX_LAYOUTS} layouts, the maximum; delete one before you create another"
    )]
    TooMany,
    /// The layout does not exist.
    #[error("the layout does not exist")]
    Missing,
    /// The user may not change or delete the layout.
    #[error(
        "only the user who created the layout, or a user who can see all contacts, can change or \
         delete it"
    )]
    NotAllowed,
    /// The call to the table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// One page of a company's layouts, ordered by name.
#[derive(Debug)]
pub struct LayoutPage {
    /// The layouts of the page.
    pub layouts: Vec<Layout>,
    /// The folded name after which the next page starts; `None` on the last page.
    pub next: Option<String>,
}

/// The folded names of a company's layouts, in order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Names {
    names: BTreeMap<String, LayoutId>,
    version: u64,
}

impl Names {
    /// Reserves a name for a layout. Fails if another layout has the name, or if the company has
    /// too many layouts.
    fn take(&mut self, name: String, id: LayoutId) -> Result<(), LayoutError> {
        if *self.names.entry(name).or_insert(id) != id {
            return Err(LayoutError::NameTaken);
        }
        if self.names.len() > MAX_LAYOUTS {
            return Err(LayoutError::TooMany);
        }
        Ok(())
    }

    /// The write action for the names. Its condition is that the names have not changed since they
    /// were read.
    fn put(mut self, company: &CompanyId) -> Result<Action, TableError> {
        let unchanged = match self.version {
            0 => Condition::Absent,
            version => Condition::Version(version),
        };
        self.version += 1;
        Ok(Action::Put(to_item(&Key::layout_names(company), &self)?, Some(unchanged)))
    }
}

impl Layouts {
    /// Creates a store for the layouts of this company.
    #[must_use]
    pub fn new(table: Table, company: CompanyId) -> Self {
        Self { table, company }
    }

    /// Reads a layout with a consistent read. `None` if it does not exist.
    pub async fn get(&self, id: LayoutId) -> Result<Option<Layout>, TableError> {
        self.table.get(&Key::layout(&self.company, id), true).await
    }

    /// Lists layouts ordered by name. The page starts after the folded name `after`.
    pub async fn list(&self, after: Option<&str>, limit: usize) -> Result<LayoutPage, TableError> {
        let names = self.names().await?.names;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = names.range::<str, _>((from, Bound::Unbounded));
        let page: Vec<_> = rest.by_ref().take(limit).collect();
        let next = page.last().map(|(name, _)| (*name).clone()).filter(|_| rest.next().is_some());
        let keys: Vec<_> = page.iter().map(|(_, id)| Key::layout(&self.company, **id)).collect();
        let mut items = self.table.batch_get(&keys, true).await?;
        // A layout that was deleted after the names were read is skipped.
        let found = keys.iter().filter_map(|key| items.remove(key));
        Ok(LayoutPage { layouts: found.map(from_item).collect::<Result<_, _>>()?, next })
    }

    /// Stores a new layout.
    pub async fn create(
        &self,
        draft: LayoutDraft,
        owner: &Viewer,
        now: Timestamp,
    ) -> Result<Layout, LayoutError> {
        let layout = draft.into_layout(owner, now);
        retry("the layouts", async || {
            let mut names = self.names().await?;
            names.take(layout.folded_name(), layout.id)?;
            let record = Action::Put(self.item(&layout)?, Some(Condition::Absent));
            self.write([record, names.put(&self.company)?]).await
        })
        .await?;
        Ok(layout)
    }

    /// Replaces the content of a layout. After concurrent changes, the last one is kept. `may`
    /// returns whether the caller may change the layout.
    pub async fn replace(
        &self,
        id: LayoutId,
        draft: &LayoutDraft,
        may: impl Fn(&Layout) -> bool,
        now: Timestamp,
    ) -> Result<Layout, LayoutError> {
        retry("the layouts", async || {
            let before = self.changeable(id, &may).await?;
            let after = draft.replace(&before, now);
            let unchanged = Some(Condition::Version(before.version));
            let mut actions = vec![Action::Put(self.item(&after)?, unchanged)];
            let (old, new) = (before.folded_name(), after.folded_name());
            if old != new {
                let mut names = self.names().await?;
                names.names.remove(&old);
                names.take(new, id)?;
                actions.push(names.put(&self.company)?);
            }
            Ok(self.write(actions).await?.map(|()| after))
        })
        .await
    }

    /// Deletes a layout. Exports that were already requested with it do not change.
    pub async fn delete(
        &self,
        id: LayoutId,
        may: impl Fn(&Layout) -> bool,
    ) -> Result<(), LayoutError> {
        retry("the layouts", async || {
            let layout = self.changeable(id, &may).await?;
            let unchanged = Some(Condition::Version(layout.version));
            let record = Action::Delete(Key::layout(&self.company, id), unchanged);
            let mut names = self.names().await?;
            names.names.remove(&layout.folded_name());
            self.write([record, names.put(&self.company)?]).await
        })
        .await
    }

    async fn changeable(
        &self,
        id: LayoutId,
        may: impl Fn(&Layout) -> bool,
    ) -> Result<Layout, LayoutError> {
        let layout = self.get(id).await?.ok_or(LayoutError::Missing)?;
        if may(&layout) { Ok(layout) } else { Err(LayoutError::NotAllowed) }
    }

    async fn names(&self) -> Result<Names, TableError> {
        let names: Option<Names> = self.table.get(&Key::layout_names(&self.company), true).await?;
        Ok(names.unwrap_or_default())
    }

    fn item(&self, layout: &Layout) -> Result<crate::table::Item, TableError> {
        to_item(&Key::layout(&self.company, layout.id), layout)
    }

    /// Executes all writes in one transaction.
    async fn write(
        &self,
        actions: impl IntoIterator<Item = Action>,
    ) -> Result<Attempt<()>, LayoutError> {
        let written = self.table.transact(Transaction::from_iter(actions)).await;
        Ok(Attempt::from_transaction(written)?)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> LayoutId {
        LayoutId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_name_is_one_layouts_and_there_are_200_at_most() {
        let mut names = Names::default();
        for number in 0..200 {
            names.take(format!("name {number}"), id(number)).unwrap();
        }
        assert!(matches!(names.take("name 1".into(), id(2)), Err(LayoutError::NameTaken)));
        assert!(names.take("name 1".into(), id(1)).is_ok());
        assert!(matches!(names.take("new".into(), id(200)), Err(LayoutError::TooMany)));
    }
}
