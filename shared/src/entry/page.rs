//! The pages of the lists whose only parameters are `limit` and `cursor`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Failure;

const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 100;
/// The longest cursor that is read, in bytes.
const MAX_CURSOR: usize = 1024;

/// Which part of a list is wanted.
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
    /// 400 naming the parameter that is unknown or malformed.
    pub fn parse(query: &[(String, String)]) -> Result<Self, Failure> {
        let mut page = Self { limit: DEFAULT_LIMIT, after: None };
        for (name, value) in query {
            match name.as_str() {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                    let wrong = || Failure::invalid("limit", "must be a number from 1 to 100");
                    page.limit = limit.ok_or_else(wrong)?;
                }
                "cursor" if value.is_empty() => page.after = None,
                "cursor" => page.after = Some(position(value).ok_or_else(foreign_cursor)?),
                _ => return Err(Failure::invalid(name, "is no parameter of this list")),
            }
        }
        Ok(page)
    }
}

/// The answer to a cursor that a list never gave.
#[must_use]
pub fn foreign_cursor() -> Failure {
    Failure::invalid("cursor", "is none that this list gave")
}

/// The cursor behind a position, opaque to clients.
#[must_use]
pub fn cursor(position: &str) -> String {
    URL_SAFE_NO_PAD.encode(position)
}

fn position(cursor: &str) -> Option<String> {
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
        let page = PageRequest::parse(&query(&[("cursor", &cursor("zoë")), ("limit", "100")]));
        assert_eq!(page.unwrap(), PageRequest { limit: 100, after: Some("zoë".to_owned()) });
        let first = PageRequest::parse(&query(&[("cursor", "")])).unwrap();
        assert_eq!(first, PageRequest { limit: 25, after: None });
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let long = cursor(&"x".repeat(MAX_CURSOR));
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
