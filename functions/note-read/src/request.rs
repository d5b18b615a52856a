use shared::{
    entry::{
        Failure,
        page::{self, DEFAULT_LIMIT, MAX_LIMIT, once},
    },
    note::{MentionFormat, NoteCursor},
};

/// What a list's parameters ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ListRequest {
    pub(crate) cursor: Option<NoteCursor>,
    pub(crate) limit: usize,
    pub(crate) format: MentionFormat,
}

/// The parameters of a list.
///
/// # Errors
/// 400 naming the parameter that is unknown, malformed or doubled.
pub(crate) fn list(query: &[(String, String)]) -> Result<ListRequest, Failure> {
    let (mut cursor, mut limit, mut format) = (None, None, None);
    for (name, value) in query {
        match name.as_str() {
            "cursor" => once(&mut cursor, name, page::begin(value, NoteCursor::decode)?)?,
            "limit" => once(&mut limit, name, page::limit(value, MAX_LIMIT)?)?,
            "mention_format" => once(&mut format, name, self::format(value)?)?,
            _ => return Err(unknown(name)),
        }
    }
    Ok(ListRequest {
        cursor: cursor.flatten(),
        limit: limit.unwrap_or(DEFAULT_LIMIT),
        format: format.unwrap_or_default(),
    })
}

/// The parameters of one note.
///
/// # Errors
/// 400 naming the parameter that is unknown, malformed or doubled.
pub(crate) fn one(query: &[(String, String)]) -> Result<MentionFormat, Failure> {
    let mut format = None;
    for (name, value) in query {
        match name.as_str() {
            "mention_format" => once(&mut format, name, self::format(value)?)?,
            _ => return Err(unknown(name)),
        }
    }
    Ok(format.unwrap_or_default())
}

fn unknown(name: &str) -> Failure {
    Failure::invalid(name, "unknown query parameter")
}

fn format(value: &str) -> Result<MentionFormat, Failure> {
    match value {
        "web" => Ok(MentionFormat::Web),
        "mobile" => Ok(MentionFormat::Mobile),
        _ => Err(Failure::invalid("mention_format", "must be web or mobile")),
    }
}

#[cfg(test)]
mod tests {
    use shared::entry::Code;

    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_page_has_25_notes_for_the_web_unless_asked_otherwise() {
        let plain = list(&[]).unwrap();
        let expected = ListRequest { cursor: None, limit: 25, format: MentionFormat::Web };
        assert_eq!(plain, expected);
        let asked = list(&query(&[("limit", "100"), ("mention_format", "mobile")])).unwrap();
        assert_eq!((asked.limit, asked.format), (100, MentionFormat::Mobile));
        assert_eq!(one(&query(&[("mention_format", "mobile")])).unwrap(), MentionFormat::Mobile);
    }

    #[test]
    fn a_doubled_parameter_is_400_naming_it() {
        for (name, value) in [("limit", "1"), ("cursor", ""), ("mention_format", "web")] {
            let failure = list(&query(&[(name, value); 2])).unwrap_err();
            assert_eq!(failure.message(), format!("{name}: must be given only once"));
        }
        assert!(one(&query(&[("mention_format", "web"); 2])).is_err());
    }

    #[test]
    fn an_unknown_or_malformed_parameter_is_400_naming_it() {
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
        assert_eq!(one(&query(&[("limit", "1")])).unwrap_err().code(), Code::InvalidRequest);
    }
}
