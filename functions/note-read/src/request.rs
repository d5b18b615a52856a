use shared::{
    entry::{
        Failure,
        page::{self, DEFAULT_LIMIT, MAX_LIMIT, set_once},
    },
    note::{MentionFormat, NoteCursor},
};

/// The parsed query parameters of a request for a page of notes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ListRequest {
    pub(crate) cursor: Option<NoteCursor>,
    pub(crate) limit: usize,
    pub(crate) format: MentionFormat,
}

/// Parses the query parameters of a request for a page of notes.
///
/// # Errors
/// 400 with the name of the parameter that is unknown, invalid or repeated.
pub(crate) fn list(query: &[(String, String)]) -> Result<ListRequest, Failure> {
    let (mut cursor, mut limit, mut format) = (None, None, None);
    for (name, value) in query {
        match name.as_str() {
            "cursor" => {
                set_once(&mut cursor, name, page::parse_cursor(value, NoteCursor::decode)?)?;
            }
            "limit" => set_once(&mut limit, name, page::parse_limit(value, MAX_LIMIT)?)?,
            "mention_format" => set_once(&mut format, name, MentionFormat::from_parameter(value)?)?,
            _ => return Err(Failure::invalid(name, "unknown query parameter")),
        }
    }
    Ok(ListRequest {
        cursor: cursor.flatten(),
        limit: limit.unwrap_or(DEFAULT_LIMIT),
        format: format.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use shared::entry::{Code, note::parse_mention_format};

    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_page_has_25_notes_in_the_web_format_by_default() {
        let default = list(&[]).unwrap();
        let expected = ListRequest { cursor: None, limit: 25, format: MentionFormat::Web };
        assert_eq!(default, expected);
        let mobile = list(&query(&[("limit", "100"), ("mention_format", "mobile")])).unwrap();
        assert_eq!((mobile.limit, mobile.format), (100, MentionFormat::Mobile));
        assert_eq!(
            parse_mention_format(&query(&[("mention_format", "mobile")])).unwrap(),
            MentionFormat::Mobile
        );
    }

    #[test]
    fn a_repeated_parameter_is_400_with_its_name() {
        for (name, value) in [("limit", "1"), ("cursor", ""), ("mention_format", "web")] {
            let failure = list(&query(&[(name, value); 2])).unwrap_err();
            assert_eq!(failure.message(), format!("{name}: must be given only once"));
        }
        assert!(parse_mention_format(&query(&[("mention_format", "web"); 2])).is_err());
    }

    #[test]
    fn an_unknown_or_invalid_parameter_is_400_with_its_name() {
        for (name, value) in [
            ("limit", "0"),
            ("limit", "101"),
            ("limit", "x"),
            ("cursor", "tampered"),
            ("mention_format", "desktop"),
            ("order_by", "name"),
        ] {
            let failure = list(&query(&[(name, value)])).unwrap_err();
            assert_eq!(failure.code(), Code::InvalidRequest, "{name}={value}");
            assert!(failure.message().starts_with(name), "{}", failure.message());
        }
        assert_eq!(
            parse_mention_format(&query(&[("limit", "1")])).unwrap_err().code(),
            Code::InvalidRequest
        );
    }
}
