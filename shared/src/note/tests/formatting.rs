//! Tests of the rules for kept text, removed content, links within the site, classes and styles.

use std::{fs, path::PathBuf};

use super::*;

fn named(html: &str, names: &[&str]) -> String {
    let outcome = |reference: &MentionRef| match reference {
        MentionRef::User(user) => MentionOutcome::Verified {
            user: *user,
            display_name: "Budi Hartono".to_owned(),
            known_names: names.iter().map(|name| (*name).to_owned()).collect(),
        },
        _ => MentionOutcome::Text,
    };
    let once = draft(html).render(outcome);
    assert_eq!(draft(&once.html).render(outcome).html, once.html, "{html}");
    assert_eq!(anchors(&once.html, "true").len(), once.html.matches("data-user-id").count());
    assert!(once.removed.is_empty() && once.unwrapped.is_empty(), "{html}");
    let chip = format!(r#"<a data-user-id="{ANN}" data-mention="true">@Budi Hartono</a>"#);
    once.html.replace(&chip, "[@]")
}

#[test]
fn only_the_name_in_a_mention_is_replaced() {
    let anchors = [
        format!(r#"<a data-user-id="{ANN}" data-mention="true">"#),
        format!(r#"<a href="../../../users/{ANN}/edit_user">"#),
    ];
    for anchor in anchors {
        for (inside, kept) in [
            ("@Budi Hartono please call</a> x", "[@] please call x"),
            ("Budi Hartono please call</a>", "[@] please call"),
            ("@budi\u{a0} hartono, please</a>", "[@], please"),
            ("@<b>Budi</b> Hartono <i>please</i></a>", "[@] <i>please</i>"),
            ("@Budi please call</a>", "[@] please call"),
            ("@Hart, please</a>", "[@], please"),
            ("@Old Name please</a>", "[@] please"),
            ("@budi@example.com please</a>", "[@] please"),
            ("@Someone else</a>", "[@]@Someone else"),
            ("please call</a>", "[@]please call"),
            ("</a>x", "[@]x"),
            ("@Budi Hartono<br>two<br>three</a> four", "[@]<br>two<br>three four"),
            ("<b>@Budi Hartono<br>two</b></a>", "[@]<b><br>two</b>"),
            ("<h2>@Budi Hartono</h2><p>rest</p></a>", "<h2>[@]</h2><p>rest</p>"),
            (
                "@Budi Hartono<table><tbody><tr><td>a</td></tr></tbody></table></a>",
                "[@]<table><tbody><tr><td>a</td></tr></tbody></table>",
            ),
        ] {
            let html = format!("{anchor}{inside}");
            assert_eq!(named(&html, &["Old Name", "budi@example.com"]), kept, "{html}");
        }
        let unclosed = format!("<p>Hi {anchor}@Budi Hartono</p><p>two</p><ul><li>three</li></ul>");
        assert_eq!(named(&unclosed, &[]), "<p>Hi [@]</p><p>two</p><ul><li>three</li></ul>");
        let nested =
            format!("<p>{anchor}@Budi Hartono and <span data-user-id=\"{ANN}\">@Budi</span> x</a>");
        assert_eq!(named(&nested, &[]), "<p>[@] and [@] x</p>");
    }
}

#[test]
fn the_chips_of_the_editors_are_mentions() {
    for chip in [
        format!(r#"<span class="mention" data-mention="@Nick" data-user-id="{ANN}">@Nick</span>"#),
        format!(r#"<span data-type="mention" data-id="{ANN}" data-label="Nick">@Nick</span>"#),
        format!(r#"<a data-type="mention" data-id="{ANN}" data-label="Nick">@Nick</a>"#),
        format!(
            "<span class=\"mention\" data-denotation-char=\"@\" data-id=\"{ANN}\" \
             data-value=\"Nick\">\u{feff}<span contenteditable=\"false\"><span \
             class=\"ql-mention-denotation-char\">@</span>Nick</span>\u{feff}</span>"
        ),
    ] {
        assert_eq!(named(&format!("<p>{chip} ok</p>"), &[]), "<p>[@] ok</p>", "{chip}");
    }
    for other in [
        format!(r#"<span data-id="{ANN}">@Nick</span>"#),
        r#"<span class="mention" data-id="7">@Nick</span>"#.to_owned(),
        format!(r#"<span data-user-id="{ANN}" data-mention="false">@Nick</span>"#),
        format!(r#"<p data-user-id="{ANN}">@Nick</p>"#),
    ] {
        assert!(draft(&other).references().is_empty(), "{other}");
    }
}

#[test]
fn removed_content_is_named_and_its_text_is_kept() {
    use Removed::*;
    let cases: &[(&str, &str, &[Removed])] = &[
        ("a<img src=x alt=\"chart &amp; key\">b", "achart &amp; keyb", &[Image]),
        ("a<iframe src=x></iframe>b", "ab", &[Frame]),
        ("a<object data=x>y</object><embed src=x>", "a", &[Frame]),
        ("a<video src=x>y</video><audio src=x></audio>", "a", &[Video, Audio]),
        ("a<svg><text>y</text></svg><math><mi>x</mi></math>", "a", &[Drawing, Formula]),
        ("a<script>y</script><style>z</style>", "a", &[Script, Style]),
        ("<p style=\"display:none\">a</p>", "<p>a</p>", &[Style]),
        ("<p style=\"position:fixed;inset:0\">a</p>", "<p>a</p>", &[Style]),
        (
            "<p style=\"color:red;margin-left:-9px\">a</p>",
            "<p style=\"color: red\">a</p>",
            &[Style],
        ),
        ("<p style=\"margin:0 0 10px;mso-x:1;display:block\">a</p>", "<p>a</p>", &[]),
        ("<a href=\"javascript:x\">a</a>", "a", &[Link]),
        ("a<select><option>x</select><input value=y>", "a", &[Field]),
        ("<section>a</section><article>b</article>", "<div>a</div><div>b</div>", &[]),
        ("<textarea>a</textarea>b", "ab", &[]),
        ("a<textarea><p>b</p>", "a<p>b</p>", &[]),
        ("a<title><p>b</p>", "a<p>b</p>", &[]),
    ];
    for (html, kept, removed) in cases {
        let rendered = draft(html).render(directory);
        assert_eq!((rendered.html.as_str(), &*rendered.removed), (*kept, *removed), "{html}");
    }
}

#[test]
fn a_note_with_only_an_image_is_empty_and_the_message_names_the_image() {
    for html in ["<img src=x>", "<p><img src=x alt=\"screenshot\"></p>", "<iframe src=x></iframe>"]
    {
        let rendered = draft(html).render(directory);
        assert!(!rendered.has_text(), "{html}");
        let message = NoteError::Empty(rendered.removed.clone()).to_string();
        assert!(message.contains(rendered.removed[0].name()), "{message}");
    }
    for blank in ["\u{2800}", "\u{3164}", "\u{2063}", "\u{180e}", "\u{200b}", "\u{ad}"] {
        assert!(!draft(&format!("<p>{blank}</p>")).render(directory).has_text(), "{blank:?}");
    }
}

#[test]
fn links_within_the_site_are_stored_with_its_address() {
    let site = Site::new("https://app.example.com/crm");
    for (href, kept) in [
        ("/customers/1", "https://app.example.com/customers/1"),
        ("customers/1", "https://app.example.com/crm/customers/1"),
        ("?x=1", "https://app.example.com/crm/?x=1"),
        ("#a", "https://app.example.com/crm/#a"),
        ("www.example.org/a", "https://www.example.org/a"),
        ("//other.example/a", "https://other.example/a"),
        ("/\\other.example/a", "https://other.example/a"),
        ("https://x.example/", "https://x.example/"),
    ] {
        let html = format!("<a href=\"{href}\" title=\"t\">x</a>");
        let once = Draft::parse(&html, &site).render(directory).html;
        let expected =
            format!("<a href=\"{kept}\" title=\"t\" rel=\"noopener noreferrer nofollow\">x</a>");
        assert_eq!(once, expected);
        assert_eq!(Draft::parse(&once, &site).render(directory).html, once);
    }
    let links = "<a href=\"/a\">x</a>".repeat(100);
    let html = format!("{links}{}", "x".repeat(NOTE_LENGTH_LIMIT - links.len()));
    let once = Draft::from_submission(&html, &site).unwrap().render(directory).html;
    assert!(Draft::from_submission(&once, &site).is_ok());
}

#[test]
fn styles_are_kept_by_property_and_parsed_value() {
    for (style, kept) in [
        ("font-size:7px", ""),
        ("font-size:49px", ""),
        ("font-size:1.5em", "font-size: 24px"),
        ("font-size:18pt", "font-size: 18pt"),
        ("FONT-FAMILY: \"Times New Roman\", serif", "font-family: 'Times New Roman', serif"),
        ("color:RED !important", "color: red"),
        ("color:url(x)", ""),
        ("color:rgba(0,0,0,0)", ""),
        ("color:hsl(0,75%,60%)", "color: hsl(0, 75%, 60%)"),
        ("c\\6flor:red", "color: red"),
        ("width:100vw", ""),
        ("width:50%", "width: 50%"),
        ("margin-left:40px", "margin-left: 40px"),
        ("margin-left:4000px", ""),
        (
            "padding-inline-start:calc(2 * var(--lexical-indent-base-value, 40px))",
            "padding-inline-start: 80px",
        ),
        ("z-index:9;position:absolute", ""),
        ("background:yellow", "background-color: yellow"),
        ("background:url(//x) red", ""),
        ("text-decoration:underline line-through", "text-decoration: underline line-through"),
        ("border:1px solid #000", "border: 1px solid #000"),
        ("color:red;{position:fixed};width:10px", "color: red; width: 10px"),
    ] {
        let expected = match kept {
            "" => "<p>x</p>".to_owned(),
            kept => format!("<p style=\"{kept}\">x</p>"),
        };
        let html = format!("<p style='{style}'>x</p>");
        assert_eq!(stored(&html), expected, "{style}");
    }
    let classes = "<p class=\"ql-align-center ql-tooltip modal language-c++ todo-list__x marker-yellow\">x</p>";
    assert_eq!(stored(classes), "<p class=\"ql-align-center language-c++ marker-yellow\">x</p>");
}

#[test]
fn misnested_formatting_keeps_its_text_and_does_not_grow_without_limit() {
    let numbered: String = (0..900).map(|n| format!("<b a{n}><p>")).collect();
    let styled: String = (0..330).map(|n| format!("<b class=language-{n}><p>")).collect();
    let nested = format!("<a href=//x.x>{}<a href=//y.x>x</a>", "<ol>".repeat(95)).repeat(23);
    let links: String = (0..400).map(|n| format!("<a href=//{n}.x><p><b>")).collect();
    for html in
        [numbered, styled, links, nested, "<b><p>".repeat(1_600), "<font size=1><p>".repeat(600)]
    {
        let once =
            Draft::from_submission(&format!("{html}text"), &site()).unwrap().render(directory);
        assert!(once.html.contains("text") && once.html.len() < 200_000, "{}", &html[..40]);
        assert_eq!(stored(&once.html), once.html);
    }
}

#[test]
fn the_exported_allowlist_is_the_one_in_the_code() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/note-allowlist.json");
    let code = serde_json::to_string_pretty(&allow::export()).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, code).unwrap();
        return;
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), code, "run the test with UPDATE_DOCS=1");
}

/// The sanitizer `ammonia` with the exported lists removes nothing from a stored note.
pub(super) fn judged_by_ammonia(html: &str) -> String {
    let list = allow::export();
    let names = |value: &serde_json::Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let (tags, attributes) = (names(&list["ALLOWED_TAGS"]), names(&list["ALLOWED_ATTR"]));
    ammonia::Builder::new()
        .tags(tags.iter().map(String::as_str).collect())
        .clean_content_tags([].into())
        .generic_attributes(attributes.iter().map(String::as_str).collect())
        .tag_attributes([].into())
        .url_schemes(["http", "https", "mailto", "tel"].into())
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(None)
        .clean(html)
        .to_string()
}
