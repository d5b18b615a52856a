use shared::{
    entry::Failure,
    note::{MentionFormat, NoteCursor},
};

const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 100;

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
/// 400 naming the parameter that is unknown or malformed.
pub(crate) fn list(query: &[(String, String)]) -> Result<ListRequest, Failure> {
    let (mut cursor, mut limit, mut format) = (None, DEFAULT_LIMIT, MentionFormat::default());
    for (name, value) in query {
        match name.as_str() {
            "cursor" if value.is_empty() => cursor = None,
            "cursor" => cursor = Some(self::cursor(value)?),
            "limit" => limit = self::limit(value)?,
            "mention_format" => format = self::format(value)?,
            _ => return Err(unknown(name)),
        }
    }
    Ok(ListRequest { cursor, limit, format })
}

/// The parameters of one note.
///
/// # Errors
/// 400 naming the parameter that is unknown or malformed.
pub(crate) fn one(query: &[(String, String)]) -> Result<MentionFormat, Failure> {
    query.iter().try_fold(MentionFormat::default(), |_, (name, value)| match name.as_str() {
        "mention_format" => format(value),
        _ => Err(unknown(name)),
    })
}

fn unknown(name: &str) -> Failure {
    Failure::invalid(name, "is no parameter of this route")
}

fn cursor(value: &str) -> Result<NoteCursor, Failure> {
    NoteCursor::decode(value)
        .ok_or_else(|| Failure::invalid("cursor", "is none that this list gave"))
}

fn limit(value: &str) -> Result<usize, Failure> {
    let within = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    within.ok_or_else(|| Failure::invalid("limit", "must be a number from 1 to 100"))
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
