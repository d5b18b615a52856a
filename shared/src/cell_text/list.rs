//! Lists in one cell: the values, joined and split.

use std::borrow::Cow;

/// The separator between the values of a list in one cell.
pub const LIST_SEPARATOR: &str = "; ";

/// Joins the values of a list to the text of one cell. A value that contains a `;`, starts with a
/// quote, or is empty or surrounded by white space is put in quotes, with its quotes doubled, so
/// that [`split_list`] returns exactly the values.
#[must_use]
pub fn join_list<'a, T: Into<Cow<'a, str>>>(values: impl IntoIterator<Item = T>) -> Cow<'a, str> {
    let mut values = values.into_iter().map(|value| quoted(value.into()));
    let Some(mut joined) = values.next() else { return Cow::Borrowed("") };
    for value in values {
        let text = joined.to_mut();
        text.push_str(LIST_SEPARATOR);
        text.push_str(&value);
    }
    joined
}

#[inline]
fn quoted(value: Cow<'_, str>) -> Cow<'_, str> {
    let is_ambiguous = value.is_empty()
        || value.starts_with('"')
        || value.contains(';')
        || value.trim().len() != value.len();
    if is_ambiguous { Cow::Owned(format!("\"{}\"", value.replace('"', "\"\""))) } else { value }
}

/// Splits the text of a cell into the values of a list. White space around a value is dropped, and
/// so are empty values, unless they are in quotes. A quote that is not closed, or that has text
/// after it, is part of the value, because the text was not written by [`join_list`].
#[must_use]
pub fn split_list(text: &str) -> Vec<Cow<'_, str>> {
    let mut values = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some((value, after)) = split_quoted(rest) {
            values.push(value);
            rest = after;
        } else {
            let (value, after) = rest.split_once(';').unwrap_or((rest, ""));
            let value = value.trim();
            if !value.is_empty() {
                values.push(Cow::Borrowed(value));
            }
            rest = after.trim_start();
        }
    }
    values
}

/// Splits the quoted value at the start of a list from the rest of the list; `None` if the list does
/// not start with a quoted value.
fn split_quoted(list: &str) -> Option<(Cow<'_, str>, &str)> {
    let quoted = list.strip_prefix('"')?;
    let mut from = 0;
    let end = loop {
        let at = from + quoted[from..].find('"')?;
        match quoted[at..].starts_with("\"\"") {
            true => from = at + 2,
            false => break at,
        }
    };
    let after = quoted[end + 1..].trim_start();
    let after = if after.is_empty() { after } else { after.strip_prefix(';')?.trim_start() };
    let value = &quoted[..end];
    let value = if value.contains('"') { value.replace("\"\"", "\"").into() } else { value.into() };
    Some((value, after))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_list_is_split_into_the_values_that_were_joined(
            values in vec(prop_oneof!["[a; \"]{0,6}", "(?s).{0,10}"], 0..6)
        ) {
            let joined = join_list(values.iter().map(String::as_str));
            prop_assert_eq!(split_list(&joined), values.clone());
        }
    }

    #[test]
    fn a_list_of_another_program_is_split_at_semicolons() {
        assert_eq!(split_list(" a;b ;; \"c\" d; \"e"), ["a", "b", "\"c\" d", "\"e"]);
        assert_eq!(split_list("vip; \"a; b\"; c"), ["vip", "a; b", "c"]);
        assert!(split_list(" ; ").is_empty());
    }
}
