//! The styles that a note may have: an allowlist of properties, with a grammar for the values of
//! each. A declaration is parsed by a CSS parser and written again from the parsed value, so no
//! text of the source reaches the stored note.
//!
//! No value can move an element out of its place, refer to another resource, or be larger than a
//! note: there are no positions, no negative lengths, no lengths of the window, no functions
//! except those of colors, and no custom properties.

use std::fmt::Write;

use cssparser::{Delimiter, Parser, Token};

/// The grammar of a property's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Values {
    Keywords(&'static [&'static str]),
    /// A color: a name, a hexadecimal number, or `rgb()` and `hsl()` with or without alpha.
    Color,
    /// A list of font names, at most 200 characters.
    FontFamily,
    /// 8 to 48 px, in px, pt or as a keyword. A size in em or rem is changed to px.
    FontSize,
    /// `normal`, `bold`, or a weight of 100 to 900.
    FontWeight,
    /// 0.8 to 3, as a number or a percentage.
    LineHeight,
    /// One or both of `underline` and `line-through`, or `none`.
    TextDecoration,
    /// A length of 0 to this number of px, and `auto` if the flag is set.
    Length(f32, bool),
    /// A length of 0 to this number of px, or a percentage of 0 to 100.
    Size(f32),
    /// The width, the style and the color of a border.
    Border,
}

/// The widest border, in px.
const BORDER_WIDTH: f32 = 10.0;
/// The largest indentation of a block, in px: more than ten levels of the editors.
const INDENT: f32 = 480.0;
/// The largest width of a table, in px.
const WIDTH: f32 = 2000.0;
const BORDER_STYLES: &[&str] = &[
    "dashed", "dotted", "double", "groove", "hidden", "inset", "none", "outset", "ridge", "solid",
];
const FONT_SIZES: &[&str] =
    &["large", "medium", "small", "x-large", "x-small", "xx-large", "xx-small"];
const FONT_FAMILY_LENGTH: usize = 200;

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

impl Values {
    /// Reads a value and appends it to `out` in its normalized form.
    fn read(self, parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
        match self {
            Self::Keywords(keywords) => keyword(parser, keywords, out),
            Self::Color => color(parser, out),
            Self::FontFamily => font_family(parser, out),
            Self::FontSize => font_size(parser, out),
            Self::FontWeight => font_weight(parser, out),
            Self::LineHeight => line_height(parser, out),
            Self::TextDecoration => text_decoration(parser, out),
            Self::Length(limit, with_auto) => {
                if with_auto && parser.try_parse(|p| p.expect_ident_matching("auto")).is_ok() {
                    out.push_str("auto");
                    return Some(());
                }
                length(parser, limit, out)
            }
            Self::Size(limit) => {
                let percentage = parser.try_parse(Parser::expect_percentage);
                let Ok(percentage) = percentage else { return length(parser, limit, out) };
                (0.0..=1.0).contains(&percentage).then(|| push(out, percentage * 100.0, "%"))
            }
            Self::Border => border(parser, out),
        }
    }
}

/// Appends a number with at most three decimals, and its unit.
fn push(out: &mut String, number: f32, unit: &str) {
    let number = (f64::from(number) * 1000.0).round() / 1000.0;
    // Writing to a string cannot fail.
    let _ = write!(out, "{number}{unit}");
}

fn keyword(parser: &mut Parser<'_>, keywords: &[&str], out: &mut String) -> Option<()> {
    let name = parser.expect_ident().ok()?;
    let known = keywords.iter().find(|known| known.eq_ignore_ascii_case(name))?;
    out.push_str(known);
    Some(())
}

/// Reads a length of 0 to `limit` px. Returns its number, its unit, and its size in px.
fn read_length(parser: &mut Parser<'_>, limit: f32) -> Option<(f32, &'static str)> {
    let (value, unit, px) = match parser.next().ok()? {
        Token::Dimension { value, unit, .. } => {
            let units = [
                ("px", 1.0),
                ("pt", 4.0 / 3.0),
                ("em", 16.0),
                ("rem", 16.0),
                ("cm", 37.8),
                ("in", 96.0),
            ];
            let (unit, px) = units.into_iter().find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
            (*value, unit, px)
        }
        Token::Number { value, .. } if *value == 0.0 => (0.0, "", 1.0),
        _ => return None,
    };
    (value >= 0.0 && value * px <= limit).then_some((value, unit))
}

fn length(parser: &mut Parser<'_>, limit: f32, out: &mut String) -> Option<()> {
    let start = parser.state();
    if let Some((value, unit)) = read_length(parser, limit) {
        push(out, value, unit);
        return Some(());
    }
    parser.reset(&start);
    let levels = lexical_indent(parser)?;
    (levels * LEXICAL_INDENT <= limit).then(|| push(out, levels * LEXICAL_INDENT, "px"))
}

/// The width of one level of indentation in the editor Lexical, in px.
const LEXICAL_INDENT: f32 = 40.0;

/// Reads the indentation that Lexical writes, `calc(2 * var(--lexical-indent-base-value, 40px))`.
/// Returns the number of levels.
fn lexical_indent(parser: &mut Parser<'_>) -> Option<f32> {
    parser.expect_function_matching("calc").ok()?;
    let levels = parser.parse_nested_block(|parser| {
        let levels = parser.expect_number()?;
        parser.expect_delim('*')?;
        parser.expect_function_matching("var")?;
        parser.parse_nested_block(|parser| {
            parser.expect_ident_matching("--lexical-indent-base-value")?;
            while parser.next().is_ok() {}
            Ok::<_, cssparser::ParseError<()>>(())
        })?;
        Ok::<_, cssparser::ParseError<()>>(levels)
    });
    levels.ok().filter(|levels| *levels >= 0.0)
}

fn color(parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
    let start = out.len();
    match parser.next().ok()?.clone() {
        Token::Ident(name) if name.eq_ignore_ascii_case("inherit") => out.push_str("inherit"),
        Token::Ident(name) => {
            cssparser::color::parse_named_color(&name).ok()?;
            out.push_str(&name);
            out[start..].make_ascii_lowercase();
        }
        Token::Hash(digits) | Token::IDHash(digits) => {
            let (.., alpha) = cssparser::color::parse_hash_color(digits.as_bytes()).ok()?;
            out.push('#');
            out.push_str(&digits);
            return (alpha > 0.0).then_some(());
        }
        Token::Function(name) => {
            let functions = ["rgb", "rgba", "hsl", "hsla"];
            let name = functions.into_iter().find(|known| known.eq_ignore_ascii_case(&name))?;
            out.push_str(name);
            out.push('(');
            let visible = parser.parse_nested_block(|parser| {
                Ok::<_, cssparser::ParseError<()>>(components(parser, out))
            });
            out.push(')');
            return visible.ok()?;
        }
        _ => return None,
    }
    Some(())
}

/// Reads the three or four components of a color. `None` if they are not valid, or if the color is
/// transparent.
fn components(parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
    for index in 0..4 {
        if index > 0 {
            if parser.is_exhausted() {
                return (index == 3).then_some(());
            }
            let separator = parser.try_parse(|p| match p.next() {
                Ok(Token::Comma | Token::Delim('/')) => Ok(()),
                _ => Err(()),
            });
            // The separators may be spaces, but alpha has one.
            if separator.is_err() && index == 3 {
                return None;
            }
            out.push_str(", ");
        }
        let (number, unit) = match parser.next().ok()? {
            Token::Number { value, .. } => (*value, ""),
            Token::Percentage { unit_value, .. } => (*unit_value * 100.0, "%"),
            Token::Dimension { value, unit, .. } if unit.eq_ignore_ascii_case("deg") => {
                (*value, "")
            }
            _ => return None,
        };
        if !(0.0..=360.0).contains(&number) || index == 3 && number == 0.0 {
            return None;
        }
        push(out, number, unit);
    }
    parser.is_exhausted().then_some(())
}

fn font_family(parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
    let start = out.len();
    let plain = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
    };
    loop {
        match parser.next().ok()?.clone() {
            Token::QuotedString(name) if plain(&name) => {
                out.push('\'');
                out.push_str(&name);
                out.push('\'');
            }
            Token::Ident(name) if plain(&name) => {
                out.push_str(&name);
                while let Ok(name) = parser.try_parse(Parser::expect_ident_cloned) {
                    out.push(' ');
                    out.push_str(Some(&name).filter(|name| plain(name))?);
                }
            }
            _ => return None,
        }
        if out.len() - start > FONT_FAMILY_LENGTH {
            return None;
        }
        if parser.try_parse(Parser::expect_comma).is_err() {
            return Some(());
        }
        out.push_str(", ");
    }
}

fn font_size(parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
    if parser.try_parse(|p| keyword(p, FONT_SIZES, out).ok_or(())).is_ok() {
        return Some(());
    }
    let (size, unit) = read_length(parser, 48.0)?;
    // Sizes in em multiply when they are nested.
    let (size, unit, px) = match unit {
        "px" => (size, unit, size),
        "pt" => (size, unit, size * 4.0 / 3.0),
        "em" | "rem" => (size * 16.0, "px", size * 16.0),
        _ => return None,
    };
    (px >= 7.99).then(|| push(out, size, unit))
}

fn font_weight(parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
    if let Ok(weight) = parser.try_parse(Parser::expect_integer) {
        return ((100..=900).contains(&weight) && weight % 100 == 0)
            .then(|| out.push_str(&weight.to_string()));
    }
    keyword(parser, &["bold", "bolder", "lighter", "normal"], out)
}

fn line_height(parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
    let (height, unit, factor) = match parser.next().ok()? {
        Token::Number { value, .. } => (*value, "", 1.0),
        Token::Percentage { unit_value, .. } => (*unit_value, "%", 100.0),
        Token::Ident(name) if name.eq_ignore_ascii_case("normal") => {
            out.push_str("normal");
            return Some(());
        }
        _ => return None,
    };
    (0.8..=3.0).contains(&height).then(|| push(out, height * factor, unit))
}

fn text_decoration(parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
    if parser.try_parse(|p| keyword(p, &["none"], out).ok_or(())).is_ok() {
        return Some(());
    }
    let start = out.len();
    while !parser.is_exhausted() {
        let line = |p: &mut Parser<'_>| {
            let name = p.expect_ident().map_err(drop)?;
            let lines = ["underline", "line-through"];
            lines.into_iter().find(|known| known.eq_ignore_ascii_case(name)).ok_or(())
        };
        if let Ok(line) = parser.try_parse(line) {
            if out.len() > start {
                out.push(' ');
            }
            if out[start..].contains(line) {
                return None;
            }
            out.push_str(line);
        } else if parser.try_parse(|p| color(p, &mut String::new()).ok_or(())).is_err()
            && parser.try_parse(|p| p.expect_ident_matching("solid")).is_err()
        {
            // The style and the color of a line are not kept.
            break;
        }
    }
    (out.len() > start).then_some(())
}

fn border(parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
    let start = out.len();
    for _ in 0..3 {
        if parser.is_exhausted() {
            break;
        }
        let at = out.len();
        if at > start {
            out.push(' ');
        }
        let mut read = |read: &dyn Fn(&mut Parser<'_>, &mut String) -> Option<()>| {
            let before = out.len();
            let done = parser.try_parse(|p| read(p, out).ok_or(())).is_ok();
            if !done {
                out.truncate(before);
            }
            done
        };
        let done = read(&|p, out| keyword(p, BORDER_STYLES, out))
            || read(&|p, out| keyword(p, &["medium", "thick", "thin"], out))
            || read(&|p, out| {
                let (value, unit) = read_length(p, BORDER_WIDTH)?;
                push(out, value, unit);
                Some(())
            })
            || read(&color);
        if !done {
            out.truncate(at);
            break;
        }
    }
    (out.len() > start).then_some(())
}

#[cfg(test)]
impl Values {
    /// The grammar for the exported allowlist. Lengths are in px.
    pub(super) fn export(self) -> serde_json::Value {
        use serde_json::json;
        match self {
            Self::Keywords(words) => json!({ "keywords": words }),
            Self::Color => json!({ "color": true }),
            Self::FontFamily => json!({ "font_names": true, "max_length": FONT_FAMILY_LENGTH }),
            Self::FontSize => json!({ "min": 8, "max": 48, "keywords": FONT_SIZES }),
            Self::FontWeight => {
                json!({ "keywords": ["bold", "bolder", "lighter", "normal"], "min": 100, "max": 900 })
            }
            Self::LineHeight => json!({ "min_factor": 0.8, "max_factor": 3 }),
            Self::TextDecoration => json!({ "keywords": ["line-through", "none", "underline"] }),
            Self::Length(most, true) => json!({ "min": 0, "max": most, "keywords": ["auto"] }),
            Self::Length(most, false) => json!({ "min": 0, "max": most }),
            Self::Size(most) => json!({ "min": 0, "max": most, "max_percent": 100 }),
            Self::Border => {
                json!({ "max_width": BORDER_WIDTH, "styles": BORDER_STYLES, "color": true })
            }
        }
    }
}
