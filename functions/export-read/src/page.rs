use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use shared::{
    entry::Failure,
    id::{JobId, parse_uuid},
};

const DEFAULT_LIMIT: i32 = 25;
const MAX_LIMIT: i32 = 100;

/// Which part of the list is wanted.
#[derive(Debug, PartialEq)]
pub(crate) struct PageRequest {
    pub(crate) limit: i32,
    pub(crate) after: Option<JobId>,
}

/// The page that the query's parameters ask for.
///
/// # Errors
/// 400 naming the parameter that is unknown or malformed.
pub(crate) fn parse(query: &[(String, String)]) -> Result<PageRequest, Failure> {
    let mut page = PageRequest { limit: DEFAULT_LIMIT, after: None };
    for (name, value) in query {
        match name.as_str() {
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                let wrong = || Failure::invalid("limit", "must be a number from 1 to 100");
                page.limit = limit.ok_or_else(wrong)?;
            }
            "cursor" if value.is_empty() => page.after = None,
            "cursor" => {
                let wrong = || Failure::invalid("cursor", "is none that this list gave");
                page.after = Some(position(value).ok_or_else(wrong)?);
            }
            _ => return Err(Failure::invalid(name, "is no parameter of this list")),
        }
    }
    Ok(page)
}

/// The cursor behind a job, opaque to clients.
pub(crate) fn cursor(after: JobId) -> String {
    URL_SAFE_NO_PAD.encode(after.to_string())
}

fn position(cursor: &str) -> Option<JobId> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    parse_uuid(&text).ok().map(JobId::from_uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_cursor_leads_back_to_its_job() {
        let job: JobId = "0190d1a2-7c3b-7abc-8def-0123456789ab".parse().unwrap();
        let page = parse(&query(&[("cursor", &cursor(job)), ("limit", "100")])).unwrap();
        assert_eq!(page, PageRequest { limit: 100, after: Some(job) });
        let first = parse(&query(&[("cursor", "")])).unwrap();
        assert_eq!(first, PageRequest { limit: 25, after: None });
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for (name, value) in
            [("limit", "0"), ("limit", "101"), ("limit", "x"), ("cursor", "!"), ("cursor", "YQ")]
        {
            assert!(parse(&query(&[(name, value)])).is_err(), "{name}={value}");
        }
        assert!(parse(&query(&[("status", "queued")])).is_err());
    }
}
