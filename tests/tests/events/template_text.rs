//! Reads `template.yaml` as text, for tests of properties that the local cloud does not use.

use std::fs;

use tests::workspace;

/// The text of `template.yaml`.
pub(super) fn template() -> String {
    fs::read_to_string(workspace().join("template.yaml")).unwrap()
}

/// The lines of a top-level section such as `Parameters`.
pub(super) fn section<'t>(template: &'t str, name: &str) -> &'t str {
    let after = template.split_once(&format!("\n{name}:\n")).map_or("", |(_, rest)| rest);
    let end = after.match_indices('\n').find_map(|(at, _)| {
        let next = after[at + 1..].chars().next();
        next.is_some_and(char::is_alphabetic).then_some(at + 1)
    });
    &after[..end.unwrap_or(after.len())]
}

/// The entries of a section, such as the parameters or the resources: their names and their text.
pub(super) fn entries<'t>(template: &'t str, name: &str) -> Vec<(&'t str, &'t str)> {
    let section = section(template, name);
    let is_name = |line: &str| {
        line.strip_prefix("  ").is_some_and(|rest| rest.starts_with(char::is_alphabetic))
    };
    let mut starts = Vec::new();
    let mut at = 0;
    for line in section.split_inclusive('\n') {
        if is_name(line) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([section.len()]);
    let entry = |(start, end): (&usize, usize)| section[*start..end].trim_start().split_once(':');
    starts.iter().zip(ends).filter_map(entry).collect()
}

/// The resources of this type: their logical ids and their text.
pub(super) fn resources<'t>(template: &'t str, kind: &str) -> Vec<(&'t str, &'t str)> {
    let line = format!("\n    Type: {kind}\n");
    let mut found = entries(template, "Resources");
    found.retain(|(_, text)| text.contains(&line));
    found
}

/// The values of the property `name` in the text of a template.
pub(super) fn values<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let marked = |line: &'t str| line.trim_start().strip_prefix(name)?.strip_prefix(": ");
    text.lines().filter_map(marked).collect()
}
