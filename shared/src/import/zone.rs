//! The time zones in the names of this service's columns of times.

use jiff::tz::TimeZone;

use super::known::Known;
use crate::export::squash;

/// The time zone that the name of a column contains in parentheses.
pub(super) fn zone_in(header: &str) -> Option<TimeZone> {
    with_zone(header)?;
    let (_, rest) = header.split_once('(')?;
    TimeZone::get(rest.trim_end().strip_suffix(')')?.trim()).ok()
}

/// The name of a column, without the time zone that this service puts after the label of a time.
pub(super) fn without_zone(header: &str) -> String {
    match (with_zone(header), header.split_once('(')) {
        (Some(_), Some((name, _))) => name.trim_end().to_owned(),
        _ => header.to_owned(),
    }
}

/// This service's columns of times, whose names contain the time zone, as in
/// `Created at (Asia/Jakarta)`.
pub(super) fn with_zone(header: &str) -> Option<Known> {
    let (name, _) = header.split_once('(')?;
    let name = squash(name);
    let times = ["createdat", "dibuatpada", "updatedat", "diperbaruipada"];
    times.contains(&name.as_str()).then_some(Known::Ignored)
}
