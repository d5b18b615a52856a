//! Which part of a list a query's parameters ask for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Failure;

/// The records of a page where nobody asks for another number.
pub const DEFAULT_LIMIT: usize = 25;
/// The most records of a page, unless a list has a smaller number of its own.
pub const MAX_LIMIT: usize = 100;
/// The longest cursor that is read, in bytes.
const MAX_CURSOR: usize = 1024;

/// Which part of a list is wanted whose only parameters are `limit` and `cursor`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageRequest {
    /// The most records, 1 to 100, by default 25.
    pub limit: usize,
    /// The position behind which the page begins, as the list itself once put it.
    pub after: Option<String>,
}

impl PageRequest {
    /// The page that the query's parameters ask for.
    ///
    /// # Errors
    /// 400 naming the parameter that is unknown, malformed or doubled.
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

/// Takes the value of a parameter that is given once at most.
///
/// # Errors
/// 400 naming the parameter, if there is a value already.
pub fn set_once<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), Failure> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Failure::invalid(name, "must be given only once")),
    }
}

/// The most records that `limit` asks for: 1 to `most`.
///
/// # Errors
/// 400 for anything else.
pub fn parse_limit(value: &str, max: usize) -> Result<usize, Failure> {
    let within = value.parse().ok().filter(|limit| (1..=most).contains(limit));
    within
        .ok_or_else(|| Failure::invalid("limit", format_args!("must be a number from 1 to {most}")))
}

/// Where `cursor` says that a page begins, read by `decode`; an empty one is the list's beginning.
///
/// # Errors
/// 400 for a text that `decode` makes nothing of.
pub fn parse_cursor<T>(value: &str, decode: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Failure> {
    if value.is_empty() {
        return Ok(None);
    }
    decode(value).map(Some).ok_or_else(invalid_cursor)
}

/// The answer to a cursor that a list never gave.
#[must_use]
pub fn invalid_cursor() -> Failure {
    Failure::invalid("cursor", "is not a valid cursor of this list")
}

/// The cursor behind a position, opaque to clients.
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
    fn a_cursor_leads_back_to_its_position() {
        let page = PageRequest::parse(&query(&[("cursor", &encode_cursor("zoë")), ("limit", "100")]));
        assert_eq!(page.unwrap(), PageRequest { limit: 100, after: Some("zoë".to_owned()) });
        let first = PageRequest::parse(&query(&[("cursor", "")])).unwrap();
        assert_eq!(first, PageRequest { limit: 25, after: None });
    }

    #[test]
    fn what_is_doubled_is_refused() {
        for name in ["limit", "cursor"] {
            let twice = query(&[(name, if name == "limit" { "1" } else { "" }); 2]);
            let refused = PageRequest::parse(&twice).unwrap_err();
            assert_eq!(refused.message(), format!("{name}: must be given only once"));
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let long = encode_cursor(&"x".repeat(MAX_CURSOR));
        for (name, value) in [
            ("limit", "0"),
            ("limit", "101"),
            ("limit", "x"),
            ("cursor", "!"),
            ("cursor", "_w"),
            ("cursor", &long),
            ("status", "queued"),
        ] {
            assert!(PageRequest::parse(&query(&[(name, value)])).is_err(), "{name}={value}");
        }
    }
}
