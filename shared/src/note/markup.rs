//! Reads and writes HTML in the form that html5ever's serializer writes.
//!
//! The sanitizer's output has this form: names in lower case, attributes in double quotes,
//! `&amp; &nbsp; &lt; &gt; &quot;` as the only character references, and every element closed. So
//! a few lines of code can parse it exactly and with byte ranges, several times faster than a
//! general tokenizer. Any other markup (a comment, an unquoted attribute, a single `<`) is [`Token::Other`]
//! and is not parsed further.

use std::{borrow::Cow, ops::Range};

use crate::invisible::is_invisible;

/// One token of serialized markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Character data, still escaped; never empty.
    Text(&'a str),
    /// A start tag: its name, and its attributes as written.
    Start(&'a str, &'a str),
    /// An end tag.
    End(&'a str),
    /// The rest of the input, if it is not in serialized form.
    Other,
}

impl<'a> Token<'a> {
    /// The token without its attributes and its text. They do not change how a parser nests
    /// elements.
    fn shape(self) -> Self {
        match self {
            Token::Text(_) => Token::Text(""),
            Token::Start(name, _) => Token::Start(name, ""),
            other => other,
        }
    }
}

/// Iterates over the tokens of `html` and their byte ranges.
pub(super) fn tokens(html: &str) -> impl Iterator<Item = (Range<usize>, Token<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = html.get(at..).filter(|rest| !rest.is_empty())?;
        let (token, length) = if rest.starts_with('<') {
            read_tag(rest).unwrap_or((Token::Other, rest.len()))
        } else {
            let length = rest.find('<').unwrap_or(rest.len());
            (Token::Text(&rest[..length]), length)
        };
        let range = at..at + length;
        at += length;
        Some((range, token))
    })
}

/// Whether both texts have the same sequence of tags and text tokens. `sanitized` must be a
/// serializer's output; `source` may be any text.
///
/// If the result is true, parsing `sanitized` again does not change it: the parser has kept all
/// tags in their order, and would do the same again, because neither attributes nor the content of
/// text tokens change how the allowed elements are nested.
pub(super) fn same_shape(source: &str, sanitized: &str) -> bool {
    tokens(sanitized)
        .map(|(_, token)| (token != Token::Other).then_some(token.shape()))
        .eq(tokens(source).map(|(_, token)| Some(token.shape())))
}

fn read_tag(rest: &str) -> Option<(Token<'_>, usize)> {
    let (closing, body) = match rest.strip_prefix("</") {
        Some(body) => (true, body),
        None => (false, rest.strip_prefix('<')?),
    };
    let name = &body[..word_length(body)];
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return None;
    }
    let tail = &body[name.len()..];
    let attributes = &tail[..attributes_length(tail)?];
    let end = if tail[attributes.len()..].starts_with('/') { "/>" } else { ">" };
    let length = rest.len() - tail.len() + attributes.len() + end.len();
    match closing {
        false => Some((Token::Start(name, attributes), length)),
        true if attributes.is_empty() && end == ">" => Some((Token::End(name), length)),
        true => None,
    }
}

/// The length in bytes of the lower-case name that `text` begins with.
fn word_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
        .unwrap_or(text.len())
}

fn attributes_length(tail: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = &tail[at..];
        let space = rest.len() - rest.trim_ascii_start().len();
        let rest = &rest[space..];
        if rest.starts_with('>') || rest.starts_with("/>") {
            return Some(at + space);
        }
        let (_, _, length) = read_attribute(rest).filter(|_| space > 0)?;
        at += space + length;
    }
}

/// Parses `name="value"` or `name`. Returns the name, the escaped value and the total length.
fn read_attribute(rest: &str) -> Option<(&str, &str, usize)> {
    let name = &rest[..word_length(rest)];
    let tail = &rest[name.len()..];
    if name.is_empty() {
        return None;
    }
    if let Some(quoted) = tail.strip_prefix("=\"") {
        let value = &quoted[..quoted.find('"')?];
        return Some((name, value, name.len() + value.len() + 3));
    }
    let ends = tail.starts_with(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/');
    ends.then_some((name, "", name.len()))
}

/// The attributes of a start tag as names and values, still escaped.
pub(super) fn attributes(written: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = written;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        // If the text ends with an attribute without a value, no character follows the attribute's
        // name.
        let (name, value, length) = read_attribute(rest)
            .or_else(|| (!rest.is_empty()).then_some((rest, "", rest.len())))?;
        rest = &rest[length..];
        Some((name, value))
    })
}

/// Replaces the serializer's character references by the characters.
pub(super) fn unescape(escaped: &str) -> Cow<'_, str> {
    if !escaped.contains('&') {
        return Cow::Borrowed(escaped);
    }
    let text = escaped
        .replace("&nbsp;", "\u{a0}")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
    Cow::Owned(text)
}

/// Appends `text` as character data, escaped as the serializer does.
pub(super) fn push_text(out: &mut String, text: &str) {
    push_escaped(out, text, false);
}

/// Appends `value` as the inside of a double-quoted attribute, escaped as the serializer does.
pub(super) fn push_attribute(out: &mut String, value: &str) {
    push_escaped(out, value, true);
}

fn push_escaped(out: &mut String, text: &str, in_attribute: bool) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{a0}' => out.push_str("&nbsp;"),
            '"' if in_attribute => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
}

/// Converts sanitized note HTML to plain text, with a line break after each block element and for
/// each `<br>`.
pub fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    for (_, token) in tokens(html) {
        match token {
            Token::Text(escaped) => text.push_str(&unescape(escaped)),
            Token::Start("br", _)
            | Token::End(
                "p" | "div" | "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" | "blockquote"
                | "tr" | "caption" | "dt" | "dd" | "figcaption",
            ) => text.push('\n'),
            Token::End("td" | "th") => text.push('\t'),
            Token::Start(..) | Token::End(_) | Token::Other => {}
        }
    }
    text
}

/// Whether sanitized note HTML has visible text. White space, line breaks, horizontal rules and the
/// invisible characters that editors leave in empty paragraphs do not count (SPEC §3, "Limits of a
/// note").
pub fn has_text(html: &str) -> bool {
    tokens(html).any(|(_, token)| match token {
        Token::Text(escaped) => unescape(escaped).chars().any(is_visible),
        _ => false,
    })
}

/// Whether a reader sees the character.
pub(super) fn is_visible(c: char) -> bool {
    !(c.is_whitespace() || is_invisible(c))
}
