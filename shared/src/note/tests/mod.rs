//! Tests of how a note's HTML is processed, and a separate check of which markup may be stored.

mod browser;
mod editors;
mod formatting;
mod grammar;
mod ledger;
mod limits;
mod mentions;
mod properties;
mod scope;
mod xss;

use std::sync::{Arc, Mutex};

use lol_html::{RewriteStrSettings, element, rewrite_str};
use uuid::Uuid;

use super::*;

const ANN: &str = "0191d2c4-8a3e-7c11-9f00-0000000000aa";
const BOB: &str = "0191d2c4-8a3e-7c11-9f00-0000000000bb";
const HOST: &str = "app.example.com";

fn site() -> Site {
    Site::new(&format!("https://{HOST}"))
}

fn draft(html: &str) -> Draft {
    Draft::parse(html, &site())
}

fn user(id: &str) -> MentionRef {
    MentionRef::User(Uuid::try_parse(id).unwrap())
}

fn raw(id: &str) -> MentionRef {
    MentionRef::Raw(id.to_owned())
}

fn malformed(id: &str) -> MentionRef {
    MentionRef::Malformed(id.to_owned())
}

/// The directory of these tests. Every UUID is a person with the name Dir, and an id that is not a
/// UUID is not verified yet.
fn directory(reference: &MentionRef) -> MentionOutcome {
    match reference {
        MentionRef::User(user) => MentionOutcome::Verified {
            user: *user,
            display_name: "Dir".to_owned(),
            known_names: Vec::new(),
        },
        MentionRef::Raw(_) => MentionOutcome::Pending,
        MentionRef::Malformed(_) => MentionOutcome::Text,
    }
}

fn stored(html: &str) -> String {
    draft(html).render(directory).html
}

fn verified(id: &str) -> String {
    format!(r#"<a data-user-id="{id}" data-mention="true">@Dir</a>"#)
}

/// Returns every element with its attributes. The elements are read with a tokenizer that is
/// independent of the sanitizer's.
fn elements(html: &str) -> Vec<(String, Vec<(String, String)>)> {
    let found = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&found);
    let handler = element!("*", move |element| {
        let attributes = element.attributes().iter().map(|a| (a.name(), a.value())).collect();
        sink.lock().unwrap().push((element.tag_name(), attributes));
        Ok(())
    });
    let settings = RewriteStrSettings::new().append_element_content_handler(handler);
    rewrite_str(html, settings).unwrap();
    Arc::try_unwrap(found).unwrap().into_inner().unwrap()
}

/// Panics if `html` contains markup that is not allowed. Its lists are intentionally separate from
/// the sanitizer's lists.
fn assert_allowed(html: &str) {
    for (tag, attributes) in elements(html) {
        let known = "a abbr b blockquote br caption cite code col colgroup dd del div dl dt em \
                     figcaption figure h1 h2 h3 h4 h5 h6 hr i input ins kbd label li mark ol p pre q \
                     s samp small span strike strong sub sup table tbody td tfoot th thead tr u ul \
                     var";
        assert!(known.split(' ').any(|name| name == tag), "<{tag}> in {html}");
        let is_checkbox = attributes.contains(&("type".to_owned(), "checkbox".to_owned()));
        assert!(tag != "input" || is_checkbox, "<input> in {html}");
        for (name, value) in attributes {
            let number = |value: &str| {
                value.len() < 8 && value.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit())
            };
            let word = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"+#-._".contains(&b));
            let fits = match (tag.as_str(), name.as_str()) {
                ("a", "href") => ["http:", "https:", "mailto:", "tel:"]
                    .iter()
                    .any(|scheme| value.trim_start().to_ascii_lowercase().starts_with(scheme)),
                ("a", "rel") => value == "noopener noreferrer nofollow",
                ("a", "target") => value == "_blank",
                ("a", "data-user-id") => value.len() <= 64,
                ("a", "data-mention") => ["true", "pending", "false"].contains(&&*value),
                ("a" | "abbr", "title") => markup::unescape(&value).chars().count() <= 500,
                ("li" | "ul", "data-list" | "data-type" | "data-checked" | "aria-checked")
                | ("ol" | "ul" | "input", "type")
                | ("td" | "th", "scope") => value.len() < 12 && word,
                ("li", "role") => value == "checkbox",
                ("input", "checked" | "disabled") | ("ol", "reversed") => value == name,
                ("td" | "th" | "col" | "colgroup", "colspan" | "rowspan" | "span")
                | ("ol", "start")
                | ("li", "value")
                | ("table", "border" | "cellpadding" | "cellspacing") => number(&value),
                ("td" | "th", "colwidth") => value.split(',').all(number),
                ("table" | "td" | "th" | "col" | "colgroup", "width") => {
                    number(&value.trim_end_matches('%').trim_end_matches("px").replace('.', ""))
                }
                ("td" | "th", "valign") => ["top", "middle", "bottom"].contains(&&*value),
                (_, "align") => ["left", "right", "center", "justify"].contains(&&*value),
                ("pre" | "code" | "div", "data-language" | "data-highlight-language") => word,
                ("pre" | "code" | "div", "spellcheck") => value == "false",
                ("mark", "data-color") => value.starts_with('#') && word,
                (_, "dir") => ["ltr", "rtl", "auto"].contains(&&*value),
                (_, "class") => value.split(' ').all(is_harmless_class),
                (_, "style") => value.split("; ").all(is_harmless_declaration),
                _ => false,
            };
            assert!(fits, "<{tag} {name}={value:?}> in {html}");
        }
    }
}

fn is_harmless_class(class: &str) -> bool {
    let exact = "marker-blue marker-green marker-pink marker-yellow pen-green pen-red table \
                 text-big text-huge text-small text-tiny todo-list todo-list__label \
                 todo-list__label__description todo-list__label_without-description ql-syntax \
                 ql-code-block ql-code-block-container";
    let patterns = [
        "language-",
        "ql-align-",
        "ql-bg-",
        "ql-color-",
        "ql-direction-",
        "ql-font-",
        "ql-indent-",
        "ql-size-",
    ];
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+#-".contains(c);
    exact.split(' ').any(|known| known == class)
        || patterns.iter().any(|prefix| class.starts_with(prefix)) && class.chars().all(plain)
}

fn is_harmless_declaration(declaration: &str) -> bool {
    let Some((property, value)) = declaration.split_once(": ") else { return false };
    let properties = "background-color border border-bottom border-collapse border-color \
                      border-left border-right border-style border-top border-width color direction \
                      font-family font-size font-style font-weight height line-height \
                      list-style-type margin-inline-start margin-left margin-right min-width \
                      padding-inline-start padding-left padding-right text-align text-decoration \
                      text-indent vertical-align white-space width";
    let function = value.split_once('(').map(|(name, _)| name.rsplit(' ').next().unwrap());
    let is_color = function.is_none_or(|name| ["rgb", "rgba", "hsl", "hsla"].contains(&name));
    let is_negative = value.split([' ', ',', '(']).any(|part| {
        part.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    });
    let is_relative = ["vw", "vh", "vmin", "vmax"].iter().any(|unit| {
        let digit = |c: char| c.is_ascii_digit();
        value.strip_suffix(unit).is_some_and(|number| number.ends_with(digit))
    });
    properties.split_ascii_whitespace().any(|known| known == property)
        && is_color
        && !is_negative
        && !is_relative
        && !value.contains([':', '"', '\\', '<', '&', '@', '!', '/', '*', '{'].as_slice())
}

/// The user ids of the anchors whose `data-mention` attribute has this value.
fn anchors(html: &str, state: &str) -> Vec<String> {
    let has = |attributes: &[(String, String)]| {
        attributes.iter().any(|(name, value)| name == "data-mention" && value == state)
    };
    elements(html)
        .into_iter()
        .filter(|(tag, attributes)| tag == "a" && has(attributes))
        .flat_map(|(_, attributes)| attributes)
        .filter_map(|(name, value)| (name == "data-user-id").then_some(value))
        .collect()
}
