//! Tests of how a note's HTML is processed, and a separate check of which markup may be stored.

mod browser;
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
        let known = "a b blockquote br caption code col colgroup del div em h1 h2 h3 h4 h5 h6 hr i ins \
                     kbd li mark ol p pre s small span strike strong sub sup table tbody td tfoot th \
                     thead tr u ul";
        assert!(known.split(' ').any(|name| name == tag), "<{tag}> in {html}");
        for (name, value) in attributes {
            let fits = match (tag.as_str(), name.as_str()) {
                ("a", "href") => ["http:", "https:", "mailto:", "tel:"]
                    .iter()
                    .any(|scheme| value.trim_start().to_ascii_lowercase().starts_with(scheme)),
                ("a", "rel") => value == "noopener noreferrer nofollow",
                ("a", "target") => value == "_blank",
                ("a", "data-user-id") => value.len() <= 64,
                ("a", "data-mention") => ["true", "pending", "false"].contains(&&*value),
                ("li" | "ul", "data-list" | "data-type" | "data-checked") => value.len() < 12,
                ("td" | "th" | "col" | "colgroup", "colspan" | "rowspan" | "span")
                | ("ol", "start") => value.bytes().all(|b| b.is_ascii_digit()),
                (_, "class") => {
                    value.split(' ').all(|c| c.starts_with("ql-") || c.starts_with("lang"))
                }
                (_, "style") => value.split("; ").all(is_harmless_declaration),
                _ => false,
            };
            assert!(fits, "<{tag} {name}={value:?}> in {html}");
        }
    }
}

fn is_harmless_declaration(declaration: &str) -> bool {
    let Some((property, value)) = declaration.split_once(": ") else { return false };
    let function = value.split_once('(').map(|(name, _)| name);
    ["text-align", "text-decoration", "color", "background-color"].contains(&property)
        && function.is_none_or(|name| ["rgb", "rgba", "hsl", "hsla"].contains(&name))
        && !value.contains([':', '"', '\\', '<', '&', '@', '!'].as_slice())
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
