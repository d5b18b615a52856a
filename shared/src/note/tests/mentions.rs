//! Tests of both forms of mention anchors and their special cases.

use super::*;

#[test]
fn both_anchor_forms_are_mentions() {
    let upper = ANN.to_uppercase();
    let cases: Vec<(String, Vec<MentionRef>)> = vec![
        (format!(r#"<a data-user-id="{ANN}">@A</a>"#), vec![user(ANN)]),
        (format!(r#"<a data-user-id="{ANN}" data-mention="true">@A</a>"#), vec![user(ANN)]),
        (format!(r#"<a data-user-id="{ANN}" data-mention="">@A</a>"#), vec![user(ANN)]),
        (
            format!(r#"<a data-mention="true" data-user-id='{ANN}' class="chip">@A</a>"#),
            vec![user(ANN)],
        ),
        (format!("<a data-user-id={ANN}>@A</a>"), vec![user(ANN)]),
        (format!(r#"<A DATA-USER-ID="{upper}">@A</A>"#), vec![user(ANN)]),
        (format!(r#"<a href="../../../users/{ANN}/edit_user">@A</a>"#), vec![user(ANN)]),
        (format!(r#"<a href="/users/{upper}/edit_user">@A</a>"#), vec![user(ANN)]),
        (format!(r#"<a href="users/{ANN}/edit_user?tab=1#top">@A</a>"#), vec![user(ANN)]),
        (format!(r#"<a href="/crm/v2/users/{ANN}/edit_user">@A</a>"#), vec![user(ANN)]),
        (
            format!(r#"<a href="https://{HOST}/users/{ANN}/edit_user?x=1&amp;y=2">@A</a>"#),
            vec![user(ANN)],
        ),
        (
            format!(r#"<a href="https://APP.Example.com:8443/users/{ANN}/edit_user">@A</a>"#),
            vec![user(ANN)],
        ),
        (format!(r#"<a href="//{HOST}/users/{ANN}/edit_user">@A</a>"#), vec![user(ANN)]),
        (format!(r#"<a href=" ../users/{ANN}/edit_user ">@A</a>"#), vec![user(ANN)]),
        (format!(r#"<a href="..\users\{ANN}\edit_user">@A</a>"#), vec![user(ANN)]),
        (format!("<a href=\"../us\ners/{ANN}/edit_user\">@A</a>"), vec![user(ANN)]),
        (r#"<a href="../../../users/4711/edit_user">@A</a>"#.to_owned(), vec![raw("4711")]),
        (
            r#"<a href="../users/ann.lee%40example.com/edit_user">@A</a>"#.to_owned(),
            vec![raw("ann.lee@example.com")],
        ),
        (r#"<a data-user-id="4711" data-mention="pending">@A</a>"#.to_owned(), vec![raw("4711")]),
        (r#"<a data-user-id="4711">@A</a>"#.to_owned(), vec![malformed("4711")]),
        (r#"<a data-user-id="">@A</a>"#.to_owned(), vec![malformed("")]),
        (format!(r#"<a data-user-id="{{{ANN}}}">@A</a>"#), vec![malformed(&format!("{{{ANN}}}"))]),
        (
            format!(r#"<a data-user-id="urn:uuid:{ANN}">@A</a>"#),
            vec![malformed(&format!("urn:uuid:{ANN}"))],
        ),
        (format!(r#"<a data-user-id=" {ANN}">@A</a>"#), vec![malformed(&format!(" {ANN}"))]),
        (
            format!(r#"<a data-user-id="{}">@A</a>"#, ANN.replace('-', "")),
            vec![malformed(&ANN.replace('-', ""))],
        ),
        (
            r#"<a data-user-id="0191d2c48a3e-7c11-9f00-0000-0000000000aa">@A</a>"#.to_owned(),
            vec![malformed("0191d2c48a3e-7c11-9f00-0000-0000000000aa")],
        ),
        (
            r#"<a data-user-id="0191d2c4-8a3e-7c11-9f00-0000000000ag">@A</a>"#.to_owned(),
            vec![malformed("0191d2c4-8a3e-7c11-9f00-0000000000ag")],
        ),
        (
            format!(r#"<a href="../users/{{{ANN}}}/edit_user">@A</a>"#),
            vec![malformed(&format!("{{{ANN}}}"))],
        ),
        (r#"<a href="../users/a%2Fb/edit_user">@A</a>"#.to_owned(), vec![malformed("a/b")]),
        // If an anchor has both forms, the explicit attribute takes precedence.
        (
            format!(r#"<a href="../users/{ANN}/edit_user" data-user-id="{BOB}">@A</a>"#),
            vec![user(BOB)],
        ),
        (
            format!(r#"<a href="../users/{ANN}/edit_user" data-user-id="x">@A</a>"#),
            vec![malformed("x")],
        ),
        (format!(r#"<a href="../users/{ANN}/edit_user" data-mention="false">@A</a>"#), vec![]),
        (format!(r#"<a data-user-id="{ANN}" data-mention="false">@A</a>"#), vec![]),
        (format!(r#"<a data-user-id="{ANN}" data-mention="FALSE">@A</a>"#), vec![]),
        // Links to other hosts or to other pages are not mentions.
        (format!(r#"<a href="https://evil.example/users/{ANN}/edit_user">@A</a>"#), vec![]),
        (format!(r#"<a href="https://{HOST}.evil.example/users/{ANN}/edit_user">@A</a>"#), vec![]),
        (format!(r#"<a href="https://{HOST}@evil.example/users/{ANN}/edit_user">@A</a>"#), vec![]),
        (format!(r#"<a href="//evil.example/users/{ANN}/edit_user">@A</a>"#), vec![]),
        (format!(r#"<a href="\\evil.example/users/{ANN}/edit_user">@A</a>"#), vec![]),
        (format!(r#"<a href="ftp://{HOST}/users/{ANN}/edit_user">@A</a>"#), vec![]),
        (format!(r#"<a href="/users/{ANN}/edit_user/more">@A</a>"#), vec![]),
        (format!(r#"<a href="/users/{ANN}/edit">@A</a>"#), vec![]),
        (format!(r#"<a href="/people?next=/users/{ANN}/edit_user">@A</a>"#), vec![]),
        (format!(r#"<a href="/people#/users/{ANN}/edit_user">@A</a>"#), vec![]),
        (r#"<a href="/users//edit_user">@A</a>"#.to_owned(), vec![]),
        // Only `a` and `span` elements in the parsed markup can be mentions.
        (format!(r#"<span data-user-id="{ANN}">@A</span>"#), vec![user(ANN)]),
        (format!(r#"<p data-user-id="{ANN}">@A</p>"#), vec![]),
        (format!(r#"&lt;a data-user-id="{ANN}"&gt;@A&lt;/a&gt;"#), vec![]),
        (format!(r#"<!-- <a data-user-id="{ANN}">@A</a> -->x"#), vec![]),
        (format!(r#"<p title='<a data-user-id="{ANN}">'>x</p>"#), vec![]),
        (format!(r#"<textarea><a data-user-id="{ANN}">@A</a></textarea>x"#), vec![]),
        (format!(r#"<script>"<a data-user-id='{ANN}'>"</script>x"#), vec![]),
        (format!(r#"<svg><a data-user-id="{ANN}">@A</a></svg>x"#), vec![]),
        // Anchors whose characters are encoded, and anchors that are duplicated, unclosed or
        // interrupted.
        (format!(r#"<a data-user-id="{}">@A</a>"#, ANN.replace('0', "&#48;")), vec![user(ANN)]),
        (
            format!(
                r#"<a href="&#46;./users/{}/edit&lowbar;user">@A</a>"#,
                ANN.replace('a', "&#x61;")
            ),
            vec![user(ANN)],
        ),
        (format!(r#"<a data-user-id="{ANN}" data-user-id="{BOB}">@A</a>"#), vec![user(ANN)]),
        (format!(r#"<p>Hi <a data-user-id="{ANN}">@A"#), vec![user(ANN)]),
        (
            format!(r#"<a data-user-id="{ANN}">@A<a data-user-id="{BOB}">@B"#),
            vec![user(ANN), user(BOB)],
        ),
        (format!("<a data-user-id=\"{ANN}\0\">@A</a>"), vec![malformed(&format!("{ANN}\u{fffd}"))]),
        (format!("<a\0 data-user-id=\"{ANN}\">@A</a>"), vec![]),
        // Each person is in the result once, in the order of the first mentions.
        (
            format!(
                r#"<a data-user-id="{BOB}">@B</a><a data-user-id="{ANN}">@A</a><a href="/users/{BOB}/edit_user">@B</a>"#
            ),
            vec![user(BOB), user(ANN)],
        ),
    ];
    for (html, references) in cases {
        assert_eq!(draft(&html).references(), references, "{html}");
    }
}

#[test]
fn a_byte_order_mark_at_the_start_is_not_stored() {
    for html in ["\u{feff}\u{feff}x", "<area>\u{feff}\u{feff}</area>x"] {
        assert_eq!(stored(html), "x", "{html:?}");
    }
    assert_eq!(stored("x\u{feff}"), "x\u{feff}");
}

#[test]
fn a_dot_path_segment_is_not_a_user_id() {
    for step in [".", ".."] {
        let pending = format!(r#"<a data-user-id="{step}" data-mention="pending">@A</a>"#);
        assert_eq!(draft(&pending).references(), [malformed(step)]);
        let link = format!(r#"<a href="/users/{}/edit_user">@A</a>"#, step.replace('.', "%2e"));
        assert!(draft(&link).references().is_empty(), "{link}");
    }
}

#[test]
fn a_verified_mention_shows_the_directorys_name_and_no_other_name() {
    for anchor in [
        format!(r#"<a data-user-id="{ANN}">@The Boss</a>"#),
        format!(
            r#"<a href="../users/{ANN}/edit_user" target="_blank" style="color:red">@The Boss</a>"#
        ),
        format!(r#"<a data-user-id="{ANN}"><b>@The</b> <i class="ql-size-huge">Boss</i></a>"#),
        format!(r#"<a data-user-id="{ANN}"></a>"#),
    ] {
        let html = format!("<h2>Hi {anchor}!</h2><ul><li>{anchor}</li></ul>");
        let name = verified(ANN);
        let text = |text: &str| {
            let boss = text.replace("<a", "\u{1}").contains("Boss");
            if boss { plain_text(&text[text.find('@').unwrap()..]) } else { String::new() }
        };
        // The text of the anchor is not a name of the person, so it stays after the mention.
        let once = plain_text(&stored(&html)).replace(' ', "");
        let rest = text(&anchor).replace(' ', "");
        assert_eq!(once, format!("Hi@Dir{rest}!\n@Dir{rest}\n"), "{name}");
    }
}

#[test]
fn a_display_name_is_escaped_as_text() {
    let name = "</a><script>x</script>\"&\u{0}\u{a0}'";
    let rendered = draft(&format!(r#"<p><a data-user-id="{ANN}">@A</a></p>"#)).render(|_| {
        MentionOutcome::Verified {
            user: Uuid::try_parse(ANN).unwrap(),
            display_name: name.to_owned(),
            known_names: Vec::new(),
        }
    });
    assert_eq!(
        rendered.html,
        format!(
            r#"<p><a data-user-id="{ANN}" data-mention="true">@&lt;/a&gt;&lt;script&gt;x&lt;/script&gt;"&amp;&nbsp;'</a></p>"#
        )
    );
    assert_eq!(
        draft(&rendered.html).shown_names(),
        [(Uuid::try_parse(ANN).unwrap(), "</a><script>x</script>\"&\u{a0}'".to_owned())]
    );
}

#[test]
fn a_pending_mention_keeps_its_text_and_id_and_can_be_resolved_later() {
    let html = format!(
        r#"<p><a href="../../../users/4711/edit_user">@<b>Raw</b></a> <a data-user-id="{}">@Ann</a></p>"#,
        ANN.to_uppercase()
    );
    let waiting = draft(&html).render(|_| MentionOutcome::Pending);
    let expected = format!(
        r#"<p><a data-user-id="4711" data-mention="pending">@<b>Raw</b></a> <a data-user-id="{ANN}" data-mention="pending">@Ann</a></p>"#
    );
    assert_eq!(waiting.html, expected);
    assert_eq!(waiting.pending, [raw("4711"), user(ANN)]);
    assert_eq!((waiting.mentioned.len(), waiting.unwrapped.len()), (0, 0));

    let later = draft(&waiting.html);
    assert_eq!(later.references(), waiting.pending);
    let resolved = later.render(|reference| match reference {
        MentionRef::Raw(_) => MentionOutcome::Verified {
            user: Uuid::try_parse(BOB).unwrap(),
            display_name: "Bob".to_owned(),
            known_names: Vec::new(),
        },
        _ => MentionOutcome::Text,
    });
    assert_eq!(
        resolved.html,
        format!(r#"<p><a data-user-id="{BOB}" data-mention="true">@Bob</a>@<b>Raw</b> @Ann</p>"#)
    );
    assert_eq!(resolved.mentioned, [Uuid::try_parse(BOB).unwrap()]);
    assert_eq!(resolved.unwrapped, [user(ANN)]);
}

#[test]
fn two_references_to_one_person_are_one_mention() {
    let html = format!(r#"<a href="/users/7/edit_user">@Dir</a><a data-user-id="{ANN}">@Dir</a>"#);
    let ann = Uuid::try_parse(ANN).unwrap();
    let rendered = draft(&html).render(|_| MentionOutcome::Verified {
        user: ann,
        display_name: "Dir".to_owned(),
        known_names: Vec::new(),
    });
    assert_eq!(rendered.mentioned, [ann]);
    assert_eq!(rendered.html, verified(ANN).repeat(2));
}

#[test]
fn a_malformed_mention_becomes_its_text_without_a_directory_call() {
    let html = r#"<p>Hi <a data-user-id="12">@<em>Old</em></a></p>"#;
    let rendered = draft(html).render(|_| panic!("the directory was called"));
    assert_eq!(rendered.html, "<p>Hi @<em>Old</em></p>");
    assert_eq!(rendered.unwrapped, [malformed("12")]);
}

#[test]
fn markup_around_an_unwrapped_anchor_is_stored_as_a_parser_reads_it() {
    for html in [
        r#"<h1>a<a data-user-id="1"><h2>b</h2></a></h1>"#,
        "<pre><a data-user-id=\"1\">\n\nx</a></pre>",
        r#"<a href="javascript:x"><p>a</a>b</p>"#,
    ] {
        let once = stored(html);
        assert!(!once.contains("<a"), "{once}");
        assert_eq!(stored(&once), once, "{html}");
    }
}

#[test]
fn the_mobile_form_converts_back_to_the_stored_form() {
    let html = format!(
        r#"<p>{} and <a data-user-id="4711" data-mention="pending">@Raw</a> <a href="https://x.example/" rel="noopener noreferrer nofollow">x</a></p>"#,
        verified(ANN)
    );
    let mobile = to_mobile(&html);
    assert_eq!(
        mobile,
        format!(
            r#"<p><a href="../../../users/{ANN}/edit_user">@Dir</a> and <a href="../../../users/4711/edit_user">@Raw</a> <a href="https://x.example/" rel="noopener noreferrer nofollow">x</a></p>"#
        )
    );
    assert_eq!(draft(&mobile).references(), draft(&html).references());
    assert_eq!(stored(&mobile), html);
}

#[test]
fn a_link_that_declines_to_be_a_mention_stays_a_link() {
    let html = format!(
        r#"<a href="https://{HOST}/users/{ANN}/edit_user" data-mention="false" data-user-id="{BOB}">x</a>"#
    );
    let once = stored(&html);
    assert_eq!(
        once,
        format!(
            r#"<a href="https://{HOST}/users/{ANN}/edit_user" data-mention="false" rel="noopener noreferrer nofollow">x</a>"#
        )
    );
    assert_eq!(stored(&once), once);
}

#[test]
fn a_mention_inside_a_mention_is_a_mention_of_its_own() {
    let html = format!(
        r#"<a data-user-id="{ANN}">@Dir<table><tbody><tr><td><a data-user-id="{BOB}">@Dir</a></td></tr></tbody></table></a>"#
    );
    assert_eq!(draft(&html).references(), [user(ANN), user(BOB)]);
    let table = format!("<table><tbody><tr><td>{}</td></tr></tbody></table>", verified(BOB));
    assert_eq!(stored(&html), format!("{}{table}", verified(ANN)));
    let pending = draft(&html).render(|_| MentionOutcome::Pending).html;
    assert_eq!(anchors(&pending, "pending"), [ANN, BOB]);
}

#[test]
fn markup_written_by_editors_is_kept_unchanged() {
    let link = r#"<a href="https://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">x</a>"#;
    for html in [
        "<p>Plain &amp; simple, 5 &lt; 6, \"quoted\", it's&nbsp;fine 🙂</p><p><br></p>",
        "<h1>a</h1><h2>b</h2><h6>c</h6><hr><blockquote><p>q</p></blockquote>",
        r#"<ol start="3"><li data-list="ordered" class="ql-indent-1">a</li></ol>"#,
        r#"<ul data-type="taskList"><li data-checked="true" data-type="taskItem"><div><p>t</p></div></li></ul>"#,
        "<pre><code class=\"language-rust\">fn main() {\n\n}</code></pre>",
        "<pre>\n\nbegins with an empty line</pre>",
        r#"<p class="ql-align-center"><strong>b</strong><em>i</em><u>u</u><s>s</s><sub>1</sub><sup>2</sup></p>"#,
        r#"<p style="text-align: right"><span style="color: rgb(1, 2, 3); background-color: #ff0">c</span></p>"#,
        r#"<table><colgroup><col span="2"></colgroup><thead><tr><th>h</th></tr></thead><tbody><tr><td colspan="2" rowspan="1">d</td></tr></tbody></table>"#,
        link,
        r#"<a href="mailto:a@b.example" rel="noopener noreferrer nofollow">m</a><a href="tel:+62811" rel="noopener noreferrer nofollow">t</a>"#,
    ] {
        assert_eq!(stored(html), html);
        assert_allowed(html);
    }
}
