use std::str::FromStr;

use shared::{
    contact::{Cursor, Filter, ListRequest, OrderBy},
    entry::Failure,
    table::Direction,
};

const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 100;

/// The list that the query's parameters ask for.
///
/// # Errors
/// 400 naming the parameter that is unknown or malformed.
pub(crate) fn parse(query: &[(String, String)]) -> Result<ListRequest, Failure> {
    let mut order = OrderBy::default();
    let mut direction = None;
    let mut limit = DEFAULT_LIMIT;
    let mut cursor = None;
    let mut filter = Filter::default();
    for (name, value) in query {
        match name.as_str() {
            "order_by" => order = order_by(value)?,
            "direction" => direction = Some(self::direction(value)?),
            "limit" => limit = self::limit(value)?,
            "cursor" => cursor = Some(value.as_str()),
            "owner_id" => filter.owner_id.push(parsed(name, value)?),
            "assignee_id" => filter.assignee_id.push(parsed(name, value)?),
            "team_owner_ids" => filter.team_owner_ids.push(parsed(name, value)?),
            "tags" => filter.tags.push(value.clone()),
            "source" => filter.source.push(value.clone()),
            "created_from" => filter.created_from = Some(parsed(name, value)?),
            "created_to" => filter.created_to = Some(parsed(name, value)?),
            _ => return Err(Failure::invalid(name, "is no parameter of this list")),
        }
    }
    let newest_first = match order {
        OrderBy::CreatedAt => Direction::Descending,
        OrderBy::Name => Direction::Ascending,
    };
    let cursor = cursor.filter(|text| !text.is_empty()).map(|text| {
        Cursor::decode(text, order)
            .ok_or_else(|| Failure::invalid("cursor", "is none that this list gave"))
    });
    Ok(ListRequest {
        order,
        direction: direction.unwrap_or(newest_first),
        limit,
        cursor: cursor.transpose()?,
        filter,
    })
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

fn limit(value: &str) -> Result<usize, Failure> {
    let within = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    within.ok_or_else(|| Failure::invalid("limit", "must be a number from 1 to 100"))
}

fn parsed<T: FromStr>(name: &str, value: &str) -> Result<T, Failure> {
    value.parse().map_err(|_| Failure::invalid(name, "is malformed"))
}
