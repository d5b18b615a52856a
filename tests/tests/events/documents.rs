//! Tests that references to documents are valid: cited sections and headings exist, and every
//! document that a file names exists.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use tests::workspace;

use crate::sources;

/// The names of folders that contain no files of the repository.
const SKIPPED: [&str; 3] = [".git", "node_modules", "target"];

/// A text file of the repository.
struct Text {
    path: PathBuf,
    content: String,
}

/// Reads all text files of the repository, including the files in `.ci`.
fn texts() -> Vec<Text> {
    let mut found = Vec::new();
    let mut open = vec![workspace()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
                open.extend((!SKIPPED.contains(&name)).then_some(path));
            } else if let Ok(content) = fs::read_to_string(&path) {
                found.push(Text { path, content });
            }
        }
    }
    found
}

/// The text of a source file without its line breaks and comment marks, so that a citation can
/// continue on the next line.
fn flowing(source: &str) -> String {
    let marks = |c: char| c == '/' || c == '!' || c == '#' || c.is_whitespace();
    source
        .lines()
        .map(|line| line.trim_start_matches(marks).trim_end())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The headings of a document. The key is the number of a section, or 0 for a section without a
/// number.
type Headings = BTreeMap<u32, Vec<String>>;

fn headings(document: &str) -> Headings {
    let path = workspace().join("docs").join(document);
    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("there is no {document}"));
    let mut found = Headings::new();
    let mut section = 0;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let number = title.split_once(". ").and_then(|(number, _)| number.parse().ok());
            section = number.unwrap_or(0);
            found.entry(section).or_default().push(title.to_owned());
        } else if let Some(heading) = line.strip_prefix("### ") {
            found.entry(section).or_default().push(heading.to_owned());
        }
    }
    found
}

/// Reads `, "Heading"` at the beginning of a text. Returns the heading and the rest of the text, or
/// `None` if the text does not begin like this.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(", \"")?.split_once('"')
}

/// The sections that a text cites. The text begins after a mark such as the specification's short
/// name. Each section has its heading if the citation quotes one. `None` means that the text cites
/// no section.
fn sections(text: &str) -> Vec<Option<(u32, Option<&str>)>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(after) = rest.strip_prefix('§') {
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let Ok(number) = after[..digits].parse() else { break };
        rest = &after[digits..];
        let heading = quoted(rest).map(|(heading, behind)| {
            rest = behind;
            heading
        });
        found.push(Some((number, heading)));
        let next = [", ", " and ", " to "].iter().find_map(|between| rest.strip_prefix(between));
        rest = next.unwrap_or_default();
    }
    if found.is_empty() { vec![None] } else { found }
}

/// The rest of a text after each occurrence of a word.
fn behind<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = &'t str> {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).filter_map(move |(at, _)| {
        let rest = &text[at + word.len()..];
        let whole = !is_part(text[..at].chars().next_back()) && !is_part(rest.chars().next());
        whole.then_some(rest)
    })
}

/// The errors in the citations of numbered sections. There is one entry for each citation, which is
/// `None` if the citation is correct.
fn section_faults(name: &str, texts: &[&str], known: &Headings) -> Vec<Option<String>> {
    let fault = |citation: Option<(u32, Option<&str>)>| {
        let Some((number, heading)) = citation else {
            return Some(format!("{name} cites the specification without a section"));
        };
        let Some(section) = known.get(&number) else {
            return Some(format!("{name}: there is no section {number}"));
        };
        let heading = heading.filter(|heading| section.iter().all(|known| known != heading))?;
        Some(format!("{name}: section {number} has no heading \"{heading}\""))
    };
    texts.iter().flat_map(|text| sections(text)).map(fault).collect()
}

/// Fails with all errors at once, or if fewer than `least` entries were checked.
fn assert_sound(checked: Vec<Option<String>>, least: usize) {
    assert!(checked.len() >= least, "only {} were found", checked.len());
    let faults: Vec<String> = checked.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether a text is this file. It contains the marks of citations but cites nothing.
fn is_this_test(text: &Text) -> bool {
    text.path.ends_with(file!())
}

#[test]
fn every_cited_section_of_the_specification_exists() {
    let known = headings("specification.md");
    assert!((1..=6).all(|number| known.contains_key(&number)), "{:?}", known.keys());
    let mut checked = Vec::new();
    for text in texts().iter().filter(|text| !is_this_test(text)) {
        let flowing = flowing(&text.content);
        let cited: Vec<_> = behind(&flowing, "SPEC").map(str::trim_start).collect();
        checked.extend(section_faults(&text.path.display().to_string(), &cited, &known));
    }
    assert_sound(checked, 80);
}

#[test]
fn every_section_that_the_specification_refers_to_exists() {
    let known = headings("specification.md");
    let text = fs::read_to_string(workspace().join("docs/specification.md")).unwrap();
    // A citation of a section of the RFC or the PRD has the document's name before the mark.
    let own = text.match_indices('§').map(|(at, _)| (text[..at].trim_end(), &text[at..]));
    let own = own.filter(|(before, _)| !before.ends_with("RFC") && !before.ends_with("PRD"));
    let own: Vec<&str> = own.map(|(_, citation)| citation).collect();
    let mut checked = section_faults("docs/specification.md", &own, &known);
    let seen = text.split("see \"").skip(1).filter_map(|rest| rest.split('"').next());
    checked.extend(seen.map(|heading| {
        let is_there = known.values().flatten().any(|known| known == heading);
        (!is_there).then(|| format!("there is no heading \"{heading}\""))
    }));
    assert_sound(checked, 20);
}

#[test]
fn every_cited_section_of_the_architecture_exists() {
    let known = headings("architecture.md");
    let mut checked = Vec::new();
    for text in texts().iter().filter(|text| !is_this_test(text)) {
        let (name, flowing) = (text.path.display(), flowing(&text.content));
        checked.extend(behind(&flowing, "ARCHITECTURE").map(|citation| match quoted(citation) {
            Some((heading, _)) if known.values().flatten().any(|known| known == heading) => None,
            Some((heading, _)) => Some(format!("{name}: there is no heading \"{heading}\"")),
            None => Some(format!("{name} cites the architecture without a heading")),
        }));
    }
    assert_sound(checked, 5);
}

/// The quoted texts that follow each occurrence of `lead` in a source file.
fn quoted_after<'s>(source: &'s str, lead: &str) -> Vec<&'s str> {
    source.split(lead).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_specification_names_every_event_and_every_error_code() {
    let text = fs::read_to_string(workspace().join("docs/specification.md")).unwrap();
    let events = sources(&["shared/src", "functions"]).concat();
    let codes = fs::read_to_string(workspace().join("shared/src/entry/failure.rs")).unwrap();
    let mut names = quoted_after(&events, "event_name = \"");
    names.extend(quoted_after(&codes, "=> (\""));
    let missing = |name: &str| (!text.contains(&format!("`{name}`"))).then(|| name.to_owned());
    assert_sound(names.into_iter().map(missing).collect(), 30);
}

/// The Markdown documents that a text names by file name or path, and the files to which its links
/// lead.
fn documents(text: &Text) -> Vec<String> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    let words = text.content.split(|c: char| !is_path(c)).map(|word| word.trim_end_matches('.'));
    // A text that begins with `//` is the address of another site.
    let words = words.filter(|word| word.ends_with(".md") && !word.starts_with("//"));
    let mut named: Vec<String> = words.map(str::to_owned).collect();
    if text.path.extension().is_some_and(|extension| extension == "md") {
        let targets = text.content.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let inside = targets.filter(|target| !target.contains(':') && !target.starts_with('#'));
        named.extend(inside.filter_map(|target| target.split('#').next()).map(str::to_owned));
    }
    named
}

/// Whether a document exists, as a path from the root of the repository or from the file's folder.
fn exists(document: &str, file: &Path) -> bool {
    let folder = file.parent().unwrap_or(file);
    [workspace(), folder.to_owned()].iter().any(|folder| folder.join(document).exists())
}

#[test]
fn every_document_that_a_file_names_is_in_the_repository() {
    let mut checked = Vec::new();
    for text in texts().iter().filter(|text| !is_this_test(text)) {
        checked.extend(documents(text).into_iter().map(|document| {
            let name = text.path.display();
            (!exists(&document, &text.path)).then(|| format!("{name} names {document}"))
        }));
    }
    assert_sound(checked, 20);
}

#[test]
fn citations_are_read_across_lines_and_with_their_headings() {
    let source = "//! What a save does (§3, \"On\n//! write\"; §1, §2 and §5).";
    let flowing = flowing(source);
    let at = flowing.find('§').unwrap();
    assert_eq!(sections(&flowing[at..]), [Some((3, Some("On write")))]);
    let at = flowing.find("§1").unwrap();
    assert_eq!(sections(&flowing[at..]), [1, 2, 5].map(|number| Some((number, None))));
    assert_eq!(sections("says so"), [None]);
    assert_eq!(behind("UNSPEC SPEC x SPECS", "SPEC").collect::<Vec<_>>(), [" x SPECS"]);
}
