//! Tests of properties that hold for any input. The inputs are random pieces of markup that are
//! often misnested, and documents of a grammar. `PROPTEST_CASES` sets the number of inputs for each
//! property.

use std::env;

use proptest::prelude::*;

use super::{
    grammar::{document, written},
    *,
};

/// The default number of inputs for each property.
const CASES: u32 = 1_000;

fn config() -> ProptestConfig {
    let requested = env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig { cases: requested.unwrap_or(CASES), ..ProptestConfig::default() }
}

const TAGS: &[&str] = &[
    "a",
    "b",
    "i",
    "p",
    "div",
    "span",
    "h1",
    "h2",
    "ul",
    "ol",
    "li",
    "table",
    "tbody",
    "tr",
    "td",
    "th",
    "caption",
    "colgroup",
    "col",
    "pre",
    "code",
    "blockquote",
    "br",
    "hr",
    "img",
    "section",
    "font",
    "button",
    "object",
    "form",
    "select",
    "option",
    "svg",
    "math",
    "mtext",
    "style",
    "script",
    "title",
    "template",
    "noscript",
    "textarea",
    "iframe",
    "marquee",
    "nobr",
    "dd",
    "dt",
    "ruby",
    "rt",
    "foreignObject",
    "body",
    "html",
    "x-y",
];

fn attribute() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(format!(" data-user-id=\"{ANN}\"")),
        Just(format!(" data-user-id={BOB}")),
        Just(format!(" href='../../users/{BOB}/edit_user'")),
        Just(format!(" href=\"https://{HOST}/users/{ANN}/edit_user?x\"")),
        Just(" href=/users/4711/edit_user".to_owned()),
        Just(" data-user-id=bad".to_owned()),
        Just(" data-mention=false".to_owned()),
        Just(" data-mention=\"pending\"".to_owned()),
        Just(" href=\"https://x.example/?a&amp;b\"".to_owned()),
        Just(" href=\"java\tscript:alert(1)\"".to_owned()),
        Just(" onclick=x".to_owned()),
        Just(" class=\"ql-align-center evil\"".to_owned()),
        Just(" style=\"color:RED;position:fixed\"".to_owned()),
        "[ a-z\"'=/<>]{0,8}".prop_map(|text| format!(" {text}")),
    ]
}

/// The text that a browser shows for `html`, if nothing of it is removed.
pub(super) fn text_of(html: &str) -> String {
    let judged = ammonia::Builder::new()
        .tags(["textarea"].into())
        .clean_content_tags(["script", "style", "title", "template", "noscript", "datalist"].into())
        .clean(html)
        .to_string();
    let mut text = String::new();
    for (_, token) in markup::tokens(&judged) {
        if let markup::Token::Text(escaped) = token {
            text.push_str(&markup::unescape(escaped));
        }
    }
    text
}

fn piece() -> impl Strategy<Value = String> {
    let open = (proptest::sample::select(TAGS), proptest::collection::vec(attribute(), 0..3))
        .prop_map(|(tag, attributes)| format!("<{tag}{}>", attributes.concat()));
    let anchor = (attribute(), attribute()).prop_map(|(one, two)| format!("<a{one}{two}>@x"));
    prop_oneof![
        6 => open,
        3 => anchor,
        4 => proptest::sample::select(TAGS).prop_map(|tag| format!("</{tag}>")),
        3 => "[a-z \n\0&;<>\"'@🙂\u{a0}]{0,6}",
        1 => Just("&lt;script&gt;&#x3c;b&#62;&nbsp;".to_owned()),
        1 => Just("<!--".to_owned()),
        1 => Just("-->".to_owned()),
        1 => Just("<![CDATA[".to_owned()),
    ]
}

fn markup() -> impl Strategy<Value = String> {
    let pieces = proptest::collection::vec(piece(), 0..24).prop_map(|pieces| pieces.concat());
    prop_oneof![1 => pieces, 2 => document()]
}

/// Returns one of the ways in which the directory can respond. The same seed gives the same
/// responses, so that both saves get them.
fn outcome(seed: u8) -> impl Fn(&MentionRef) -> MentionOutcome {
    move |reference| match (seed % 4, reference) {
        (1 | 2, MentionRef::User(user)) if seed % 4 == 1 || user.as_bytes()[15] == 0xaa => {
            MentionOutcome::Verified {
                user: *user,
                display_name: "D <i>&".to_owned(),
                known_names: Vec::new(),
            }
        }
        (3, _) => MentionOutcome::Text,
        _ => MentionOutcome::Pending,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_input_is_stored_as_allowed_markup_that_a_second_save_does_not_change(html in markup(), seed in 0u8..4) {
        let rendered = draft(&html).render(outcome(seed));
        assert_allowed(&rendered.html);
        let again = draft(&rendered.html).render(outcome(seed));
        prop_assert_eq!(&again.html, &rendered.html);
        prop_assert_eq!(&again.mentioned, &rendered.mentioned);
        prop_assert_eq!(&again.pending, &rendered.pending);
    }

    #[test]
    fn the_mentioned_people_are_exactly_those_in_the_stored_markup(html in markup(), seed in 0u8..4) {
        let rendered = draft(&html).render(outcome(seed));
        let mut shown = anchors(&rendered.html, "true");
        let mut named: Vec<_> = rendered.mentioned.iter().map(ToString::to_string).collect();
        let mut waiting = anchors(&rendered.html, "pending");
        let mut pending: Vec<_> = rendered.pending.iter().map(MentionRef::id).collect();
        for list in [&mut shown, &mut named, &mut waiting, &mut pending] {
            list.sort();
            list.dedup();
        }
        prop_assert_eq!(&shown, &named);
        prop_assert_eq!(&waiting, &pending);
        prop_assert!(pending.iter().all(|id| !named.contains(id)));
    }

    #[test]
    fn the_mobile_form_mentions_the_same_people(html in markup(), seed in 0u8..4) {
        let rendered = draft(&html).render(outcome(seed));
        let mobile = draft(&to_mobile(&rendered.html));
        let stored = draft(&rendered.html);
        let is_new = |reference: &&MentionRef| !stored.references().contains(reference);
        // The mobile form has no attribute that marks a link as not being a mention.
        if !rendered.html.contains("data-mention=\"false\"") {
            prop_assert_eq!(mobile.references().iter().find(is_new), None);
            prop_assert_eq!(mobile.references().len(), stored.references().len());
        }
    }

    #[test]
    fn text_outside_removed_elements_is_kept_in_order((html, words) in written()) {
        let text = plain_text(&draft(&html).render(directory).html);
        let kept: Vec<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let expected: Vec<String> = (0..words).map(|word| format!("w{word}")).collect();
        prop_assert_eq!(kept, expected, "{}", html);
    }

    #[test]
    fn visible_text_is_kept_except_names_and_what_a_warning_names(html in markup(), seed in 0u8..4) {
        let clean = draft(&html);
        // Without any mention, the text of the parsed source is the text of the stored note.
        let rendered = clean.render(|_| MentionOutcome::Text);
        let visible = |text: &str| -> String { text.chars().filter(|c| markup::is_visible(*c)).collect() };
        let again = draft(&rendered.html).render(|_| MentionOutcome::Text);
        prop_assert_eq!(visible(&plain_text(&again.html)), visible(&plain_text(&rendered.html)));
        // `ammonia` also removes unknown elements that have the name of an SVG or MathML element.
        let lower = html.to_ascii_lowercase();
        let has_foreign_name = grammar::FOREIGN.iter().any(|name| {
            let name = name.to_ascii_lowercase();
            !["a", "title", "style", "script", "image"].contains(&name.as_str())
                && lower.contains(&format!("<{name}"))
        });
        // The content of an unclosed `title` is parsed as markup.
        let has_title = lower.contains("<title") || lower.contains("<textarea");
        if rendered.removed.is_empty() && !has_foreign_name && !has_title {
            prop_assert_eq!(visible(&plain_text(&rendered.html)), visible(&text_of(&html)), "{}", html);
        }
        // With mentions, only the names differ.
        let mentioned = clean.render(outcome(seed));
        let without = |html: &str| {
            let mut text = String::new();
            let mut in_mention = false;
            for (range, token) in markup::tokens(html) {
                match token {
                    markup::Token::Start("a", tag) => in_mention = tag.contains("data-mention=\"true\""),
                    markup::Token::End("a") => in_mention = false,
                    _ if in_mention => {}
                    _ => text.push_str(&html[range]),
                }
            }
            visible(&plain_text(&text))
        };
        let (all, kept) = (visible(&plain_text(&rendered.html)), without(&mentioned.html));
        let mut rest = all.chars();
        let is_part = kept.chars().all(|c| rest.any(|other| other == c));
        prop_assert!(is_part, "{} is not a part of {}", kept, all);
    }

    #[test]
    fn ammonia_removes_nothing_from_a_stored_note(html in markup(), seed in 0u8..4) {
        let once = draft(&html).render(outcome(seed)).html;
        let judged = formatting::judged_by_ammonia(&once);
        let in_one_form = |html: &str| html.replace("<pre>\n", "<pre>").replace('\n', "");
        prop_assert_eq!(in_one_form(&judged), in_one_form(&once));
    }

    #[test]
    fn any_text_is_parsed_without_a_panic(html in "\\PC{0,200}") {
        let rendered = draft(&html).render(outcome(1));
        assert_allowed(&rendered.html);
        let _ = (counted_length(&html, &Site::default()), plain_text(&html), has_text(&html), to_mobile(&html));
    }

    #[test]
    fn the_counted_length_over_the_limit_never_exceeds_the_submitted_length(html in markup()) {
        let long = format!("{html}{}", "x".repeat(NOTE_LENGTH_LIMIT));
        prop_assert!(counted_length(&long, &site()) <= long.chars().count());
    }
}
