use super::{Criteria, Cursor, OrderBy};
use crate::table::Direction;

/// A request for one page of a list.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// The order of the contacts.
    pub order: OrderBy,
    /// Whether the order is ascending or descending.
    pub direction: Direction,
    /// The maximum number of contacts on the page, from 1 to 100.
    pub limit: usize,
    /// The end of the previous page; `None` for the first page.
    pub cursor: Option<Cursor>,
    /// The criteria that a contact in scope must match to be in the list.
    pub criteria: Criteria,
}

impl ListRequest {
    /// Creates a request for the first page of all matching contacts. A search is in the order of
    /// the search words that matched; any other list starts with the newest contact.
    #[must_use]
    pub fn first_page(criteria: Criteria, limit: usize) -> Self {
        let (order, direction) = match criteria.is_search() {
            true => (OrderBy::Match, Direction::Ascending),
            false => (OrderBy::CreatedAt, Direction::Descending),
        };
        Self { order, direction, limit, cursor: None, criteria }
    }
}
