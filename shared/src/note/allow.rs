//! The allowlist of a note: elements, attributes and classes. Styles are in `style`, and the
//! addresses of links in `mention`.
//!
//! The lists contain what the editors Tiptap, Quill 1 and 2, `TinyMCE`, `CKEditor` 5 and Lexical
//! write for text, lists, tables, code and links (docs/note-formatting.md). Images are not allowed:
//! a remote image would reveal to its host who reads the note and when. Files belong in the
//! attachments.

use std::{collections::HashMap, sync::LazyLock};

use html5ever::LocalName;

use super::removed::Removed;

/// What becomes of an element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Treatment {
    /// The element is kept, with these attributes in addition to `class`, `style` and `dir`.
    Keep(Layout, &'static [(&'static str, Value)]),
    /// The element is replaced by one with this name, which keeps its attributes.
    Rename(&'static str),
    /// The element is removed with its content. The response names the kind, if there is one:
    /// content that no browser shows has none.
    Remove(Option<Removed>),
    /// The element is replaced by its content.
    Unwrap,
}

/// The place of an element in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Formats a part of a line.
    Inline,
    /// Starts a new line or cell, so that a name in a mention does not go on in it.
    Block,
    /// Has no content and no end tag.
    Void,
}

/// The allowed values of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// One of these texts, compared exactly.
    Words(&'static [&'static str]),
    /// An integer from 0 to this number.
    Number(i32),
    /// An integer with up to 6 digits, and a sign.
    Integer,
    /// Integers with commas: the widths of columns in px.
    Numbers,
    /// An integer from 0 to 2000, or a percentage of 0 to 100.
    Width,
    /// The name of a programming language: letters, digits and `+#.-_`.
    Language,
    /// A hexadecimal color.
    Color,
    /// Text of at most 500 characters.
    Text,
    /// The attribute is present or absent, and written with its own name as the value.
    Flag,
}

/// Allowed classes with exactly these names.
pub(super) const CLASSES: &[&str] = &[
    "marker-blue",
    "marker-green",
    "marker-pink",
    "marker-yellow",
    "pen-green",
    "pen-red",
    "ql-code-block",
    "ql-code-block-container",
    "ql-syntax",
    "table",
    "text-big",
    "text-huge",
    "text-small",
    "text-tiny",
    "todo-list",
    "todo-list__label",
    "todo-list__label__description",
    "todo-list__label_without-description",
];

/// Allowed classes that have one of these prefixes. The rest has 1 to 32 lower-case letters,
/// digits and these further characters.
pub(super) const CLASS_PREFIXES: &[(&str, &str)] = &[
    ("language-", "+#-"),
    ("ql-align-", ""),
    ("ql-bg-", "-"),
    ("ql-color-", "-"),
    ("ql-direction-", ""),
    ("ql-font-", "-"),
    ("ql-indent-", ""),
    ("ql-size-", "-"),
];

const CELL: &[(&str, Value)] = &[
    ("align", Value::Words(ALIGN)),
    ("colspan", Value::Number(1000)),
    ("colwidth", Value::Numbers),
    ("rowspan", Value::Number(1000)),
    ("scope", Value::Words(&["col", "colgroup", "row", "rowgroup"])),
    ("valign", Value::Words(&["bottom", "middle", "top"])),
    ("width", Value::Width),
];
const ALIGN: &[&str] = &["center", "justify", "left", "right"];
const BLOCK: &[(&str, Value)] = &[("align", Value::Words(ALIGN))];
const CODE: &[(&str, Value)] = &[
    ("data-highlight-language", Value::Language),
    ("data-language", Value::Language),
    ("spellcheck", Value::Words(&["false"])),
];
const BOOLEAN: &[&str] = &["false", "true"];

use Layout::{Block, Inline, Void};
use Treatment::{Keep, Remove, Rename, Unwrap};

/// The treatment of each known element, sorted by name. All others are unwrapped.
pub(super) const ELEMENTS: &[(&str, Treatment)] = &[
    // The attributes of links and mentions have code of their own.
    ("a", Keep(Inline, &[])),
    ("abbr", Keep(Inline, &[("title", Value::Text)])),
    ("address", Rename("div")),
    ("applet", Remove(Some(Removed::Frame))),
    ("area", Remove(None)),
    ("article", Rename("div")),
    ("aside", Rename("div")),
    ("audio", Remove(Some(Removed::Audio))),
    ("b", Keep(Inline, &[])),
    ("base", Remove(None)),
    ("basefont", Remove(None)),
    ("bgsound", Remove(Some(Removed::Audio))),
    ("blockquote", Keep(Block, &[])),
    ("br", Keep(Void, &[])),
    ("canvas", Remove(Some(Removed::Drawing))),
    ("caption", Keep(Block, &[])),
    ("center", Rename("div")),
    ("cite", Keep(Inline, &[])),
    ("code", Keep(Inline, CODE)),
    ("col", Keep(Void, &[("span", Value::Number(1000)), ("width", Value::Width)])),
    ("colgroup", Keep(Block, &[("span", Value::Number(1000)), ("width", Value::Width)])),
    ("datalist", Remove(None)),
    ("dd", Keep(Block, &[])),
    ("del", Keep(Inline, &[])),
    ("details", Rename("div")),
    ("dialog", Rename("div")),
    ("dir", Rename("ul")),
    (
        "div",
        Keep(
            Block,
            &[
                ("align", Value::Words(ALIGN)),
                ("data-highlight-language", Value::Language),
                ("data-language", Value::Language),
                ("spellcheck", Value::Words(&["false"])),
            ],
        ),
    ),
    ("dl", Keep(Block, &[])),
    ("dt", Keep(Block, &[])),
    ("em", Keep(Inline, &[])),
    ("embed", Remove(Some(Removed::Frame))),
    ("fieldset", Rename("div")),
    ("figcaption", Keep(Block, &[])),
    ("figure", Keep(Block, &[])),
    ("font", Rename("span")),
    ("footer", Rename("div")),
    ("form", Rename("div")),
    ("frame", Remove(Some(Removed::Frame))),
    ("frameset", Remove(Some(Removed::Frame))),
    ("h1", Keep(Block, BLOCK)),
    ("h2", Keep(Block, BLOCK)),
    ("h3", Keep(Block, BLOCK)),
    ("h4", Keep(Block, BLOCK)),
    ("h5", Keep(Block, BLOCK)),
    ("h6", Keep(Block, BLOCK)),
    ("header", Rename("div")),
    ("hgroup", Rename("div")),
    ("hr", Keep(Void, &[])),
    ("i", Keep(Inline, &[])),
    ("iframe", Remove(Some(Removed::Frame))),
    ("img", Remove(Some(Removed::Image))),
    // Only checkboxes are kept.
    (
        "input",
        Keep(
            Void,
            &[
                ("checked", Value::Flag),
                ("disabled", Value::Flag),
                ("type", Value::Words(&["checkbox"])),
            ],
        ),
    ),
    ("ins", Keep(Inline, &[])),
    ("kbd", Keep(Inline, &[])),
    ("label", Keep(Inline, &[])),
    ("legend", Rename("div")),
    (
        "li",
        Keep(
            Block,
            &[
                ("aria-checked", Value::Words(BOOLEAN)),
                ("data-checked", Value::Words(BOOLEAN)),
                ("data-list", Value::Words(&["bullet", "checked", "ordered", "unchecked"])),
                ("data-type", Value::Words(&["taskItem"])),
                ("role", Value::Words(&["checkbox"])),
                ("value", Value::Integer),
            ],
        ),
    ),
    ("link", Remove(None)),
    ("listing", Rename("pre")),
    ("main", Rename("div")),
    ("mark", Keep(Inline, &[("data-color", Value::Color)])),
    ("menu", Rename("ul")),
    ("meta", Remove(None)),
    ("nav", Rename("div")),
    ("noembed", Remove(Some(Removed::Frame))),
    ("noframes", Remove(Some(Removed::Frame))),
    ("noscript", Remove(Some(Removed::Script))),
    ("object", Remove(Some(Removed::Frame))),
    ("oembed", Remove(Some(Removed::Frame))),
    (
        "ol",
        Keep(
            Block,
            &[
                ("reversed", Value::Flag),
                ("start", Value::Integer),
                ("type", Value::Words(&["1", "A", "I", "a", "i"])),
            ],
        ),
    ),
    ("p", Keep(Block, BLOCK)),
    ("param", Remove(None)),
    ("plaintext", Rename("pre")),
    ("portal", Remove(Some(Removed::Frame))),
    ("pre", Keep(Block, CODE)),
    ("q", Keep(Inline, &[])),
    ("s", Keep(Inline, &[])),
    ("samp", Keep(Inline, &[])),
    ("script", Remove(Some(Removed::Script))),
    ("search", Rename("div")),
    ("section", Rename("div")),
    ("select", Remove(Some(Removed::Field))),
    ("small", Keep(Inline, &[])),
    ("source", Remove(None)),
    ("span", Keep(Inline, &[])),
    ("strike", Keep(Inline, &[])),
    ("strong", Keep(Inline, &[])),
    ("style", Remove(Some(Removed::Style))),
    ("sub", Keep(Inline, &[])),
    ("summary", Rename("div")),
    ("sup", Keep(Inline, &[])),
    (
        "table",
        Keep(
            Block,
            &[
                ("border", Value::Number(10)),
                ("cellpadding", Value::Number(40)),
                ("cellspacing", Value::Number(40)),
                ("width", Value::Width),
            ],
        ),
    ),
    ("tbody", Keep(Block, &[])),
    ("td", Keep(Block, CELL)),
    ("template", Remove(None)),
    ("tfoot", Keep(Block, &[])),
    ("th", Keep(Block, CELL)),
    ("thead", Keep(Block, &[])),
    // Browsers do not show a title.
    ("title", Remove(None)),
    ("tr", Keep(Block, BLOCK)),
    ("track", Remove(None)),
    ("tt", Rename("code")),
    ("u", Keep(Inline, &[])),
    (
        "ul",
        Keep(
            Block,
            &[
                ("data-checked", Value::Words(BOOLEAN)),
                ("data-type", Value::Words(&["taskList"])),
                ("type", Value::Words(&["circle", "disc", "square"])),
            ],
        ),
    ),
    ("var", Keep(Inline, &[])),
    ("video", Remove(Some(Removed::Video))),
    ("wbr", Remove(None)),
    ("xmp", Rename("pre")),
];

/// What becomes of an HTML element.
pub(super) fn treatment(name: &LocalName) -> (&'static str, Treatment) {
    static BY_NAME: LazyLock<HashMap<LocalName, (&str, Treatment)>> = LazyLock::new(|| {
        ELEMENTS.iter().map(|(name, kept)| (LocalName::from(*name), (*name, *kept))).collect()
    });
    let known = BY_NAME.get(name).copied().unwrap_or(("", Unwrap));
    match known.1 {
        Rename(new) => BY_NAME.get(&LocalName::from(new)).copied().unwrap_or(("", Unwrap)),
        Keep(..) | Remove(_) | Unwrap => known,
    }
}

impl Value {
    /// Whether the value is allowed.
    pub(super) fn admits(self, value: &str) -> bool {
        let digits = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
        };
        match self {
            Self::Words(words) => words.contains(&value),
            Self::Number(most) => {
                digits(value, 4) && value.parse().is_ok_and(|number: i32| number <= most)
            }
            Self::Integer => digits(value.strip_prefix('-').unwrap_or(value), 6),
            Self::Numbers => value.len() <= 200 && value.split(',').all(|part| digits(part, 4)),
            Self::Width => {
                let (text, most) = match value.strip_suffix('%') {
                    Some(text) => (text, 100.0),
                    None => (value.strip_suffix("px").unwrap_or(value), 2000.0),
                };
                let plain = |b: u8| b.is_ascii_digit() || b == b'.';
                text.bytes().all(plain) && text.parse().is_ok_and(|number: f32| number <= most)
            }
            Self::Language => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"+#.-_".contains(&b);
                (1..=32).contains(&value.len()) && value.bytes().all(plain)
            }
            Self::Color => value.strip_prefix('#').is_some_and(|digits| {
                matches!(digits.len(), 3 | 4 | 6 | 8)
                    && digits.bytes().all(|b| b.is_ascii_hexdigit())
            }),
            Self::Text => value.chars().count() <= 500,
            Self::Flag => true,
        }
    }
}

/// Whether an element may have this class.
pub(super) fn is_class(class: &str) -> bool {
    if CLASSES.contains(&class) {
        return true;
    }
    CLASS_PREFIXES.iter().any(|(prefix, more)| {
        class.strip_prefix(prefix).is_some_and(|rest| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c);
            (1..=32).contains(&rest.len()) && rest.chars().all(plain)
        })
    })
}

/// The allowlist as one JSON document, for clients that sanitize with the same rules
/// (docs/note-allowlist.json). Its first keys are options of `DOMPurify`; the others limit the
/// values of attributes.
#[cfg(test)]
pub(super) fn export() -> serde_json::Value {
    use serde_json::{Map, json};

    use super::{mention::SCHEMES, style::PROPERTIES};

    let kept = |treatment: &Treatment| match treatment {
        Keep(_, attributes) => Some(*attributes),
        Rename(_) | Remove(_) | Unwrap => None,
    };
    let everywhere = ["class", "dir", "style"];
    let of_links = ["data-mention", "data-user-id", "href", "rel", "target", "title"];
    let mut names: Vec<&str> = everywhere.into_iter().chain(of_links).collect();
    let (mut tags, mut elements) = (Vec::new(), Map::new());
    for (name, treatment) in ELEMENTS {
        let Some(attributes) = kept(treatment) else { continue };
        tags.push(*name);
        names.extend(attributes.iter().map(|(name, _)| *name));
        if !attributes.is_empty() {
            let rules = attributes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!({ "pattern": value.pattern() })));
            elements.insert((*name).to_owned(), rules.collect::<Map<_, _>>().into());
        }
    }
    elements.insert(
        "a".to_owned(),
        json!({
            "data-mention": { "pattern": "^(true|pending|false)$" },
            "data-user-id": { "pattern": "^[A-Za-z0-9._@+-]{1,64}$" },
            "rel": { "pattern": format!("^{}$", super::mention::LINK_REL) },
            "target": { "pattern": "^_blank$" },
            "title": { "pattern": Value::Text.pattern() },
        }),
    );
    names.sort_unstable();
    names.dedup();
    let prefixes =
        CLASS_PREFIXES.iter().map(|(prefix, more)| format!("^{prefix}[a-z0-9{more}]{{1,32}}$"));
    let styles = PROPERTIES.iter().map(|(name, values)| ((*name).to_owned(), values.export()));
    json!({
        "ALLOWED_TAGS": tags,
        "ALLOWED_ATTR": names,
        "ALLOW_DATA_ATTR": false,
        "ALLOW_ARIA_ATTR": false,
        "ALLOWED_URI_REGEXP": format!("^(?:{}):", SCHEMES.join("|")),
        "attributes": elements,
        "everywhere": { "dir": { "pattern": "^(ltr|rtl|auto)$" } },
        "classes": { "exact": CLASSES, "patterns": prefixes.collect::<Vec<_>>() },
        "styles": styles.collect::<Map<_, _>>(),
    })
}

#[cfg(test)]
impl Value {
    /// The rule as a regular expression.
    fn pattern(self) -> String {
        match self {
            Self::Words(words) => format!("^({})$", words.join("|")),
            Self::Number(_) => "^[0-9]{1,4}$".to_owned(),
            Self::Integer => "^-?[0-9]{1,6}$".to_owned(),
            Self::Numbers => "^[0-9]{1,4}(,[0-9]{1,4})*$".to_owned(),
            Self::Width => "^[0-9.]+(%|px)?$".to_owned(),
            Self::Language => "^[A-Za-z0-9+#._-]{1,32}$".to_owned(),
            Self::Color => "^#([0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$".to_owned(),
            Self::Text => "^[\\s\\S]{0,500}$".to_owned(),
            Self::Flag => "^.*$".to_owned(),
        }
    }
}
