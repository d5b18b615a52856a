//! What becomes of the HTML that editors write for each of their features.
//!
//! The files of Tiptap 3, `TinyMCE` 7 and `CKEditor` 48 were recorded from these editors; the others
//! have what the sources of the editors write. `UPDATE_DOCS=1` writes the table of the documentation.

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::PathBuf};

use super::*;

const PAGE: &str = "docs/note-formatting.md";
const START: &str = "<!-- The table is written by a test: UPDATE_DOCS=1 cargo test editors -->\n";

const EDITORS: &[(&str, &str)] = &[
    ("Tiptap 3", include_str!("editors/tiptap.json")),
    ("TinyMCE 7", include_str!("editors/tinymce.json")),
    ("CKEditor 48", include_str!("editors/ckeditor.json")),
    ("Quill 1", include_str!("editors/quill1.json")),
    ("Quill 2", include_str!("editors/quill2.json")),
    ("Lexical", include_str!("editors/lexical.json")),
    ("Pasted text", include_str!("editors/pasted.json")),
];

fn features(json: &str) -> Vec<(String, String)> {
    let features: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap();
    features.into_iter().map(|(name, html)| (name, html.as_str().unwrap().to_owned())).collect()
}

/// Every element, attribute, class and declaration of `html`, each with the number of times it
/// occurs.
fn inventory(html: &str) -> BTreeMap<String, i32> {
    let mut found = BTreeMap::new();
    let mut count = |what: String| *found.entry(what).or_insert(0) += 1;
    for (tag, attributes) in elements(html) {
        count(format!("<{tag}>"));
        for (name, value) in attributes {
            match name.as_str() {
                // Every link gets the same value.
                "rel" => {}
                "class" => {
                    value
                        .split_ascii_whitespace()
                        .for_each(|class| count(format!("class `{class}`")));
                }
                "style" => {
                    let declarations = value.split(';').map(str::trim).filter(|d| !d.is_empty());
                    for declaration in declarations {
                        let compact: String = declaration
                            .chars()
                            .filter(|c| !matches!(c, ' ' | '"' | '\''))
                            .collect();
                        count(format!("`{compact}`"));
                    }
                }
                _ => count(format!("`{name}=\"{value}\"`")),
            }
        }
    }
    found
}

fn listed(more: &BTreeMap<String, i32>, fewer: &BTreeMap<String, i32>) -> String {
    let missing = more.iter().filter(|(what, count)| fewer.get(*what).unwrap_or(&0) < count);
    let code =
        |what: &String| if what.starts_with('<') { format!("`{what}`") } else { what.clone() };
    missing.map(|(what, _)| code(what)).collect::<Vec<_>>().join(", ").replace('|', "\\|")
}

/// Everyone's name was `Name` when the notes were written, and is `Dir` now.
fn directory(reference: &MentionRef) -> MentionOutcome {
    match super::directory(reference) {
        MentionOutcome::Verified { user, display_name, .. } => {
            MentionOutcome::Verified { user, display_name, known_names: vec!["Name".to_owned()] }
        }
        other => other,
    }
}

fn stored(html: &str) -> String {
    draft(html).render(directory).html
}

fn result(html: &str) -> String {
    let rendered = draft(html).render(directory);
    let (before, after) = (inventory(html), inventory(&rendered.html));
    let (without, with) = (listed(&before, &after), listed(&after, &before));
    let mut text = match (without.is_empty(), with.is_empty()) {
        (true, true) => "kept".to_owned(),
        (false, true) => format!("changed: without {without}"),
        (true, false) => format!("changed: with {with}"),
        (false, false) => format!("changed: {with} for {without}"),
    };
    if !rendered.removed.is_empty() {
        let kinds: Vec<_> = rendered.removed.iter().map(|kind| kind.name()).collect();
        let _ = write!(text, "; removed with the warning: {}", kinds.join(", "));
    }
    text
}

#[test]
fn the_documented_table_of_editors_and_features_is_what_happens() {
    let mut table = String::from("| editor | feature | result |\n|---|---|---|\n");
    for (editor, json) in EDITORS {
        for (feature, html) in features(json) {
            let _ = writeln!(table, "| {editor} | {feature} | {} |", result(&html));
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let (head, documented) = page.split_once(START).unwrap();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{head}{START}{table}")).unwrap();
        return;
    }
    assert_eq!(documented, table, "run the test with UPDATE_DOCS=1");
}

#[test]
fn what_an_editor_writes_is_stored_once_and_never_changes_again() {
    for (editor, json) in EDITORS {
        for (feature, html) in features(json) {
            let once = stored(&html);
            assert_allowed(&once);
            assert_eq!(stored(&once), once, "{editor}: {feature}");
            let again = draft(&once).render(directory);
            assert_eq!(again.removed, [], "{editor}: {feature}");
        }
    }
}

#[test]
fn the_text_of_every_feature_is_kept() {
    let visible = |text: &str| -> String {
        text.chars().filter(|c| markup::is_visible(*c)).collect::<String>()
    };
    for (editor, json) in EDITORS {
        for (feature, html) in features(json) {
            if ["image", "image only", "formula", "code block"].contains(&feature.as_str()) {
                continue;
            }
            let is_mention = html.contains("data-id") || html.contains("data-user-id");
            let text = properties::text_of(&html);
            let text = if is_mention { text.replace("@Name", "@Dir") } else { text };
            assert_eq!(visible(&plain_text(&stored(&html))), visible(&text), "{editor}: {feature}");
        }
    }
}

#[test]
fn checklists_code_and_the_wrapper_of_google_docs_round_trip() {
    let lexical = r#"<ul><li role="checkbox" aria-checked="true" value="1">done</li></ul>"#;
    let todo = r#"<ul class="todo-list"><li><label class="todo-list__label"><input type="checkbox" checked="checked" disabled="disabled"><span class="todo-list__label__description">done</span></label></li></ul>"#;
    let code = r#"<pre><code class="language-c++">int a;</code></pre><pre><code class="language-c#">int a;</code></pre>"#;
    let quill = r#"<div class="ql-code-block-container" spellcheck="false"><div class="ql-code-block" data-language="javascript">let a;</div></div>"#;
    for html in [lexical, todo, code, quill] {
        assert_eq!(stored(html), html);
    }
    let google = r#"<b style="font-weight:normal;" id="docs-internal-guid-1"><p dir="ltr"><span style="font-weight:700">b</span><span style="font-style:italic">i</span></p></b>"#;
    let kept = r#"<p dir="ltr"><span style="font-weight: 700">b</span><span style="font-style: italic">i</span></p>"#;
    assert_eq!(stored(google), kept);
}
