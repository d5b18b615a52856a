use std::str::FromStr;

use shared::{
    contact::{Cursor, CursorKey, Filter, OrderBy, SearchText, View},
    entry::{
        Failure,
        page::{self, DEFAULT_LIMIT, MAX_LIMIT, set_once},
    },
    table::Direction,
};

/// The prefix of query parameters for custom fields.
const CUSTOM: &str = "custom.";
/// The error text for an id that is not valid.
const UUID: &str = "must be a UUID";
/// The error text for a time that is not valid.
const TIME: &str = "must be an RFC 3339 time, such as 2026-01-01T00:00:00Z";

/// The parsed parameters of a list request.
#[derive(Debug)]
pub(crate) struct ListQuery {
    pub(crate) filter: Filter,
    pub(crate) order: OrderBy,
    pub(crate) direction: Direction,
    pub(crate) limit: usize,
    pub(crate) cursor: Option<Cursor>,
}

/// Parses the query parameters of a list request.
///
/// # Errors
/// 400 with the name of a parameter that is unknown, malformed, repeated, or has too many values.
pub(crate) fn parse(query: &[(String, String)], key: &CursorKey) -> Result<ListQuery, Failure> {
    let mut filter = Filter::default();
    let (mut order, mut direction, mut limit, mut cursor) = (None, None, None, None);
    for (name, value) in query {
        match name.as_str() {
            "order_by" => set_once(&mut order, name, order_by(value)?)?,
            "direction" => set_once(&mut direction, name, self::direction(value)?)?,
            "limit" => set_once(&mut limit, name, page::parse_limit(value, MAX_LIMIT)?)?,
            "cursor" => set_once(&mut cursor, name, value.as_str())?,
            "q" => set_once(&mut filter.q, name, q(value)?)?,
            "view" => set_once(&mut filter.view, name, view(value)?)?,
            "owner_id" => filter.owner_id.push(parsed(name, value, UUID)?),
            "assignee_id" => filter.assignee_id.push(parsed(name, value, UUID)?),
            "team_owner_ids" => filter.team_owner_ids.push(parsed(name, value, UUID)?),
            "tags" => filter.tags.push(value.clone()),
            "source" => filter.source.push(value.clone()),
            "created_from" => set_once(&mut filter.created_from, name, parsed(name, value, TIME)?)?,
            "created_to" => set_once(&mut filter.created_to, name, parsed(name, value, TIME)?)?,
            "updated_from" => set_once(&mut filter.updated_from, name, parsed(name, value, TIME)?)?,
            "updated_to" => set_once(&mut filter.updated_to, name, parsed(name, value, TIME)?)?,
            other => match other.strip_prefix(CUSTOM).filter(|key| !key.is_empty()) {
                Some(key) => {
                    filter.custom.entry(key.to_owned()).or_default().push(value.clone());
                }
                None => return Err(Failure::invalid(name, "unknown query parameter")),
            },
        }
    }
    filter.check().map_err(|error| Failure::invalid(error.field, error.reason))?;
    let (order, direction) = ordered(&filter, order, direction)?;
    Ok(ListQuery {
        filter,
        order,
        direction,
        limit: limit.unwrap_or(DEFAULT_LIMIT),
        cursor: page::parse_cursor(cursor.unwrap_or_default(), |text| {
            Cursor::decode(text, order, key)
        })?,
    })
}

/// Sets the order of the list. By default, the list is ordered by creation time, newest first. An
/// order by name is ascending. Search results are in the order of the search words by which they are
/// found.
fn ordered(
    filter: &Filter,
    order: Option<OrderBy>,
    direction: Option<Direction>,
) -> Result<(OrderBy, Direction), Failure> {
    if filter.q.is_some() {
        let given = [("order_by", order.is_some()), ("direction", direction.is_some())];
        if let Some((name, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
            let reason = "cannot be combined with q, because search results have a fixed order";
            return Err(Failure::invalid(name, reason));
        }
        return Ok((OrderBy::Match, Direction::Ascending));
    }
    let order = order.unwrap_or_default();
    let default = match order {
        OrderBy::CreatedAt => Direction::Descending,
        OrderBy::Name | OrderBy::Match => Direction::Ascending,
    };
    Ok((order, direction.unwrap_or(default)))
}

fn order_by(value: &str) -> Result<OrderBy, Failure> {
    match value {
        "created_at" => Ok(OrderBy::CreatedAt),
        "name" => Ok(OrderBy::Name),
        _ => Err(Failure::invalid("order_by", "must be created_at or name")),
    }
}

fn direction(value: &str) -> Result<Direction, Failure> {
    match value {
        "asc" => Ok(Direction::Ascending),
        "desc" => Ok(Direction::Descending),
        _ => Err(Failure::invalid("direction", "must be asc or desc")),
    }
}

fn view(value: &str) -> Result<View, Failure> {
    match value {
        "owned-by-me" => Ok(View::OwnedByMe),
        "assigned-to-me" => Ok(View::AssignedToMe),
        "teams" => Ok(View::Teams),
        _ => Err(Failure::invalid("view", "must be owned-by-me, assigned-to-me, teams or deleted")),
    }
}

fn q(value: &str) -> Result<SearchText, Failure> {
    SearchText::try_from(value.to_owned()).map_err(|error| Failure::invalid("q", error))
}

fn parsed<T: FromStr>(name: &str, value: &str, expected: &str) -> Result<T, Failure> {
    value.parse().map_err(|_| Failure::invalid(name, expected))
}
