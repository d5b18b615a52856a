//! Counts the length of a submission.
//!
//! The limit is 10,000 Unicode scalar values of the submitted HTML (SPEC §3), with three exceptions:
//!
//! - The start tag of a mention counts with the length of its submitted or its canonical form,
//!   whichever is shorter, so that a note does not become too long because an editor adds attributes
//!   to its mentions.
//! - The site's address before the path of a link within the site does not count, because links to
//!   a path are stored with it.
//! - The `rel` attribute that this service adds to every link does not count, so that a note does
//!   not become too long when a client reads it and saves it again.
//!
//! All exceptions only reduce the length. So a submission whose whole text is within the limit
//! needs no further check; nearly all submissions are. For a longer submission, a tokenizer finds
//! the start tags of anchors in the submitted text. The start tags that may count less are then
//! parsed by the same code that parses sanitized anchors.

use std::cell::Cell;

use lol_html::{HtmlRewriter, Settings, doc_text, element};

use super::{
    markup::{Token, attributes, tokens},
    mention::{LINK_REL, MentionRef},
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
/// exceptions are applied only if the whole text is longer than the limit. A malformed mention
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
    let on_anchor = element!("a, span", |anchor| {
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

/// The number of characters of one start tag that do not count: for a mention, the characters by
/// which it is longer than the canonical form; for a link, the `rel` attribute that every stored
/// link has, and the site's address before a path.
fn uncounted_in_tag(tag: &str, site: &Site) -> usize {
    let excess = tag.chars().count().saturating_sub(CANONICAL_TAG_LENGTH);
    let has_rel = tag.contains(LINK_REL);
    let (base, origin) =
        site.base().map_or(("", ""), |base| (base.as_str(), &base[..url::Position::BeforePath]));
    let in_site = !origin.is_empty() && tag.contains(origin);
    if excess == 0 && !has_rel && !in_site {
        return 0;
    }
    let clean = sanitize(tag, site);
    if let Some(reference) = clean.references.first() {
        return match reference {
            MentionRef::User(_) | MentionRef::Raw(_) => excess,
            MentionRef::Malformed(_) => 0,
        };
    }
    let link = tokens(&clean.html).find_map(|(_, token)| match token {
        Token::Start("a", written) => Some(written),
        _ => None,
    });
    let Some(written) = link else { return 0 };
    let mut href = attributes(written).filter(|(name, _)| *name == "href");
    let address = href.next().map_or("", |(_, address)| address);
    let prefix = [base, origin].into_iter().find(|prefix| in_site && address.starts_with(prefix));
    let rel = if has_rel { REL_LENGTH } else { 0 };
    rel + prefix.map_or(0, |prefix| prefix.chars().count())
}
