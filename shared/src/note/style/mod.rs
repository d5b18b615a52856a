//! The styles that a note may have: an allowlist of properties, with a grammar for the values of
//! each. A declaration is parsed by a CSS parser and written again from the parsed value, so no
//! text of the source reaches the stored note.
//!
//! No value can move an element out of its place, refer to another resource, or be larger than a
//! note: there are no positions, no negative lengths, no lengths of the window, no functions
//! except those of colors, and no custom properties.

mod color;
mod length;
mod values;

use cssparser::{Delimiter, Parser, Token};

use values::{BORDER_STYLES, BORDER_WIDTH, Values};

/// The largest indentation of a block, in px: more than ten levels of the editors.
const INDENT: f32 = 480.0;
/// The largest width of a table, in px.
const WIDTH: f32 = 2000.0;

/// The allowed properties, sorted by name.
pub(super) const PROPERTIES: &[(&str, Values)] = &[
    ("background-color", Values::Color),
    ("border", Values::Border),
    ("border-bottom", Values::Border),
    ("border-collapse", Values::Keywords(&["collapse", "separate"])),
    ("border-color", Values::Color),
    ("border-left", Values::Border),
    ("border-right", Values::Border),
    ("border-style", Values::Keywords(BORDER_STYLES)),
    ("border-top", Values::Border),
    ("border-width", Values::Length(BORDER_WIDTH, false)),
    ("color", Values::Color),
    ("direction", Values::Keywords(&["ltr", "rtl"])),
    ("font-family", Values::FontFamily),
    ("font-size", Values::FontSize),
    ("font-style", Values::Keywords(&["italic", "normal", "oblique"])),
    ("font-weight", Values::FontWeight),
    ("height", Values::Length(WIDTH, false)),
    ("line-height", Values::LineHeight),
    (
        "list-style-type",
        Values::Keywords(&[
            "circle",
            "decimal",
            "decimal-leading-zero",
            "disc",
            "lower-alpha",
            "lower-greek",
            "lower-latin",
            "lower-roman",
            "none",
            "square",
            "upper-alpha",
            "upper-latin",
            "upper-roman",
        ]),
    ),
    ("margin-inline-start", Values::Length(INDENT, false)),
    ("margin-left", Values::Length(INDENT, true)),
    ("margin-right", Values::Length(INDENT, true)),
    ("min-width", Values::Length(WIDTH, false)),
    ("padding-inline-start", Values::Length(INDENT, false)),
    ("padding-left", Values::Length(INDENT, false)),
    ("padding-right", Values::Length(INDENT, false)),
    ("text-align", Values::Keywords(&["center", "end", "justify", "left", "right", "start"])),
    ("text-decoration", Values::TextDecoration),
    ("text-indent", Values::Length(INDENT, false)),
    ("vertical-align", Values::Keywords(&["baseline", "bottom", "middle", "sub", "super", "top"])),
    ("white-space", Values::Keywords(&["break-spaces", "normal", "pre", "pre-line", "pre-wrap"])),
    ("width", Values::Size(WIDTH)),
];

/// Properties that can hide text or move it, with the values that do neither.
const HIDING: &[(&str, &[&str])] = &[
    ("animation", &[]),
    ("background", &[]),
    ("background-image", &[]),
    ("bottom", &[]),
    ("clear", &["none"]),
    ("clip", &[]),
    ("clip-path", &[]),
    ("content", &[]),
    (
        "display",
        &[
            "block",
            "flex",
            "grid",
            "inline",
            "inline-block",
            "list-item",
            "table",
            "table-cell",
            "table-row",
        ],
    ),
    ("filter", &[]),
    ("float", &[]),
    ("inset", &[]),
    ("left", &[]),
    ("mask", &[]),
    ("max-height", &[]),
    ("opacity", &["1"]),
    ("overflow", &["visible"]),
    ("position", &["static"]),
    ("right", &[]),
    ("scale", &[]),
    ("top", &[]),
    ("transform", &[]),
    ("translate", &[]),
    ("visibility", &["visible"]),
    ("z-index", &["0"]),
    ("zoom", &["1"]),
];

/// Values that have no effect of their own.
const NEUTRAL: &[&str] = &[
    "auto",
    "currentcolor",
    "inherit",
    "initial",
    "none",
    "normal",
    "revert",
    "unset",
    "0",
    "0px",
];

/// The allowed declarations of a `style` attribute.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Style {
    /// The declarations in a normalized form, separated by `; `.
    pub(super) text: String,
    /// Whether a declaration was removed that hides text or moves it, or whose property is allowed
    /// but whose value is not.
    pub(super) removed: bool,
}

/// Reads the declarations of a `style` attribute.
pub(super) fn read(text: &str) -> Style {
    let mut style = Style::default();
    let mut parser = Parser::new(text);
    while !parser.is_exhausted() {
        let result = parser.parse_until_after(Delimiter::Semicolon, |parser| {
            let property = parser.expect_ident()?.to_ascii_lowercase();
            parser.expect_colon()?;
            style.declare(&property, parser);
            // The rest of a declaration that was not read is skipped.
            while parser.next().is_ok() {}
            Ok::<_, cssparser::ParseError<()>>(())
        });
        if result.is_err() && parser.is_exhausted() {
            break;
        }
    }
    style
}

impl Style {
    fn declare(&mut self, property: &str, parser: &mut Parser<'_>) {
        // A shorthand with only a color is what some editors write for a highlight.
        let start = parser.state();
        let known = match property {
            "background" => Some(("background-color", Values::Color)),
            "text-decoration-line" => Some(("text-decoration", Values::TextDecoration)),
            _ => PROPERTIES.iter().find(|(name, _)| *name == property).copied(),
        };
        if let Some((name, values)) = known {
            let length = self.text.len();
            if length > 0 {
                self.text.push_str("; ");
            }
            self.text.push_str(name);
            self.text.push_str(": ");
            let read = values.read(parser, &mut self.text);
            if read.is_some() && at_end(parser) {
                return;
            }
            self.text.truncate(length);
            parser.reset(&start);
        }
        let value = single_value(parser);
        let is_neutral = value.as_deref().is_some_and(|value| {
            // A transparent text is hidden; a transparent background is what every text has.
            NEUTRAL.contains(&value) || value == "transparent" && property.starts_with("background")
        });
        if is_neutral && property != "display" {
            return;
        }
        let hides = HIDING.iter().find(|(name, _)| *name == property);
        let harmless = match hides {
            Some((_, harmless)) => value.is_some_and(|value| harmless.contains(&value.as_str())),
            None => {
                known.is_none() && !(property.starts_with("margin") && is_negative(&start, parser))
            }
        };
        self.removed |= !harmless;
    }
}

/// Whether nothing follows the value, except `!important`.
fn at_end(parser: &mut Parser<'_>) -> bool {
    let important = |parser: &mut Parser<'_>| {
        parser.expect_delim('!')?;
        parser.expect_ident_matching("important")
    };
    let _ = parser.try_parse(important);
    parser.is_exhausted()
}

/// The value in lower case, if it is one keyword or one number.
fn single_value(parser: &mut Parser<'_>) -> Option<String> {
    let value = match parser.next().ok()? {
        Token::Ident(name) => name.to_ascii_lowercase(),
        Token::Number { value, .. } => value.to_string(),
        Token::Dimension { value, .. } if *value == 0.0 => "0".to_owned(),
        Token::Percentage { unit_value, .. } if *unit_value == 0.0 => "0".to_owned(),
        _ => return None,
    };
    at_end(parser).then_some(value)
}

fn is_negative(start: &cssparser::ParserState, parser: &mut Parser<'_>) -> bool {
    parser.reset(start);
    let mut negative = false;
    while let Ok(token) = parser.next() {
        negative |= match token {
            Token::Dimension { value, .. } | Token::Number { value, .. } => *value < 0.0,
            Token::Percentage { unit_value, .. } => *unit_value < 0.0,
            _ => false,
        };
    }
    negative
}
