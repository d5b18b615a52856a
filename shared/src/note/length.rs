//! Counts the length of a submission.
//!
//! The limit is 10,000 Unicode scalar values of the submitted HTML (SPEC §3), with two exceptions:
//!
//! - The start tag of a mention counts with the length of its submitted or its canonical form,
//!   whichever is shorter, so that a note does not become too long because an editor adds attributes
//!   to its mentions.
//! - The `rel` attribute that this service adds to every link does not count, so that a note does
//!   not become too long when a client reads it and saves it again.
//!
//! Both exceptions only reduce the length. So a submission whose whole text is within the limit
//! needs no further check; nearly all submissions are. For a longer submission, a tokenizer finds
//! the start tags of anchors in the submitted text. The start tags that may count less are then
//! parsed by the same code that parses sanitized anchors.

use std::cell::Cell;

use lol_html::{HtmlRewriter, Settings, doc_text, element};

use super::{
    markup::{Token, tokens},
    mention::{Anchor, LINK_REL, MentionRef},
    sanitize::sanitize,
    site::Site,
};

/// The maximum length of a note, in counted characters (SPEC §3).
pub const NOTE_LENGTH_LIMIT: usize = 10_000;

/// The length of `<a data-user-id="…" data-mention="true">`, in characters.
const CANONICAL_TAG_LENGTH: usize =
    "<a data-user-id=\"00000000-0000-0000-0000-000000000000\" data-mention=\"true\">".len();

/// The length of a link's `rel` attribute with the space before it, in characters.
const REL_LENGTH: usize = " rel=\"\"".len() + LINK_REL.len();

const HTML_NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// Returns the length of a submission in characters, to be compared with [`NOTE_LENGTH_LIMIT`]. The
/// two exceptions are applied only if the whole text is longer than the limit. A malformed mention
/// counts with its submitted length, because it has no canonical form.
pub fn counted_length(html: &str, site: &Site) -> usize {
    let submitted = html.chars().count();
    if submitted <= NOTE_LENGTH_LIMIT {
        return submitted;
    }
    submitted - uncounted(html, site)
}

/// The number of characters of the anchors' start tags that do not count.
fn uncounted(html: &str, site: &Site) -> usize {
    let total = Cell::new(0);
    let on_anchor = element!("a", |anchor| {
        let tag = html.get(anchor.source_location().bytes()).unwrap_or_default();
        if anchor.namespace_uri() == HTML_NAMESPACE {
            total.set(total.get() + uncounted_in_tag(tag, site));
        }
        Ok(())
    });
    // The strict mode is off, because a note is not refused for markup that is ambiguous to a
    // streaming tokenizer. The text handler does nothing, but it is needed. Without a text handler
    // the rewriter scans only for tags, loses its position in foreign elements within raw text, and
    // panics in debug builds.
    let settings = Settings::new()
        .append_element_content_handler(on_anchor)
        .append_document_content_handler(doc_text!(|_| Ok(())))
        .with_strict(false);
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    // The tokenizer has no limits set, so it should not fail. If it does, the tags found so far
    // count.
    if rewriter.write(html.as_bytes()).is_ok() {
        drop(rewriter.end());
    }
    total.get()
}

/// The number of characters of one anchor's start tag that do not count: for a mention, the
/// characters by which it is longer than the canonical form; for a link, the `rel` attribute that
/// every stored link has.
fn uncounted_in_tag(tag: &str, site: &Site) -> usize {
    let excess = tag.chars().count().saturating_sub(CANONICAL_TAG_LENGTH);
    let has_rel = tag.contains(LINK_REL);
    if excess == 0 && !has_rel {
        return 0;
    }
    let sanitized = sanitize(tag);
    let anchor = tokens(&sanitized).find_map(|(_, token)| match token {
        Token::Start("a", written) => Some(Anchor::parse(written, site)),
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
