//! Sanitizes a note's HTML.
//!
//! An allowlist contains the elements and attributes that Tiptap, Quill and `TinyMCE` produce for
//! text, lists, tables and links. Images are not allowed: a remote image would reveal to its host
//! who reads the note and when. Files belong in the attachments.

use std::{borrow::Cow, sync::LazyLock};

use ammonia::{Builder, UrlRelative};

use super::{
    markup::{plain_text, push_text, same_shape},
    mention::{LINK_REL, Target},
};

/// The maximum number of rounds of sanitizing. When elements are removed from misnested markup,
/// parsing the result can nest the rest in a different way. Real submissions do not change after
/// two rounds.
const ROUNDS: usize = 4;

/// The maximum size of sanitized HTML whose markup is kept, in bytes. The parser repeats misnested
/// formatting in every paragraph, so that 10,000 characters can grow to megabytes. Well-nested
/// notes are far smaller.
const SIZE_LIMIT: usize = 200_000;

const BYTE_ORDER_MARK: char = '\u{feff}';

const TAGS: &[&str] = &[
    "a",
    "b",
    "blockquote",
    "br",
    "caption",
    "code",
    "col",
    "colgroup",
    "del",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// Elements that are removed with their content. Either the content is not text of a note, or
/// browsers parse it with special rules (raw text, other namespaces, parser scopes) that mutation
/// XSS attacks use.
const REMOVED_WITH_CONTENT: &[&str] = &[
    "applet",
    "audio",
    "canvas",
    "embed",
    "frameset",
    "iframe",
    "math",
    "noembed",
    "noframes",
    "noscript",
    "object",
    "plaintext",
    "script",
    "select",
    "style",
    "svg",
    "template",
    "textarea",
    "title",
    "video",
    "xmp",
];

const STYLED: &[&str] = &[
    "blockquote",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "mark",
    "p",
    "span",
    "td",
    "th",
];

const CLASSED: &[&str] = &[
    "blockquote",
    "code",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "ol",
    "p",
    "pre",
    "span",
    "ul",
];

/// Prefixes of allowed classes: Quill's formats and the language of a code block. Classes of an
/// editor's widgets are not allowed, because its style sheet may position them over the page.
const CLASS_PREFIXES: &[&str] = &[
    "language-",
    "ql-align-",
    "ql-bg-",
    "ql-color-",
    "ql-direction-",
    "ql-font-",
    "ql-indent-",
    "ql-size-",
];

static SANITIZER: LazyLock<Builder<'static>> = LazyLock::new(build);

/// Reduces `html` to allowed markup in serialized form. It never fails, and sanitizing the result
/// again does not change it. If the markup changes with each round, or becomes too large when it is
/// parsed, only its text is kept.
pub(super) fn sanitize(html: &str) -> String {
    let mut source = Cow::Borrowed(html);
    for _ in 0..ROUNDS {
        let sanitized = sanitize_once(&source);
        if sanitized.len() > SIZE_LIMIT {
            return text_only(&sanitized);
        }
        if same_shape(&source, &sanitized) {
            return sanitized;
        }
        source = Cow::Owned(sanitized);
    }
    text_only(&source)
}

fn text_only(sanitized: &str) -> String {
    let mut text = String::new();
    push_text(&mut text, &plain_text(sanitized));
    text
}

fn sanitize_once(html: &str) -> String {
    let mut html = SANITIZER.clean(html).to_string();
    // A parser removes only the first byte order mark at the start, and the next parser would
    // remove the next one.
    if html.starts_with(BYTE_ORDER_MARK) {
        html = html.trim_start_matches(BYTE_ORDER_MARK).to_owned();
    }
    if !html.contains("<pre") {
        return html;
    }
    keep_first_newline(&html)
}

/// Doubles a line break right after `<pre>`. Parsers drop it and the serializer does not restore
/// it, so a code block with an empty first line would lose one line break each time it is parsed.
fn keep_first_newline(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + 8);
    let mut rest = html;
    while let Some(start) = rest.find("<pre") {
        let Some(length) = rest[start..].find('>') else { break };
        let (tag, tail) = rest.split_at(start + length + 1);
        out.push_str(tag);
        if tail.starts_with('\n') {
            out.push('\n');
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn build() -> Builder<'static> {
    let mut builder = Builder::new();
    builder
        .tags(TAGS.iter().copied().collect())
        .clean_content_tags(REMOVED_WITH_CONTENT.iter().copied().collect())
        // The default attributes (lang, title) would allow content that no editor shows.
        .generic_attributes([].into())
        .tag_attributes(
            [
                ("a", ["data-mention", "data-user-id", "href"].as_slice()),
                ("col", &["span"]),
                ("colgroup", &["span"]),
                ("ol", &["start"]),
                ("td", &["colspan", "rowspan"]),
                ("th", &["colspan", "rowspan"]),
            ]
            .into_iter()
            .map(|(tag, attributes)| (tag, attributes.iter().copied().collect()))
            .collect(),
        )
        .url_schemes(["http", "https", "mailto", "tel"].into())
        .url_relative(UrlRelative::PassThrough)
        // When the draft is parsed, it writes the start tag of every link with this `rel` value. So
        // no other value is allowed here.
        .link_rel(None)
        .attribute_filter(filter_attribute);
    for (tag, attribute, values) in [
        ("a", "rel", [LINK_REL].as_slice()),
        ("a", "target", &["_blank"]),
        ("li", "data-checked", &["false", "true"]),
        ("li", "data-list", &["bullet", "checked", "ordered", "unchecked"]),
        ("li", "data-type", &["taskItem"]),
        ("ul", "data-type", &["taskList"]),
    ] {
        builder.add_tag_attribute_values(tag, attribute, values);
    }
    for tag in STYLED {
        builder.add_tag_attributes(*tag, ["style"].as_slice());
    }
    for tag in CLASSED {
        builder.add_tag_attributes(*tag, ["class"].as_slice());
    }
    builder
}

fn filter_attribute<'a>(_: &str, attribute: &str, value: &'a str) -> Option<Cow<'a, str>> {
    match attribute {
        "class" => non_empty(join(value.split_ascii_whitespace().filter(|c| is_class(c)), " ")),
        "style" => non_empty(join(value.split(';').filter_map(declaration), "; ")),
        "href" => match Target::parse(value)? {
            Target::Absolute(_) => Some(Cow::Borrowed(value)),
            Target::HostRelative(url) => Some(Cow::Owned(url.into())),
            Target::Relative(url) => super::mention::user_in_path(&url).map(|_| value.into()),
        },
        "colspan" | "rowspan" | "span" | "start" => {
            let number =
                (1..=4).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
            number.then_some(Cow::Borrowed(value))
        }
        _ => Some(Cow::Borrowed(value)),
    }
}

fn join<T: AsRef<str>>(parts: impl Iterator<Item = T>, separator: &str) -> String {
    let mut joined = String::new();
    for part in parts {
        if !joined.is_empty() {
            joined.push_str(separator);
        }
        joined.push_str(part.as_ref());
    }
    joined
}

fn non_empty<'a>(value: String) -> Option<Cow<'a, str>> {
    (!value.is_empty()).then_some(Cow::Owned(value))
}

fn is_class(class: &str) -> bool {
    let known =
        class == "ql-syntax" || CLASS_PREFIXES.iter().any(|prefix| class.starts_with(prefix));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    known && class.len() <= 64 && class.bytes().all(plain)
}

/// Returns a style declaration in normalized form; `None` if the toolbars of the note editors
/// cannot set it.
fn declaration(text: &str) -> Option<String> {
    let (property, value) = text.split_once(':')?;
    let property = property.trim().to_ascii_lowercase();
    let value = value.trim().to_ascii_lowercase();
    let allowed = match property.as_str() {
        "text-align" => matches!(value.as_str(), "left" | "right" | "center" | "justify"),
        "text-decoration" => matches!(value.as_str(), "underline" | "line-through"),
        "color" | "background-color" => is_color(&value),
        _ => false,
    };
    allowed.then(|| format!("{property}: {value}"))
}

fn is_color(value: &str) -> bool {
    if let Some(hex) = value.strip_prefix('#') {
        return matches!(hex.len(), 3 | 4 | 6 | 8) && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let arguments = ["rgb(", "rgba(", "hsl(", "hsla("].iter().find_map(|f| value.strip_prefix(f));
    if let Some(arguments) = arguments.and_then(|rest| rest.strip_suffix(')')) {
        let plain = |b: u8| b.is_ascii_digit() || matches!(b, b',' | b'.' | b'%' | b' ' | b'/');
        return arguments.len() <= 40 && arguments.bytes().all(plain);
    }
    (3..=24).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_lowercase())
}
