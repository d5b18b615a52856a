//! Finds the name at the start of a mention's text. Only the name is replaced by the directory's;
//! all other text is kept (SPEC §3, "Markup").

use super::markup::{Token, is_visible, push_text, tokens, unescape};
use crate::bidi::without_bidi_controls;

/// The display name as a mention shows it: without control characters, and without characters that
/// change the direction of the text after them.
pub(super) fn shown_name(display_name: &str) -> String {
    let mut shown = without_bidi_controls(display_name);
    shown.retain(|c| !c.is_control());
    shown
}

/// The markup before and after a mention whose name was taken out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rest {
    /// White space before the name.
    pub(super) before: String,
    /// Everything after the name.
    pub(super) behind: String,
}

/// Takes the name out of `run`, the markup in a mention: one line of text with formatting.
pub(super) fn take_name<'n>(run: &str, names: impl Iterator<Item = &'n str>) -> Rest {
    let mut text = String::with_capacity(run.len());
    for (_, token) in tokens(run) {
        if let Token::Text(escaped) = token {
            text.push_str(&unescape(escaped));
        }
    }
    let start = text.find(is_visible).unwrap_or(text.len());
    let names: Vec<&str> = names.map(|name| name.trim_start_matches('@').trim()).collect();
    let end = start + name_length(&text[start..], &names);
    let mut rest = Rest::default();
    let space = text[..start].chars().filter(|c| c.is_whitespace());
    push_text(&mut rest.before, &space.collect::<String>());
    let mut at = 0;
    // The length of the markup before each open element, and after its start tag.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (range, token) in tokens(run) {
        match token {
            Token::Text(escaped) => {
                let text = unescape(escaped);
                let from = end.saturating_sub(at).min(text.len());
                at += text.len();
                push_text(&mut rest.behind, &text[from..]);
            }
            Token::Start(..) => {
                let before = rest.behind.len();
                rest.behind.push_str(&run[range]);
                open.push((before, rest.behind.len()));
            }
            Token::End(_) => match open.pop() {
                // The formatting of the name itself is not kept.
                Some((before, behind)) if behind == rest.behind.len() => {
                    rest.behind.truncate(before);
                }
                _ => rest.behind.push_str(&run[range]),
            },
            Token::Other => {}
        }
    }
    // Quill puts an invisible character after each mention.
    if !text[end..].chars().any(|c| is_visible(c) || c.is_whitespace()) {
        rest.behind.clear();
    }
    rest
}

/// The length of the name that `text` begins with, in bytes, with the `@` before it; 0 if it begins
/// with no name. The longest name wins. Otherwise it is the first word, if that begins a word of a
/// name and comes after an `@`.
fn name_length(text: &str, names: &[&str]) -> usize {
    let after = text.strip_prefix('@').map_or(text, str::trim_start);
    let sign = text.len() - after.len();
    let longest = names.iter().filter_map(|name| matched(after, name)).max();
    if let Some(length) = longest
        && (length > 0 || after.is_empty())
    {
        return sign + length;
    }
    if sign > 0 && !after.contains(is_visible) {
        return text.len();
    }
    if sign != 1 {
        return 0;
    }
    let to_space = after.find(char::is_whitespace).unwrap_or(after.len());
    let to_mark = after.find(|c: char| !c.is_alphanumeric()).unwrap_or(after.len());
    for word in [&after[..to_space], &after[..to_mark]] {
        let begins = |name: &&str| {
            let words = name.split(|c: char| !c.is_alphanumeric()).chain(name.split_whitespace());
            words.into_iter().any(|known| matched(known, word).is_some())
        };
        if !word.is_empty() && names.iter().any(begins) {
            return sign + word.len();
        }
    }
    0
}

/// The length of the part of `text` that is equal to `name`; `None` if `text` does not begin with
/// it. Upper and lower case are equal, and so are all white space characters.
fn matched(text: &str, name: &str) -> Option<usize> {
    let mut rest = text;
    let mut in_space = false;
    for c in name.chars() {
        if c.is_whitespace() {
            if !in_space {
                let trimmed = rest.trim_start();
                if trimmed.len() == rest.len() {
                    return None;
                }
                rest = trimmed;
            }
            in_space = true;
            continue;
        }
        in_space = false;
        let next = rest.chars().next()?;
        if next != c && !next.to_lowercase().eq(c.to_lowercase()) {
            return None;
        }
        rest = &rest[next.len_utf8()..];
    }
    Some(text.len() - rest.len())
}
