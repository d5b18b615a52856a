//! Parses the query parameters `limit` and `cursor` of lists, and encodes cursors.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Failure;

/// The number of records per page if the request has no `limit`.
pub const DEFAULT_LIMIT: usize = 25;
/// The maximum number of records per page. A list can have its own, smaller maximum.
pub const MAX_LIMIT: usize = 100;
/// The length of the longest cursor that is decoded, in bytes.
const MAX_CURSOR: usize = 1024;

/// The requested page of a list that has only the parameters `limit` and `cursor`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageRequest {
    /// The maximum number of records on the page, 1 to 100; 25 by default.
    pub limit: usize,
    /// The position after which the page starts, from the cursor of the previous page. `None` for
    /// the first page.
    pub after: Option<String>,
}

impl PageRequest {
    /// Parses the query parameters.
    ///
    /// # Errors
    /// 400 with the name of the parameter that is unknown, invalid or repeated.
    pub fn parse(query: &[(String, String)]) -> Result<Self, Failure> {
        let (mut limit, mut after) = (None, None);
        for (name, value) in query {
            match name.as_str() {
                "limit" => set_once(&mut limit, name, parse_limit(value, MAX_LIMIT)?)?,
                "cursor" => set_once(&mut after, name, parse_cursor(value, decode_position)?)?,
                _ => return Err(Failure::invalid(name, "unknown query parameter")),
            }
        }
        Ok(Self { limit: limit.unwrap_or(DEFAULT_LIMIT), after: after.flatten() })
    }
}

/// Sets the value of a parameter that may be given only once.
///
/// # Errors
/// 400 with the parameter's name if it already has a value.
pub fn set_once<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), Failure> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Failure::invalid(name, "must be given only once")),
    }
}

/// Parses `limit`, a number from 1 to `max`.
///
/// # Errors
/// 400 for any other value.
pub fn parse_limit(value: &str, max: usize) -> Result<usize, Failure> {
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let limit = value.parse().ok().filter(|limit| is_digits && (1..=max).contains(limit));
    limit.ok_or_else(|| Failure::invalid("limit", format_args!("must be a number from 1 to {max}")))
}

/// Parses `cursor` with `decode`. An empty cursor means the first page and returns `None`.
///
/// # Errors
/// 400 if `decode` returns `None`.
pub fn parse_cursor<T>(
    value: &str,
    decode: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Failure> {
    if value.is_empty() {
        return Ok(None);
    }
    decode(value).map(Some).ok_or_else(invalid_cursor)
}

/// The error for a cursor that this list did not create.
#[must_use]
pub fn invalid_cursor() -> Failure {
    Failure::invalid("cursor", "is not a valid cursor of this list")
}

/// Encodes a position as a cursor, which is opaque to clients.
#[must_use]
pub fn encode_cursor(position: &str) -> String {
    URL_SAFE_NO_PAD.encode(position)
}

fn decode_position(cursor: &str) -> Option<String> {
    let short = Some(cursor).filter(|cursor| cursor.len() <= MAX_CURSOR)?;
    String::from_utf8(URL_SAFE_NO_PAD.decode(short).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_cursor_is_decoded_to_its_position() {
        let page =
            PageRequest::parse(&query(&[("cursor", &encode_cursor("zoë")), ("limit", "100")]));
        assert_eq!(page.unwrap(), PageRequest { limit: 100, after: Some("zoë".to_owned()) });
        let first = PageRequest::parse(&query(&[("cursor", "")])).unwrap();
        assert_eq!(first, PageRequest { limit: 25, after: None });
    }

    #[test]
    fn a_repeated_parameter_is_refused() {
        for name in ["limit", "cursor"] {
            let twice = query(&[(name, if name == "limit" { "1" } else { "" }); 2]);
            let refused = PageRequest::parse(&twice).unwrap_err();
            assert_eq!(refused.message(), format!("{name}: must be given only once"));
        }
    }

    #[test]
    fn an_invalid_or_unknown_parameter_is_refused() {
        let long = encode_cursor(&"x".repeat(MAX_CURSOR));
        for (name, value) in [
            ("limit", "0"),
            ("limit", "101"),
            ("limit", "x"),
            ("limit", "+5"),
            ("limit", "٥"),
            ("cursor", "!"),
            ("cursor", "_w"),
            ("cursor", &long),
            ("status", "queued"),
        ] {
            assert!(PageRequest::parse(&query(&[(name, value)])).is_err(), "{name}={value}");
        }
    }
}
