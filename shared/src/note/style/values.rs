//! The grammars of the values of styles. A value is parsed and written again in its normalized form.

use cssparser::{Parser, Token};

use super::{
    color::color,
    length::{length, push, read_length},
};

/// The widest border, in px.
pub(super) const BORDER_WIDTH: f32 = 10.0;
pub(super) const BORDER_STYLES: &[&str] = &[
    "dashed", "dotted", "double", "groove", "hidden", "inset", "none", "outset", "ridge", "solid",
];
const FONT_SIZES: &[&str] =
    &["large", "medium", "small", "x-large", "x-small", "xx-large", "xx-small"];
const FONT_FAMILY_LENGTH: usize = 200;

/// The grammar of a property's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::note) enum Values {
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

impl Values {
    /// Reads a value and appends it to `out` in its normalized form.
    pub(super) fn read(self, parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
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

fn keyword(parser: &mut Parser<'_>, keywords: &[&str], out: &mut String) -> Option<()> {
    let name = parser.expect_ident().ok()?;
    let known = keywords.iter().find(|known| known.eq_ignore_ascii_case(name))?;
    out.push_str(known);
    Some(())
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
    pub(in crate::note) fn export(self) -> serde_json::Value {
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
