//! Converts a note's HTML from the submitted form into the stored form, and from the stored form
//! into the form of the mobile editor.

use std::ops::Range;

use uuid::Uuid;

use super::{
    length::{NOTE_LENGTH_LIMIT, counted_length},
    markup::{Token, has_text, plain_text, push_attribute, push_text, tokens},
    mention::{Anchor, MENTION_LIMIT, MentionRef},
    model::NoteError,
    removed::Removed,
    sanitize::sanitize,
    site::Site,
};

/// Sanitized note HTML whose mentions were found but not yet verified.
#[derive(Debug)]
pub struct Draft {
    html: String,
    parts: Vec<Part>,
    references: Vec<MentionRef>,
    /// Whether an anchor was removed, so that the markup before and after its tags is now adjacent.
    joined: bool,
}

/// A part of a draft. The parts are in document order, and a mention never contains another
/// mention.
#[derive(Debug)]
enum Part {
    /// A range of the sanitized HTML that is copied unchanged.
    Copy(Range<usize>),
    /// A link's start tag.
    Link(String),
    /// A mention's start tag, with the index of its reference.
    Open(usize),
    /// A mention's end tag.
    Close,
}

/// The result of verifying a mentioned reference, which decides what its anchors become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MentionOutcome {
    /// The reference is an active user of the company. The anchor shows this person's name, not the
    /// submitted text.
    Verified {
        /// The person's SSO UUID.
        user: Uuid,
        /// The person's name in the directory, without an `@`.
        display_name: String,
        /// Other names of the person that an editor may have written into the anchor, without an
        /// `@`: the email, the last-known name, the name in the stored note. The anchor's text that
        /// is one of the names is replaced, and all other text is kept.
        known_names: Vec<String>,
    },
    /// The reference is not verified yet. The anchor is kept and marked as pending.
    Pending,
    /// The reference is not a valid mention. The anchor is replaced by its content.
    Text,
}

/// HTML to store, and the people whom it mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Sanitized HTML with mentions in canonical form. Parsing it as a draft and rendering it with
    /// the same outcomes gives the same HTML.
    pub html: String,
    /// The SSO UUIDs of the people who have a verified anchor in `html`, each once, in order.
    pub mentioned: Vec<Uuid>,
    /// The references that have a pending anchor in `html`, each once, in order.
    pub pending: Vec<MentionRef>,
    /// The references whose anchors were replaced by their content, each once, in order, including
    /// malformed ones.
    pub unwrapped: Vec<MentionRef>,
    /// The kinds of content that were removed from the submission, each once.
    pub removed: Vec<Removed>,
}

impl Rendered {
    /// Whether the note has visible text; see [`has_text`].
    pub fn has_text(&self) -> bool {
        has_text(&self.html)
    }
}

impl Draft {
    /// Sanitizes and parses the HTML that a client submitted.
    ///
    /// # Errors
    /// [`NoteError::TooLong`]. The length is checked before the HTML is sanitized and parsed.
    pub fn from_submission(html: &str, site: &Site) -> Result<Self, NoteError> {
        let length = counted_length(html, site);
        if length > NOTE_LENGTH_LIMIT {
            return Err(NoteError::TooLong { length, limit: NOTE_LENGTH_LIMIT });
        }
        Ok(Self::parse(html, site))
    }

    /// Sanitizes `html` and finds its mentions. The function does not limit the length. Use it for
    /// HTML that this service wrote, such as a stored note with pending mentions. The link of a
    /// mobile mention is relative or leads to `site`.
    pub fn parse(html: &str, site: &Site) -> Self {
        let html = sanitize(html);
        let mut reader = Reader::default();
        for (range, token) in tokens(&html) {
            match token {
                Token::Start("a", written) => reader.open(Anchor::parse(written, site)),
                Token::End("a") => reader.close(range),
                Token::Text(_) | Token::Start(..) | Token::End(_) => reader.copy(range),
                // The serializer cannot have written such markup, so it is not stored.
                Token::Other => reader.joined = true,
            }
        }
        let Reader { parts, references, joined, .. } = reader;
        Self { html, parts, references, joined }
    }

    /// The mentioned references, each once, in order, including malformed ones.
    pub fn references(&self) -> &[MentionRef] {
        &self.references
    }

    /// Checks how many people the draft mentions, counting distinct references without malformed
    /// ones.
    ///
    /// # Errors
    /// [`NoteError::TooManyMentions`] if there are more than [`MENTION_LIMIT`].
    pub fn check_mention_count(&self) -> Result<(), NoteError> {
        let malformed = |reference: &&MentionRef| matches!(reference, MentionRef::Malformed(_));
        let count = self.references.len() - self.references.iter().filter(malformed).count();
        if count > MENTION_LIMIT {
            return Err(NoteError::TooManyMentions { count, limit: MENTION_LIMIT });
        }
        Ok(())
    }

    /// The name that each mention with a UUID shows, without the `@`. If a person is mentioned more
    /// than once, the name is from the first mention. Use this function only for stored HTML, whose
    /// names come from the directory. With these names, a save can keep existing mentions while the
    /// directory is unavailable.
    pub fn shown_names(&self) -> Vec<(Uuid, String)> {
        let mut names: Vec<(Uuid, String)> = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            let Part::Open(index) = part else { continue };
            let Some(MentionRef::User(user)) = self.references.get(*index) else { continue };
            if names.iter().any(|(known, _)| known == user) {
                continue;
            }
            let inside = self.parts[at..].iter().take_while(|part| !matches!(part, Part::Close));
            let text: String = inside.map(|part| self.text_of(part)).collect();
            names.push((*user, text.trim().trim_start_matches('@').to_owned()));
        }
        names
    }

    fn text_of(&self, part: &Part) -> String {
        match part {
            Part::Copy(range) => plain_text(&self.html[range.clone()]),
            Part::Link(_) | Part::Open(_) | Part::Close => String::new(),
        }
    }

    /// Writes the HTML to store. `outcome` is called once for each distinct reference, except for
    /// malformed ones, which become text.
    pub fn render(&self, outcome: impl Fn(&MentionRef) -> MentionOutcome) -> Rendered {
        let outcomes: Vec<_> = self
            .references
            .iter()
            .map(|reference| match reference {
                MentionRef::Malformed(_) => MentionOutcome::Text,
                MentionRef::User(_) | MentionRef::Raw(_) => outcome(reference),
            })
            .collect();
        let mut html = self.splice(&outcomes);
        if self.joined || outcomes.contains(&MentionOutcome::Text) {
            // Without the anchor, the elements that it separated (such as a heading in a heading)
            // may be nested in a different way when they are parsed again.
            html = sanitize(&html);
        }
        let mut rendered = Rendered {
            html,
            mentioned: Vec::new(),
            pending: Vec::new(),
            unwrapped: Vec::new(),
            removed: Vec::new(),
        };
        for (reference, outcome) in self.references.iter().zip(outcomes) {
            match outcome {
                MentionOutcome::Verified { user, .. } if rendered.mentioned.contains(&user) => {}
                MentionOutcome::Verified { user, .. } => rendered.mentioned.push(user),
                MentionOutcome::Pending => rendered.pending.push(reference.clone()),
                MentionOutcome::Text => rendered.unwrapped.push(reference.clone()),
            }
        }
        rendered
    }

    fn splice(&self, outcomes: &[MentionOutcome]) -> String {
        let mut html = String::with_capacity(self.html.len() + 32 * self.references.len());
        let mut open = None;
        for part in &self.parts {
            match part {
                Part::Open(index) => {
                    open = outcomes.get(*index);
                    push_opening(&mut html, &self.references[*index], open);
                }
                Part::Close => {
                    if open != Some(&MentionOutcome::Text) {
                        html.push_str("</a>");
                    }
                    open = None;
                }
                // The name from the directory replaces the content.
                Part::Copy(_) if matches!(open, Some(MentionOutcome::Verified { .. })) => {}
                Part::Copy(range) => html.push_str(&self.html[range.clone()]),
                Part::Link(tag) => html.push_str(tag),
            }
        }
        html
    }
}

fn push_opening(html: &mut String, reference: &MentionRef, outcome: Option<&MentionOutcome>) {
    match outcome {
        Some(MentionOutcome::Verified { user, display_name, .. }) => {
            html.push_str("<a data-user-id=\"");
            html.push_str(user.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
            html.push_str("\" data-mention=\"true\">@");
            let name: String = display_name.chars().filter(|c| !c.is_control()).collect();
            push_text(html, &name);
        }
        Some(MentionOutcome::Pending) => {
            html.push_str("<a data-user-id=\"");
            push_attribute(html, &reference.id());
            html.push_str("\" data-mention=\"pending\">");
        }
        Some(MentionOutcome::Text) | None => {}
    }
}

/// Turns the tokens of sanitized HTML into the parts of a draft.
#[derive(Default)]
struct Reader {
    parts: Vec<Part>,
    references: Vec<MentionRef>,
    open: Vec<Opened>,
    joined: bool,
}

/// The kind of part that the start tag of an anchor became. The end tag must become the same kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    Mention,
    Link,
    Nothing,
}

impl Reader {
    fn open(&mut self, anchor: Anchor) {
        // Anchors can be nested in table cells. An anchor inside a mention is removed with the
        // mention's content.
        let opened = match anchor {
            _ if self.open.contains(&Opened::Mention) => Opened::Nothing,
            Anchor::Mention(reference) => {
                let index = self.index_of(reference);
                self.parts.push(Part::Open(index));
                Opened::Mention
            }
            Anchor::Link(tag) => {
                self.parts.push(Part::Link(tag));
                Opened::Link
            }
            Anchor::Bare => Opened::Nothing,
        };
        self.joined |= opened == Opened::Nothing;
        self.open.push(opened);
    }

    fn close(&mut self, end_tag: Range<usize>) {
        match self.open.pop() {
            Some(Opened::Mention) => self.parts.push(Part::Close),
            Some(Opened::Link) => self.copy(end_tag),
            Some(Opened::Nothing) | None => {}
        }
    }

    fn copy(&mut self, range: Range<usize>) {
        match self.parts.last_mut() {
            Some(Part::Copy(last)) if last.end == range.start => last.end = range.end,
            _ => self.parts.push(Part::Copy(range)),
        }
    }

    fn index_of(&mut self, reference: MentionRef) -> usize {
        if let Some(index) = self.references.iter().position(|known| *known == reference) {
            return index;
        }
        self.references.push(reference);
        self.references.len() - 1
    }
}

/// Renders stored HTML for the mobile editor, with verified and pending mentions as
/// `<a href="../../../users/{id}/edit_user">` (SPEC §3, "Mention forms"). Parsing the result gives
/// the same references.
pub fn to_mobile(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    for (range, token) in tokens(html) {
        let anchor = match token {
            Token::Start("a", written) => Anchor::parse(written, &Site::default()),
            Token::Text(_) | Token::Start(..) | Token::End(_) | Token::Other => Anchor::Bare,
        };
        match anchor {
            Anchor::Mention(reference) => {
                out.push_str("<a href=\"../../../users/");
                push_attribute(&mut out, &reference.id());
                out.push_str("/edit_user\">");
            }
            Anchor::Link(_) | Anchor::Bare => out.push_str(&html[range]),
        }
    }
    out
}
