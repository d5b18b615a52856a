//! How long a submission counts.
//!
//! SPEC §3: 10,000 Unicode scalars of the submitted HTML, a mention's start tag counted at the
//! shorter of its submitted and its canonical form; so a note does not become too long because an
//! editor dresses its mentions up. Nor does it because it is read and saved again: the `rel` that
//! every stored link carries is ours and does not count.
//!
//! Both only ever take away. So a submission within the limit as it stands needs no further look,
//! which is nearly every one. For the others a tokenizer finds the anchors' start tags in the raw
//! text, and those that may count less are read by the same code that reads sanitized anchors.

use std::cell::Cell;

use lol_html::{HtmlRewriter, Settings, doc_text, element};

use super::{
    markup::{Token, tokens},
    mention::{Anchor, LINK_REL, MentionRef},
    sanitize::sanitize,
};

/// Longest note, in counted characters (SPEC §3).
pub const NOTE_LENGTH_LIMIT: usize = 10_000;

/// Of `<a data-user-id="…" data-mention="true">`, in characters.
const CANONICAL_TAG_LENGTH: usize =
    "<a data-user-id=\"00000000-0000-0000-0000-000000000000\" data-mention=\"true\">".len();

/// Of the `rel` of a link, with the space before it, in characters.
const REL_LENGTH: usize = " rel=\"\"".len() + LINK_REL.len();

const HTML_NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// The length by which [`NOTE_LENGTH_LIMIT`] is judged, in characters: exact if it is past the
/// limit, otherwise the submission's own length. A malformed mention counts as written: it has no
/// canonical form.
pub fn counted_length(html: &str, hosts: &[String]) -> usize {
    let submitted = html.chars().count();
    if submitted <= NOTE_LENGTH_LIMIT {
        return submitted;
    }
    submitted - forgiven(html, hosts)
}

/// How many characters of the anchors' start tags do not count.
fn forgiven(html: &str, hosts: &[String]) -> usize {
    let total = Cell::new(0);
    let on_anchor = element!("a", |anchor| {
        let tag = html.get(anchor.source_location().bytes()).unwrap_or_default();
        if anchor.namespace_uri() == HTML_NAMESPACE {
            total.set(total.get() + forgiven_of(tag, hosts));
        }
        Ok(())
    });
    // Not strict: markup that is ambiguous to a streaming tokenizer is no reason to refuse a note.
    // Texts are asked for to be given whole tags: scanning for tags alone, the rewriter loses its
    // place in foreign elements within raw text, and panics where debug assertions are on.
    let settings = Settings::new()
        .append_element_content_handler(on_anchor)
        .append_document_content_handler(doc_text!(|_| Ok(())))
        .with_strict(false);
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    // The tokenizer has no limit to run into here; if it stopped all the same, what it found counts.
    if rewriter.write(html.as_bytes()).is_ok() {
        drop(rewriter.end());
    }
    total.get()
}

/// How many characters of one anchor's start tag do not count: of a mention what is longer than the
/// canonical form, of a link what every stored link carries.
fn forgiven_of(tag: &str, hosts: &[String]) -> usize {
    let excess = tag.chars().count().saturating_sub(CANONICAL_TAG_LENGTH);
    let has_rel = tag.contains(LINK_REL);
    if excess == 0 && !has_rel {
        return 0;
    }
    let sanitized = sanitize(tag);
    let anchor = tokens(&sanitized).find_map(|(_, token)| match token {
        Token::Start("a", written) => Some(Anchor::read(written, hosts)),
        _ => None,
    });
    match anchor {
        Some(Anchor::Mention(MentionRef::User(_) | MentionRef::Raw(_))) => excess,
        Some(Anchor::Link(_)) if has_rel => REL_LENGTH,
        Some(Anchor::Mention(MentionRef::Malformed(_)) | Anchor::Link(_) | Anchor::Bare) | None => {
            0
        }
    }
}
