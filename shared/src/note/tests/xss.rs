//! Strings that try to run something in a reader's browser. Whatever a note keeps of them must be
//! allowed markup in a form that no second reading changes: that leaves nothing to mutate into.

use super::*;

const PLAIN: &[&str] = &[
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script/x>alert(1)</script>",
    "<script>alert(1)",
    "<<script>alert(1)//<</script>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)//",
    "<img src=\"x\"\"onerror=\"alert(1)\">",
    "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\">",
    "<img src=`x` onerror=`alert(1)`>",
    "<img src=x:x onerror\u{c}=alert(1)>",
    "<image href=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<body background=javascript:alert(1)>",
    "<html onmouseover=alert(1)>x",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)><option>x",
    "<keygen autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<video poster=javascript:alert(1)></video>",
    "<audio src=x onerror=alert(1)></audio>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<div onpointerenter=alert(1)>x</div>",
    "<p onclick\n=\nalert(1)>x</p>",
    "<p/onclick=alert(1)/x>y</p>",
    "<b onfocus=alert(1) tabindex=1 id=x>y</b>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<frameset><frame src=javascript:alert(1)></frameset>",
    "<object data=javascript:alert(1)></object>",
    "<object type=text/html data='data:text/html,<script>alert(1)</script>'></object>",
    "<embed src=javascript:alert(1)>",
    "<applet code=x></applet>",
    "<base href=javascript:alert(1)//>",
    "<link rel=stylesheet href=javascript:alert(1)>",
    "<link rel=import href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<form><button formaction=javascript:alert(1)>x</button></form>",
    "<isindex action=javascript:alert(1) type=image>",
    "<portal src=javascript:alert(1)></portal>",
    "<dialog open onclose=alert(1)>x</dialog>",
    "<x-widget onclick=alert(1) is=x>y</x-widget>",
    "<p id=location name=cookie>clobber</p>",
    "<a id=document name=getElementById href=https://x.example>x</a>",
    "<p contenteditable autofocus onfocus=alert(1)>x</p>",
    "<p style=\"background:url(javascript:alert(1))\">x</p>",
    "<p style=\"color:expression(alert(1))\">x</p>",
    "<p style=\"color:red;position:fixed;inset:0;z-index:99999\">x</p>",
    "<p style=\"color:\\75rl(//evil.example)\">x</p>",
    "<p style=\"color:rgb(1,2,3);background-color:url(x)\">x</p>",
    "<p style=\"color:red/*\" title=\"*/;x:url(y)\">x</p>",
    "<p style=\"-moz-binding:url(//evil.example/x.xml#x)\">x</p>",
    "<p class=\"ql-tooltip ql-editing fixed\">x</p>",
    "<!--><script>alert(1)</script>-->",
    "<!--<img src=--><img src=x onerror=alert(1)//>",
    "<!-- --!><img src=x onerror=alert(1)> -->",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version=\"1.0\"?><script>alert(1)</script>",
    "<!DOCTYPE x [<!ENTITY y 'z'>]><script>alert(1)</script>",
    "</p/onclick=alert(1)>x",
    "<%<!--'%><script>alert(1);</script -->",
    "\u{feff}<script>alert(1)</script>",
    "<\0script>alert(1)</\0script>",
    "<scr\0ipt>alert(1)</scr\0ipt>",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\u{ff1c}script\u{ff1e}alert(1)\u{ff1c}/script\u{ff1e}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "&amp;lt;script&amp;gt;alert(1)",
    "<p>&#x3c;script&#x3e;alert(1)</p>",
    "<plaintext><img src=x onerror=alert(1)>",
];

/// Ways to nest that make a second parser see another tree than the first.
const MUTATIONS: &[&str] = &[
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<noscript><style></noscript><img src=x onerror=alert(1)></style>",
    "<template><script>alert(1)</script></template>",
    "<template><p title=\"</template><img src=x onerror=alert(1)>\">x",
    "<style><img src=\"</style><img src=x onerror=alert(1)>\">",
    "<style>@import '//evil.example/x.css';</style>x",
    "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\">",
    "<title><p title=\"</title><img src=x onerror=alert(1)>\">",
    "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
    "<noembed><p title=\"</noembed><img src=x onerror=alert(1)>\">",
    "<noframes><p title=\"</noframes><img src=x onerror=alert(1)>\">",
    "<iframe><p title=\"</iframe><img src=x onerror=alert(1)>\">",
    "<select><style><img title=\"</style><img src=x onerror=alert(1)>\"></style></select>",
    "<select><template><img src=x onerror=alert(1)></template></select>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>x",
    "<svg><script>alert(1)</script></svg>",
    "<svg><script href=data:,alert(1) /></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text y=20>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<svg><a><animate attributeName=href values=javascript:alert(1) />x</a></svg>",
    "<svg><set attributeName=href to=javascript:alert(1)></svg>",
    "<svg><use href=\"data:image/svg+xml,<svg id=x onload=alert(1)>#x\"></use></svg>",
    "<svg><foreignObject><iframe src=javascript:alert(1)></iframe></foreignObject></svg>",
    "<svg><desc><img src=x onerror=alert(1)></desc></svg>",
    "<svg><title><style><img src=x onerror=alert(1)></style></title></svg>",
    "<svg></p><style><a id=\"</style><img src=x onerror=alert(1)>\">",
    "<svg><style>&lt;/style&gt;&lt;img src=x onerror=alert(1)&gt;</style></svg>",
    "<svg><![CDATA[</svg><img src=x onerror=alert(1)>]]></svg>",
    "<svg><p><style><!--</style><img src=x onerror=alert(1)>--></style></p></svg>",
    "<svg><b><p><svg><style><img src=x onerror=alert(1)>",
    "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
    "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>",
    "<math><annotation-xml encoding=text/html><img src=x onerror=alert(1)></annotation-xml></math>",
    "<math><annotation-xml encoding=\"text/html\"><svg><style><img title=\"</style><img src=x onerror=alert(1)>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<math><mtext><table><mglyph><style><math><img src onerror=alert(1)>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<math><mtext><h1><a><h6></a></h6><mglyph><svg><mtext><style><a title=\"</style><img src onerror=alert(1)>\"></style></h1>",
    "<math><mi><b><p><style><a title=\"</style><img src=x onerror=alert(1)>\">",
    "<p><math></p><mtext></math><img src=x onerror=alert(1)>",
    "<table><math><p></p><style><img src=x onerror=alert(1)></style></math></table>",
    "<table><tr><td><svg><td><style><img src=x onerror=alert(1)></style>",
    "<a><table><tr><td><a href=javascript:alert(1)>x",
    "<a href=https://x.example><object><a href=javascript:alert(1)>x</a></object></a>",
    "<p><object><p><object><p title=\"</p><img src=x onerror=alert(1)>\">x",
    "<p><button><p><button><p>x</button></button>",
    "<h1><font><h2><center><h3>x",
    "<b><i><p><b></i><i></b>x</p></i></b>",
    "<nobr><a><nobr><a><nobr>x</nobr></a>",
    "<li><section><li><section><li>x",
    "<table><b><p><table><b><p>x</table>y</table>z",
    "<table><caption><a><caption><a>x",
    "<table><colgroup><b><col><p>x",
    "<pre>\n\n<p title=\"\n</pre><img src=x onerror=alert(1)>\">",
    "<b title=\"<p>\" class=1><b class=2><b class=3><b class=4><p>x<p>y",
    "<p title=\"<!--\">x<p title=\"--><img src=x onerror=alert(1)>\">y",
    "<p title='</p><img src=x onerror=alert(1)>'>x",
    "<code><a href='https://x.example/\"><img src=x onerror=alert(1)>'>x</a></code>",
    "<a href=\"https://x.example/&quot;><img src=x onerror=alert(1)>\">x</a>",
    "<a data-user-id=\"&quot;><img src=x onerror=alert(1)>\">x</a>",
    "<a data-user-id=\"x&quot; onclick=&quot;alert(1)\" data-mention=\"pending\">x</a>",
    "<a href=\"/users/&quot;onclick=alert(1)&quot;/edit_user\">x</a>",
    "<a href=\"/users/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E/edit_user\">x</a>",
    "<a href=\"/users/javascript:alert(1)/edit_user\">x</a>",
];

/// Disguises of a scheme that runs or shows what it carries.
const SCHEMES: &[&str] = &[
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "\u{1}javascript:alert(1)",
    "\u{1f}\u{20}javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "java\rscript:alert(1)",
    "javascript\t:alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A&#x61vascript:alert(1)",
    "&#0000106avascript:alert(1)",
    "jav&#x09;ascript:alert(1)",
    "jav&Tab;ascript:alert(1)",
    "jav&NewLine;ascript:alert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "javascript:/*https://x.example*/alert(1)",
    "javascript://x.example/%0aalert(1)",
    "javascript:https://x.example",
    "javascript:/../users/4711/edit_user",
    "javascript://app.example.com/users/4711/edit_user",
    "\u{0}javascript:alert(1)",
    "vbscript:msgbox(1)",
    "livescript:x",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "DATA:image/svg+xml,<svg onload=alert(1)>",
    "blob:https://x.example/1",
    "filesystem:https://x.example/x",
    "file:///etc/passwd",
    "view-source:javascript:alert(1)",
    "feed:javascript:alert(1)",
    "jar:https://x.example!/x.html",
    "about:blank",
    "intent://x#Intent;scheme=javascript;end",
    "ms-its:x",
    "mhtml:https://x.example!x",
    "ws://x.example",
    "ftp://x.example",
    "cdp-app:open",
    "%6aavascript:alert(1)",
    "\\javascript:alert(1)",
    ".",
    "#x",
    "?x",
    "/admin/delete",
    "https://",
    "https://[",
];

#[test]
fn nothing_that_runs_is_stored() {
    let inputs = PLAIN.iter().chain(MUTATIONS).map(ToString::to_string);
    let wrapped = PLAIN.iter().chain(MUTATIONS).flat_map(|attack| {
        [
            format!("<p>{attack}</p>"),
            format!(r#"<a data-user-id="{ANN}">{attack}</a>"#),
            format!("<table><tr><td>{attack}</td></tr></table>"),
            format!("<pre><code>{attack}"),
        ]
    });
    for html in inputs.chain(wrapped) {
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
fn no_disguise_of_a_scheme_gets_past() {
    for scheme in SCHEMES {
        for html in [
            format!("<a href=\"{scheme}\">x</a>"),
            format!("<a href='{scheme}'>x</a>"),
            format!("<p><a target=_blank rel=opener href=\"{scheme}\">x</a></p>"),
        ] {
            let once = stored(&html);
            assert!(!once.contains("<a"), "{html} -> {once}");
            assert!(once.contains('x'), "{html} -> {once}");
        }
    }
}

#[test]
fn links_keep_their_target_and_gain_a_rel() {
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
fn the_collection_is_as_large_as_it_should_be() {
    assert!(PLAIN.len() + MUTATIONS.len() >= 120 && SCHEMES.len() >= 40);
}
