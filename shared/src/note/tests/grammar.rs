//! A grammar of HTML that different parsers read in different ways. Its documents are trees with
//! every way to open, close and nest an element, foreign content, raw text, every kind of quoting,
//! and mentions in unusual forms.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
};

use super::{ANN, BOB, HOST};

/// How an element ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Closed,
    Open,
    SelfClosed,
    /// Has an end tag in upper case, with an attribute.
    Odd,
    /// The element has the end tag of another element instead of its own.
    Other,
    Twice,
}

const ALLOWED: &[&str] = &[
    "a",
    "b",
    "blockquote",
    "br",
    "caption",
    "code",
    "col",
    "colgroup",
    "del",
    "div",
    "em",
    "h1",
    "h3",
    "h6",
    "hr",
    "i",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// Elements that change how a parser reads the following markup, or that are never stored.
const SPECIAL: &[&str] = &[
    "applet", "area", "article", "audio", "base", "body", "button", "center", "dd", "details",
    "dialog", "dt", "embed", "fieldset", "font", "form", "frame", "frameset", "head", "html",
    "img", "image", "input", "isindex", "keygen", "label", "link", "listing", "map", "marquee",
    "menuitem", "meta", "nobr", "object", "optgroup", "option", "param", "rp", "rt", "rtc", "ruby",
    "search", "section", "select", "slot", "source", "summary", "template", "track", "tt", "video",
    "wbr", "x-widget",
];

/// Elements whose content the parser reads as text.
const RAW_TEXT: &[&str] = &[
    "iframe",
    "noembed",
    "noframes",
    "noscript",
    "plaintext",
    "script",
    "style",
    "textarea",
    "title",
    "xmp",
];

/// Root elements of foreign content (SVG and MathML), and elements inside them: integration points,
/// breakout elements and elements with an HTML name.
pub(super) const FOREIGN: &[&str] = &[
    "svg",
    "math",
    "foreignObject",
    "desc",
    "title",
    "mi",
    "mo",
    "mn",
    "ms",
    "mtext",
    "mglyph",
    "malignmark",
    "annotation-xml",
    "maction",
    "animate",
    "set",
    "use",
    "g",
    "a",
    "style",
    "script",
    "path",
    "image",
];

const COMMENTS: &[&str] = &[
    "<!--x-->",
    "<!-->",
    "<!--->",
    "<!-- --!>",
    "<!--<!--x-->",
    "<!--",
    "<!---!>-->",
    "<?x y?>",
    "<!x>",
    "<!DOCTYPE html>",
    "<!doctype svg [<!ENTITY x 'y'>]>",
    "</ x>",
    "</>",
    "<>",
    "<",
    "<![CDATA[",
    "]]>",
    "<![CDATA[<b>x</b>]]>",
    "<!--[if IE]><b>x</b><![endif]-->",
    "-->",
    "--!>",
];

const TEXTS: &[&str] = &[
    "x",
    " ",
    "\n",
    "\t",
    "\u{c}",
    "\r\n",
    "\0",
    "\u{1}",
    "\u{7f}",
    "\u{a0}",
    "\u{feff}",
    "\u{202e}",
    "🙂",
    "é\u{301}",
    "&",
    "&amp",
    "&amp;",
    "&lt;script&gt;",
    "&#60;b&#62;",
    "&#x3C;i>",
    "&#0;",
    "&#x110000;",
    "&#xD800;",
    "&#128;",
    "&nbsp;",
    "&notit;",
    "&NotEqualTilde;",
    "&#",
    "&#x;",
    ">",
    "\"",
    "'",
    "`",
    "=",
    "]]",
    "@Ann",
    "javascript:alert(1)",
];

/// Attribute values that the sanitizer removes from every attribute, or keeps in only some
/// attributes.
const VALUES: &[&str] = &[
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    " \u{1}JaVaScRiPt&colon;alert(1)",
    "&#106;avascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "https://x.example/?a&amp;b=\u{e9}",
    "//x.example",
    "/admin",
    "#x",
    "mailto:a@b.example",
    "tel:+62",
    "x onload=alert(1)",
    "\"><img src=x onerror=alert(1)>",
    "'><script>alert(1)</script>",
    "`",
    "-->",
    "</style>",
    "</title><img src=x onerror=alert(1)>",
    "text/html",
    "color: red",
    "color:red;position:fixed;background:url(//x)",
    "COLOR:#FFF;;text-align:center",
    "ql-align-center ql-tooltip",
    "language-js",
    "2",
    "999999",
    "-1",
    "_blank",
    "true",
    "false",
    "pending",
    "bullet",
    "",
];

const NAMES: &[&str] = &[
    "href",
    "HREF",
    "xlink:href",
    "src",
    "srcdoc",
    "srcset",
    "action",
    "formaction",
    "style",
    "class",
    "id",
    "name",
    "onclick",
    "onerror",
    "onload",
    "ONFOCUS",
    "autofocus",
    "target",
    "rel",
    "data-mention",
    "data-user-id",
    "DATA-USER-ID",
    "data-list",
    "data-type",
    "data-checked",
    "colspan",
    "rowspan",
    "span",
    "start",
    "title",
    "lang",
    "is",
    "encoding",
    "attributeName",
    "values",
    "to",
    "contenteditable",
    "ping",
    "download",
    "\0x",
    "x\"y",
    "/",
    "<b",
    "=",
];

fn quoted((name, value, quoting): (&str, String, u8)) -> String {
    match quoting % 9 {
        0 => format!(" {name}=\"{}\"", value.replace('"', "&quot;")),
        1 => format!(" {name}='{}'", value.replace('\'', "&#39;")),
        2 => format!(" {name}={}", value.replace([' ', '>'], "")),
        3 => format!("/{name}=`{value}`"),
        4 => format!(" {name}"),
        5 => format!("\n{name}\n=\n\"{value}\""),
        6 => format!(" {name}=\"{}\"", by_reference(&value)),
        7 => format!("\u{c}{name} = '{value}'"),
        _ => format!(" {name}=\"{value}"),
    }
}

/// Encodes the characters of a text as character references. The references are in turn decimal,
/// hexadecimal, and hexadecimal with leading zeros.
fn by_reference(value: &str) -> String {
    let reference = |(index, c): (usize, char)| match index % 3 {
        0 => format!("&#{};", u32::from(c)),
        1 => format!("&#x{:X};", u32::from(c)),
        _ if c.is_ascii_alphabetic() => format!("&#x{:06x};", u32::from(c)),
        _ => c.to_string(),
    };
    value.chars().enumerate().map(reference).collect()
}

fn attribute() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        8 => select(VALUES).prop_map(str::to_owned),
        1 => "[ -~]{0,12}",
        1 => Just(ANN.to_owned()),
    ];
    (select(NAMES), value, any::<u8>()).prop_map(quoted)
}

/// Valid and invalid ids of people for an anchor.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(ANN.to_owned()),
        2 => Just(BOB.to_owned()),
        2 => Just(ANN.to_uppercase()),
        1 => Just("4711".to_owned()),
        1 => Just("ann@example.com".to_owned()),
        1 => Just(format!(" {ANN}")),
        1 => Just(format!("{{{ANN}}}")),
        1 => Just(ANN.replace('-', "")),
        1 => Just("\"><img src=x onerror=alert(1)>".to_owned()),
        1 => "[0-9a-f-]{34,38}",
        1 => "\\PC{0,8}",
    ]
}

fn mobile_link(id: &str, disguise: u8) -> String {
    match disguise % 12 {
        0 => format!("../../../users/{id}/edit_user"),
        1 => format!("/users/{id}/edit_user?tab=1#top"),
        2 => format!("https://{HOST}/users/{id}/edit_user"),
        3 => format!("//{HOST}/crm/users/{id}/edit_user"),
        4 => format!("..\\users\\{id}\\edit_user"),
        5 => format!(" us\ners/{id}/edit_user "),
        6 => format!("https://evil.example/users/{id}/edit_user"),
        7 => format!("javascript:/users/{id}/edit_user"),
        8 => format!("/users/{}/edit_user", id.replace('-', "%2D")),
        9 => format!("/users/{id}/edit_user/../../{id}/edit_user"),
        10 => format!("https://{HOST}@evil.example/users/{id}/edit_user"),
        _ => format!("/users/{id}/edit_user/"),
    }
}

/// A mention in one form or in both forms, with additional attributes.
fn mention() -> impl Strategy<Value = String> {
    let state = select(
        &[
            "",
            " data-mention",
            " data-mention=\"true\"",
            " data-mention='FALSE'",
            " data-mention=false",
            " data-mention=pending",
            " data-mention=\"tru&#101;\"",
        ][..],
    );
    let form =
        (id(), any::<u8>(), any::<u8>(), 0u8..3).prop_map(|(id, quoting, disguise, form)| {
            let explicit = quoted(("data-user-id", id.clone(), quoting));
            let link = quoted(("href", mobile_link(&id, disguise), quoting.wrapping_add(disguise)));
            match form {
                0 => explicit,
                1 => link,
                _ => link + &explicit,
            }
        });
    let end = select(&["</a>", "</A >", "</a x>", "", "</p></a>"][..]);
    let tag = select(&["a", "A", "span", "a/"][..]);
    (tag, state, form, attribute(), any::<bool>(), end).prop_map(
        |(tag, state, form, more, first, end)| {
            let (one, two) = if first { (state, form) } else { ("", form + state) };
            format!("<{tag}{one}{two}{more}>@<b>Someone</b>{end}")
        },
    )
}

fn leaf() -> impl Strategy<Value = String> {
    let raw_text = (select(RAW_TEXT), select(TEXTS), select(VALUES), any::<bool>()).prop_map(
        |(tag, text, value, closed)| {
            let end = if closed { format!("</{tag}>") } else { String::new() };
            format!("<{tag}>{text}<b title=\"{value}\">{end}")
        },
    );
    let lone_end = prop_oneof![select(ALLOWED), select(SPECIAL), select(FOREIGN)]
        .prop_map(|tag| format!("</{tag}>"));
    let deep = (prop_oneof![select(ALLOWED), select(SPECIAL), select(FOREIGN)], 16usize..400)
        .prop_map(|(tag, times)| format!("<{tag}>").repeat(times));
    prop_oneof![
        6 => select(TEXTS).prop_map(str::to_owned),
        5 => mention(),
        3 => raw_text,
        3 => select(COMMENTS).prop_map(str::to_owned),
        2 => lone_end,
        1 => deep,
        1 => "\\PC{0,12}",
    ]
}

fn element(inner: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    let tag = prop_oneof![
        6 => select(ALLOWED),
        3 => select(SPECIAL),
        3 => select(FOREIGN),
        1 => select(RAW_TEXT),
    ];
    let end = select(
        &[
            End::Closed,
            End::Closed,
            End::Closed,
            End::Open,
            End::SelfClosed,
            End::Odd,
            End::Other,
            End::Twice,
        ][..],
    );
    let children = vec(inner, 0..6).prop_map(|children| children.concat());
    (tag, vec(attribute(), 0..3), children, end, any::<bool>()).prop_map(
        |(tag, attributes, children, end, capitals)| {
            let attributes = attributes.concat();
            let tag = if capitals { tag.to_uppercase() } else { tag.to_owned() };
            match end {
                End::Closed => format!("<{tag}{attributes}>{children}</{tag}>"),
                End::Open => format!("<{tag}{attributes}>{children}"),
                End::SelfClosed => format!("<{tag}{attributes}/>{children}"),
                End::Odd => format!("<{tag}{attributes}>{children}</{} x=1>", tag.to_uppercase()),
                End::Other => format!("<{tag}{attributes}>{children}</p></table></svg>"),
                End::Twice => format!("<{tag}{attributes}>{children}</{tag}></{tag}>"),
            }
        },
    )
}

/// A random document of the grammar.
pub(super) fn document() -> impl Strategy<Value = String> {
    let node = leaf().boxed().prop_recursive(7, 96, 6, |inner| {
        prop_oneof![1 => inner.clone(), 4 => element(inner)].boxed()
    });
    vec(node, 0..6).prop_map(|nodes| nodes.concat())
}

/// A document of the kind that an editor or pasting creates, and the number of its words. Its text
/// is `w0 w1 w2 …`. It contains no element that is removed together with its content.
pub(super) fn written() -> impl Strategy<Value = (String, usize)> {
    const WORD: &str = "\u{1}";
    let inline = select(
        &[
            "b",
            "i",
            "u",
            "span",
            "font",
            "code",
            "mark",
            "label",
            "x-y",
            "sub",
            "a href=https://x.example",
        ][..],
    );
    let block = select(
        &["p", "div", "h2", "blockquote", "section", "ul><li", "ol><li", "center", "pre"][..],
    );
    let close = |tags: &str| -> String {
        let name = |tag: &str| format!("</{}>", tag.split(' ').next().unwrap_or_default());
        tags.split("><").collect::<Vec<_>>().into_iter().rev().map(name).collect()
    };
    let node = Just(WORD.to_owned()).boxed().prop_recursive(6, 64, 5, move |inner| {
        let inside = vec(inner, 1..5).prop_map(|nodes| nodes.join(" "));
        let formatted = (inline.clone(), inside.clone())
            .prop_map(move |(tag, inside)| format!("<{tag}>{inside}{}", close(tag)));
        let set_apart = (block.clone(), inside.clone())
            .prop_map(move |(tag, inside)| format!("<{tag}>{inside}{}", close(tag)));
        let table = subsequence(&["<td>", "<th>", "<td colspan=2>"][..], 1..3).prop_flat_map(
            move |cells| {
                vec(inside.clone(), cells.len()).prop_map(move |texts| {
                    let row: String = cells
                        .iter()
                        .zip(texts)
                        .map(|(cell, text)| format!("{cell}{text}"))
                        .collect();
                    format!("<table><tbody><tr>{row}</tr></tbody></table>")
                })
            },
        );
        prop_oneof![3 => formatted, 3 => set_apart, 1 => table].boxed()
    });
    (vec(node, 1..4), select(&["", "<!--x-->", "<br>", "&nbsp;", "<img src=x>", "\0"][..]))
        .prop_map(|(nodes, between)| {
            let (mut html, mut words) = (String::new(), 0);
            for part in nodes.join(between).split_inclusive(WORD) {
                match part.strip_suffix(WORD) {
                    Some(markup) => {
                        html.push_str(&format!("{markup}w{words}."));
                        words += 1;
                    }
                    None => html.push_str(part),
                }
            }
            (html, words)
        })
}
