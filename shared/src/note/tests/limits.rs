//! Tests of the limits of length, of the number of mentions and of attachments, and of empty notes.

use super::*;

fn with_length(length: usize, fill: &str) -> String {
    fill.repeat(length - 7) + "<p></p>"
}

#[test]
fn ten_thousand_unicode_scalars_are_allowed_and_one_more_is_not() {
    for fill in ["x", "é", "🙂", "\0", "\u{a0}"] {
        let fits = with_length(NOTE_LENGTH_LIMIT, fill);
        assert!(Draft::from_submission(&fits, &Site::default()).is_ok(), "{fill:?}");
        let error =
            Draft::from_submission(&with_length(NOTE_LENGTH_LIMIT + 1, fill), &Site::default())
                .unwrap_err();
        assert_eq!(error, NoteError::TooLong { length: 10_001, limit: 10_000 }, "{fill:?}");
    }
}

#[test]
fn the_start_tag_of_a_mention_counts_with_the_length_of_its_shorter_form() {
    let canonical = format!(r#"<a data-user-id="{ANN}" data-mention="true">"#).len();
    let long = format!(r#"<a class="mention chip" style="color: red" data-user-id="{ANN}">"#);
    let url = format!(
        r#"<a href="https://{HOST}/a/very/long/path/that/goes/on/users/4711/edit_user?and=on">"#
    );
    let short = format!("<a data-user-id={ANN}>");
    let quoted = long.replace('-', "&#45;").replacen("&#45;", "-", 3);
    let link = format!(r#"<a href="https://evil.example/{}">"#, "x".repeat(100));
    let bad = format!(r#"<a data-user-id="{}">"#, "x".repeat(100));
    for (tag, counted) in [
        (&long, canonical),
        (&url, canonical),
        (&short, short.len()),
        (&long.replace(" data-user-id", " data-mention='false' data-user-id"), long.len() + 21),
        (&quoted, if quoted.contains("data-user-id") { canonical } else { quoted.len() }),
        (&link, link.len()),
        (&bad, bad.len()),
    ] {
        let fill = "x".repeat(NOTE_LENGTH_LIMIT - counted - 4);
        let html = format!("{fill}{tag}</a>");
        if tag.len() > counted {
            assert!(html.len() > NOTE_LENGTH_LIMIT);
        }
        assert!(Draft::from_submission(&html, &site()).is_ok(), "{tag}");
        let html = format!("{html}🙂");
        assert_eq!(counted_length(&html, &site()), NOTE_LENGTH_LIMIT + 1, "{tag}");
    }
}

#[test]
fn the_rel_attribute_added_to_stored_links_does_not_count() {
    let links = r#"<a href="https://e.co/1">x</a>"#.repeat(100);
    let html = format!("{links}{}", "x".repeat(NOTE_LENGTH_LIMIT - links.len()));
    let once = stored(&html);
    assert_eq!(once.len(), NOTE_LENGTH_LIMIT + 100 * 35);
    assert_eq!(counted_length(&once, &site()), NOTE_LENGTH_LIMIT);
    // The `rel` of an element that is not a link counts, and so does a link's `rel` with a
    // different value.
    let rel = r#" rel="noopener noreferrer nofollow""#;
    for tag in
        ["<a href=\"https://e.co/1\" rel=\"author\">", &format!("<a{rel}>"), &format!("<p{rel}>")]
    {
        let html = format!("{tag}{}", "x".repeat(NOTE_LENGTH_LIMIT));
        assert_eq!(counted_length(&html, &site()), html.len(), "{tag}");
    }
}

#[test]
fn text_that_looks_like_a_mention_counts_in_full() {
    let tag = format!(r#"<a class="{}" data-user-id="{ANN}">"#, "x".repeat(200));
    for wrap in [
        ("<!--", "-->"),
        ("<textarea>", "</textarea>"),
        ("<style>", "</style>"),
        ("<svg>", "</svg>"),
    ] {
        let html = format!("{}{tag}{}{}", wrap.0, wrap.1, "y".repeat(NOTE_LENGTH_LIMIT));
        assert_eq!(counted_length(&html, &Site::default()), html.chars().count(), "{}", wrap.0);
    }
}

#[test]
fn a_long_submission_is_counted_with_any_markup() {
    for odd in ["<iframe href=><svg></svg></iframe>", "<textarea><math></math></textarea>"] {
        let html = format!("{odd}{}", "x".repeat(NOTE_LENGTH_LIMIT));
        assert_eq!(counted_length(&html, &Site::default()), html.chars().count(), "{odd}");
    }
}

#[test]
fn a_note_at_the_limit_can_be_read_and_saved_again() {
    let mentions: String = (0..10)
        .map(|n| {
            format!(r#"<a href="/users/0191d2c4-8a3e-7c11-9f00-00000000000{n}/edit_user">@Dir</a>"#)
        })
        .collect();
    let html = format!("{mentions}{}", "x".repeat(NOTE_LENGTH_LIMIT - mentions.len()));
    let once = Draft::from_submission(&html, &Site::default()).unwrap().render(directory).html;
    assert!(once.len() > NOTE_LENGTH_LIMIT);
    // Only the canonical tags, which are a little longer than the mobile ones, add to the length.
    let growth = once.len() - NOTE_LENGTH_LIMIT;
    let mobile = to_mobile(&once);
    assert!(growth <= 10 * 20, "{growth}");
    assert!(counted_length(&mobile, &Site::default()) <= NOTE_LENGTH_LIMIT + 10 * 9);
}

#[test]
fn markup_without_text_is_empty() {
    for html in [
        "",
        " ",
        "<p><br></p>",
        "<p>&nbsp;</p>",
        "<p>\u{feff}\u{200b}</p>",
        "<hr>",
        "<table><tbody><tr><td></td></tr></tbody></table>",
        "<img src=\"https://x.example/x.png\">",
        "<script>x</script>",
        "<style>x</style>",
        "<!-- x -->",
        "\0",
        r#"<a data-user-id="12"></a>"#,
        r#"<a href="https://x.example/"></a>"#,
        "<ul><li></li></ul>",
    ] {
        assert!(!draft(html).render(directory).has_text(), "{html:?}");
    }
    for html in ["x", "<p>.</p>", "&lt;", "🙂", "<td>x", "<unknown>x</unknown>"] {
        assert!(draft(html).render(directory).has_text(), "{html:?}");
    }
    let mention = format!(r#"<a data-user-id="{ANN}"></a>"#);
    assert!(draft(&mention).render(directory).has_text());
}

#[test]
fn plain_text_has_a_line_break_at_the_end_of_each_block() {
    let html = "<p>a &amp;amp; b<br>c</p><ul><li>d&nbsp;&lt;e&gt;</li></ul>";
    assert_eq!(plain_text(html), "a &amp; b\nc\nd\u{a0}<e>\n");
}

#[test]
fn mentions_of_more_than_ten_distinct_people_are_refused() {
    let anchor = |n: usize| format!(r#"<a href="/users/{n}/edit_user">@x</a>"#);
    let ten: String = (0..10).chain(0..10).map(anchor).collect();
    let with_malformed = format!(r#"{ten}<a data-user-id="?">x</a>"#);
    assert_eq!(draft(&with_malformed).check_mention_count(), Ok(()));
    let eleven = format!("{ten}{}", anchor(10));
    let error = NoteError::TooManyMentions { count: 11, limit: 10 };
    assert_eq!(draft(&eleven).check_mention_count(), Err(error));
}

#[test]
fn misnested_formatting_that_grows_in_the_parser_is_reduced_to_its_text() {
    let formats: String = (0..300).map(|n| format!("<b style=x{n}>")).collect();
    let html = format!("{formats}{}", "<p>x".repeat(800));
    assert!(html.len() < NOTE_LENGTH_LIMIT);
    let once = stored(&html);
    assert!(once.len() < 200_000, "{}", once.len());
    assert!(has_text(&once));
    assert_eq!(stored(&once), once);
}

#[test]
fn deeply_nested_markup_is_handled_safely() {
    for tag in [
        "<b>",
        "<div>",
        "<blockquote>",
        "<ul><li>",
        "<table><tr><td>",
        "<a href=https://x>",
        "<svg>",
        "<p><object>",
    ] {
        let html = tag.repeat(NOTE_LENGTH_LIMIT / tag.len());
        let once = stored(&html);
        assert_eq!(stored(&once), once, "{tag}");
    }
}

#[test]
fn a_link_around_other_links_changes_nothing_when_it_is_saved_again() {
    for levels in [1, 8, 9, 60, 98, 300] {
        for inner in [r#"<a href="https://e.co/">x</a>"#, &verified(ANN)] {
            let html = format!(
                r#"<a href="https://f.co/">a{}{inner}{}b</a>c"#,
                "<ol>".repeat(levels),
                "</ol>".repeat(levels)
            );
            let once = stored(&html);
            assert_eq!(stored(&once), once, "{levels}");
            assert!(!inner.contains("@Dir") || once.contains(inner), "{levels}: {once}");
        }
    }
}

/// The largest number of elements around any part of `html`.
fn depth(html: &str) -> usize {
    let (mut deepest, mut depth) = (0, 0_usize);
    for tag in html.split('<').skip(1) {
        match tag.starts_with('/') {
            true => depth -= 1,
            false => depth += usize::from(!["br>", "hr>"].iter().any(|void| tag.starts_with(void))),
        }
        deepest = deepest.max(depth);
    }
    assert_eq!(depth, 0, "{html}");
    deepest
}

#[test]
fn elements_inside_a_hundred_others_are_replaced_by_their_content() {
    for tag in ["<b>", "<div>", "<blockquote>", "<ul><li>", "<table><tr><td>"] {
        for count in [10, 99, 100, 101, 700] {
            let html = format!("{}deep<br>text", tag.repeat(count));
            let rendered = draft(&html).render(directory);
            let (once, removed) = (rendered.html, rendered.removed);
            assert!(depth(&once) <= 100, "{tag} × {count}: {}", depth(&once));
            assert!(once.contains("deep<br>text"), "{tag} × {count}: {once}");
            assert_eq!(stored(&once), once, "{tag} × {count}");
            match count {
                10 => assert!(removed.is_empty(), "{tag}: {removed:?}"),
                101.. => assert_eq!(removed, [Removed::Formatting], "{tag} × {count}"),
                _ => {}
            }
        }
    }
    let link = format!(r#"{}<a href="https://e.co/">site</a>"#, "<div>".repeat(100));
    assert!(!stored(&link).contains("e.co") && stored(&link).contains("site"));
    let mention = format!(r#"{}<a data-user-id="{ANN}">@Dir</a>"#, "<div>".repeat(300));
    assert!(stored(&mention).contains(&verified(ANN)));
}

fn attachment() -> Attachment {
    Attachment {
        name: "offer.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        size: ATTACHMENT_SIZE_LIMIT,
        url: "https://files.example/offer.pdf".to_owned(),
    }
}

#[test]
fn an_invalid_attachment_is_refused_with_its_field() {
    assert_eq!(
        parse_attachments(vec![attachment(); ATTACHMENT_LIMIT]).map(|all| all.len()),
        Ok(ATTACHMENT_LIMIT)
    );
    let too_many = parse_attachments(vec![attachment(); ATTACHMENT_LIMIT + 1]).unwrap_err();
    assert!(matches!(too_many, NoteError::Attachment { field, .. } if field == "attachments"));
    type Change = fn(&mut Attachment);
    let cases: &[(&str, Change)] = &[
        ("name", |a| a.name = " ".to_owned()),
        ("name", |a| a.name = "x".repeat(256)),
        ("name", |a| a.name = "a\nb".to_owned()),
        ("content_type", |a| a.content_type = "text/html".to_owned()),
        ("content_type", |a| a.content_type = "image/svg+xml".to_owned()),
        ("content_type", |a| a.content_type = String::new()),
        ("size", |a| a.size += 1),
        ("url", |a| a.url = "http://files.example/x".to_owned()),
        ("url", |a| a.url = "javascript:alert(1)".to_owned()),
        ("url", |a| a.url = "/x".to_owned()),
        ("url", |a| a.url = "https://u:p@files.example/x".to_owned()),
        ("url", |a| a.url = format!("https://files.example/{}", "x".repeat(2048))),
        // Too long only after it is escaped.
        ("url", |a| a.url = format!("https://files.example/{}", "é".repeat(400))),
    ];
    for (field, change) in cases {
        let mut broken = attachment();
        change(&mut broken);
        let error = parse_attachments(vec![attachment(), broken.clone()]).unwrap_err();
        let NoteError::Attachment { field: named, .. } = error else { panic!("{error}") };
        assert_eq!(named, format!("attachments[1].{field}"), "{broken:?}");
    }
}

#[test]
fn the_url_of_an_attachment_is_parsed_and_escaped_and_a_second_time_changes_nothing() {
    for (submitted, stored) in [
        ("HTTPS://Files.Example:443/a/../b c", "https://files.example/b%20c"),
        ("https://files.example/\"'<é>", "https://files.example/%22%27%3C%C3%A9%3E"),
        ("https://files.example/?q='<\"#'<\"", "https://files.example/?q=%27%3C%22#%27%3C%22"),
        (" https:\\\\files.example/\ta\n", "https://files.example/a"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ] {
        for url in [submitted, stored] {
            let submitted = Attachment { url: url.to_owned(), ..attachment() };
            let parsed = parse_attachments(vec![submitted]).unwrap();
            assert_eq!(parsed[0].url, stored, "{url}");
        }
    }
}

#[test]
fn visibility_is_written_in_lower_case() {
    assert_eq!(serde_json::to_string(&Visibility::Private).unwrap(), r#""private""#);
    assert_eq!(serde_json::from_str::<Visibility>(r#""public""#).unwrap(), Visibility::default());
    assert!(serde_json::from_str::<Visibility>(r#""Public""#).is_err());
}
