use super::{Criteria, Cursor, OrderBy};
use crate::table::Direction;

/// A request for one page.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// The order of the contacts.
    pub order: OrderBy,
    /// Whether the order is ascending or descending.
    pub direction: Direction,
    /// The most contacts of the page, 1 to 100.
    pub limit: usize,
    /// The end of the previous page; `None` for the first page.
    pub cursor: Option<Cursor>,
    /// The contacts that the list contains, if they are in scope.
    pub criteria: Criteria,
}

impl ListRequest {
    /// A request for the first page of all matching contacts: a search in the order of matches, any
    /// other list with the newest contacts first.
    #[must_use]
    pub fn first_page(criteria: Criteria, limit: usize) -> Self {
        let (order, direction) = match criteria.is_search() {
            true => (OrderBy::Match, Direction::Ascending),
            false => (OrderBy::CreatedAt, Direction::Descending),
        };
        Self { order, direction, limit, cursor: None, criteria }
    }
}
