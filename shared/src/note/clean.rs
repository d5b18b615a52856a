//! Sanitized HTML whose mentions are apart from it.

use super::{markup::push_attribute, mention::MentionRef, removed::Removed};

/// Sanitized HTML and its mentions.
#[derive(Debug, Default)]
pub(super) struct Clean {
    /// The markup without the tags of the mentions.
    pub(super) html: String,
    /// The parts of `html` in order; together they are the whole of it.
    pub(super) parts: Vec<Part>,
    pub(super) mentions: Vec<Mention>,
    /// The mentioned references, each once, in order.
    pub(super) references: Vec<MentionRef>,
    /// The kinds of content that were removed, each once, sorted.
    pub(super) removed: Vec<Removed>,
    /// Whether there is visible text in addition to the alternative text of images.
    pub(super) has_text: bool,
}

/// A part of sanitized HTML.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Markup up to this offset that is copied unchanged.
    Copy(usize),
    /// The content of the mention with this index, up to this offset: text of one line with
    /// formatting.
    Mention(usize, usize),
}

/// One mention.
#[derive(Debug)]
pub(super) struct Mention {
    /// The index of its reference.
    pub(super) reference: usize,
    /// The names that the editor wrote into attributes.
    pub(super) labels: Vec<String>,
    /// Whether it is marked as pending.
    pub(super) is_pending: bool,
}

impl Clean {
    /// Adds a kind of content that was removed.
    pub(super) fn remove(&mut self, kind: Removed) {
        if let Err(at) = self.removed.binary_search(&kind) {
            self.removed.insert(at, kind);
        }
    }

    /// The HTML with the mentions in their canonical form. Malformed ones become text.
    pub(super) fn with_mentions(&self) -> String {
        let mut out = String::with_capacity(self.html.len() + 80 * self.mentions.len());
        let mut at = 0;
        for part in &self.parts {
            match part {
                Part::Copy(end) => out.push_str(&self.html[std::mem::replace(&mut at, *end)..*end]),
                Part::Mention(index, end) => {
                    let mention = &self.mentions[*index];
                    let reference = &self.references[mention.reference];
                    let run = &self.html[std::mem::replace(&mut at, *end)..*end];
                    if matches!(reference, MentionRef::Malformed(_)) {
                        out.push_str(run);
                        continue;
                    }
                    let state = if mention.is_pending { "pending" } else { "true" };
                    push_mention(&mut out, &reference.id(), state);
                    out.push_str(run);
                    out.push_str("</a>");
                }
            }
        }
        out
    }
}

/// Appends the start tag of a mention.
pub(super) fn push_mention(out: &mut String, id: &str, state: &str) {
    out.push_str("<a data-user-id=\"");
    push_attribute(out, id);
    out.push_str("\" data-mention=\"");
    out.push_str(state);
    out.push_str("\">");
}
