//! Colors in the values of styles.

use cssparser::{Parser, Token};

use super::length::push;

/// Reads a color that can be seen: a name, a hexadecimal number, or a function.
pub(super) fn color(parser: &mut Parser<'_>, out: &mut String) -> Option<()> {
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
