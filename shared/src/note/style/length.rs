//! Numbers and lengths in the values of styles.

use std::fmt::Write;

use cssparser::{Parser, Token};

/// Appends a number with at most three decimals, and its unit.
pub(super) fn push(out: &mut String, number: f32, unit: &str) {
    let number = (f64::from(number) * 1000.0).round() / 1000.0;
    // Writing to a string cannot fail.
    let _ = write!(out, "{number}{unit}");
}

/// Reads a length of 0 to `limit` px. Returns its number, its unit, and its size in px.
pub(super) fn read_length(parser: &mut Parser<'_>, limit: f32) -> Option<(f32, &'static str)> {
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

/// Reads a length of 0 to `limit` px, also in the form in which Lexical writes indentations.
pub(super) fn length(parser: &mut Parser<'_>, limit: f32, out: &mut String) -> Option<()> {
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
