//! Tests with strings that try to run code in a reader's browser. The stored form of each string
//! must be allowed markup that a second parse does not change, so that no parser can read it
//! differently.

use super::*;

/// Returns the attack strings under one heading of `attacks.jsonl`: `markup`, `mutations` (nesting
/// that makes a second parser see a different tree) or `addresses` (disguised schemes that run or
/// show their content).
pub(super) fn attacks(heading: &str) -> Vec<String> {
    let lines = include_str!("attacks.jsonl").lines();
    let section = lines.skip_while(|line| line.strip_prefix("# ") != Some(heading)).skip(1);
    section
        .take_while(|line| !line.starts_with('#'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn no_markup_that_runs_code_is_stored() {
    let inputs = [attacks("markup"), attacks("mutations")].concat();
    let wrapped: Vec<_> = inputs
        .iter()
        .flat_map(|attack| {
            [
                format!("<p>{attack}</p>"),
                format!(r#"<a data-user-id="{ANN}">{attack}</a>"#),
                format!("<table><tr><td>{attack}</td></tr></table>"),
                format!("<pre><code>{attack}"),
            ]
        })
        .collect();
    for html in inputs.into_iter().chain(wrapped) {
        let outcomes: [fn(&MentionRef) -> MentionOutcome; 3] =
            [directory, |_| MentionOutcome::Pending, |_| MentionOutcome::Text];
        for outcome in outcomes {
            let once = draft(&html).render(outcome).html;
            assert_allowed(&once);
            assert_eq!(draft(&once).render(outcome).html, once, "{html}");
        }
    }
}

#[test]
fn no_disguised_scheme_is_stored() {
    for scheme in attacks("addresses") {
        for html in [
            format!("<a href=\"{scheme}\">x</a>"),
            format!("<a href='{scheme}'>x</a>"),
            format!("<p><a target=_blank rel=opener href=\"{scheme}\">x</a></p>"),
        ] {
            let once = stored(&html);
            // An address without a scheme is a path within the site.
            let link = once.contains("<a");
            assert!(
                !link || once.contains("<a href=\"https://app.example.com/"),
                "{html} -> {once}"
            );
            assert!(!link || !scheme.trim_ascii().starts_with("javascript:"), "{html} -> {once}");
            assert!(once.contains('x'), "{html} -> {once}");
        }
    }
}

#[test]
fn links_keep_their_address_and_get_a_rel_attribute() {
    let rel = r#"rel="noopener noreferrer nofollow""#;
    for (href, kept) in [
        ("https://x.example/a?b=1&amp;c=%22", "https://x.example/a?b=1&amp;c=%22"),
        ("HTTPS://X.example", "HTTPS://X.example"),
        ("//x.example/a", "https://x.example/a"),
        ("\\\\x.example\\a", "https://x.example/a"),
        ("mailto:a@b.example?subject=x", "mailto:a@b.example?subject=x"),
        ("tel:+62", "tel:+62"),
        ("https://x.example/\"<>", "https://x.example/&quot;&lt;&gt;"),
    ] {
        let html = format!("<a rel='opener' ping=//evil.example download href='{href}'>x</a>");
        let once = stored(&html);
        assert_eq!(once, format!(r#"<a href="{kept}" {rel}>x</a>"#));
        assert_eq!(stored(&once), once);
    }
}

#[test]
fn the_collection_of_attacks_has_the_expected_size() {
    let sizes = ["markup", "mutations", "addresses"].map(|heading| attacks(heading).len());
    assert!(
        sizes.iter().sum::<usize>() >= 600 && sizes.iter().all(|size| *size >= 90),
        "{sizes:?}"
    );
}
