//! Converts a note's HTML from the submitted form into the stored form, and from the stored form
//! into the form of the mobile editor.

use uuid::Uuid;

use super::{
    clean::{Clean, Part, push_mention},
    length::{NOTE_LENGTH_LIMIT, counted_length},
    markup::{Token, plain_text, push_attribute, push_text, same_shape, tokens},
    mention::{Anchor, MENTION_LIMIT, MentionRef},
    model::NoteError,
    name::{Rest, shown_name, take_name},
    removed::Removed,
    sanitize::{sanitize, stabilize},
    site::Site,
};

/// Sanitized note HTML whose mentions were found but not yet verified.
#[derive(Debug)]
pub struct Draft {
    clean: Clean,
    site: Site,
    /// Whether the submitted markup has the elements of the sanitized one in the same order, so
    /// that parsing it again does not change it.
    is_stable: bool,
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
    has_text: bool,
}

impl Rendered {
    /// Whether the note has visible text, including the names of mentions. The alternative text of
    /// an image is not the text of a note.
    pub fn has_text(&self) -> bool {
        self.has_text
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
        let clean = sanitize(html, site);
        let is_stable = same_shape(html, &clean.with_mentions());
        Self { clean, site: site.clone(), is_stable }
    }

    /// The mentioned references, each once, in order, including malformed ones.
    pub fn references(&self) -> &[MentionRef] {
        &self.clean.references
    }

    /// Checks how many people the draft mentions, counting distinct references without malformed
    /// ones.
    ///
    /// # Errors
    /// [`NoteError::TooManyMentions`] if there are more than [`MENTION_LIMIT`].
    pub fn check_mention_count(&self) -> Result<(), NoteError> {
        let malformed = |reference: &&MentionRef| matches!(reference, MentionRef::Malformed(_));
        let references = self.references();
        let count = references.len() - references.iter().filter(malformed).count();
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
        for (part, markup) in self.parts() {
            let Part::Mention(index, _) = part else { continue };
            let reference = self.clean.mentions[*index].reference;
            let MentionRef::User(user) = self.references()[reference] else { continue };
            if names.iter().any(|(known, _)| *known == user) {
                continue;
            }
            let text = plain_text(markup);
            names.push((user, text.trim().trim_start_matches('@').to_owned()));
        }
        names
    }

    /// The parts with their markup.
    fn parts(&self) -> impl Iterator<Item = (&Part, &str)> {
        let mut at = 0;
        self.clean.parts.iter().map(move |part| {
            let (Part::Copy(end) | Part::Mention(_, end)) = part;
            (part, &self.clean.html[std::mem::replace(&mut at, *end)..*end])
        })
    }

    /// Writes the HTML to store. `outcome` is called once for each distinct reference, except for
    /// malformed ones, which become text.
    pub fn render(&self, outcome: impl Fn(&MentionRef) -> MentionOutcome) -> Rendered {
        let outcomes: Vec<_> = self
            .references()
            .iter()
            .map(|reference| match reference {
                MentionRef::Malformed(_) => MentionOutcome::Text,
                MentionRef::User(_) | MentionRef::Raw(_) => outcome(reference),
            })
            .collect();
        let (mut html, is_stable) = self.splice(&outcomes);
        let mut removed = self.clean.removed.clone();
        if !is_stable {
            // The elements around a mention that was moved or removed may be nested in a different
            // way when they are parsed again.
            html = stabilize(html, &self.site, &mut removed);
        }
        let (mut mentioned, mut pending, mut unwrapped) = (Vec::new(), Vec::new(), Vec::new());
        for (reference, outcome) in self.references().iter().zip(outcomes) {
            match outcome {
                MentionOutcome::Verified { user, .. } if mentioned.contains(&user) => {}
                MentionOutcome::Verified { user, .. } => mentioned.push(user),
                MentionOutcome::Pending => pending.push(reference.clone()),
                MentionOutcome::Text => unwrapped.push(reference.clone()),
            }
        }
        let has_text = self.clean.has_text || !mentioned.is_empty();
        Rendered { html, mentioned, pending, unwrapped, removed, has_text }
    }

    /// Puts the mentions into the markup. Returns whether parsing the result does not change it.
    fn splice(&self, outcomes: &[MentionOutcome]) -> (String, bool) {
        let mut is_stable = self.is_stable;
        let mut html =
            String::with_capacity(self.clean.html.len() + 96 * self.clean.mentions.len());
        for (part, markup) in self.parts() {
            let Part::Mention(index, _) = part else {
                html.push_str(markup);
                continue;
            };
            let mention = &self.clean.mentions[*index];
            match &outcomes[mention.reference] {
                MentionOutcome::Verified { user, display_name, known_names } => {
                    let name = shown_name(display_name);
                    let names = [display_name, &name].into_iter().chain(known_names);
                    let rest = take_name(markup, names.chain(&mention.labels).map(String::as_str));
                    is_stable &=
                        rest == Rest::default() && !markup.is_empty() && !markup.contains('<');
                    html.push_str(&rest.before);
                    let id = user.hyphenated();
                    push_mention(&mut html, id.encode_lower(&mut Uuid::encode_buffer()), "true");
                    html.push('@');
                    push_text(&mut html, &name);
                    html.push_str("</a>");
                    html.push_str(&rest.behind);
                }
                MentionOutcome::Pending => {
                    push_mention(&mut html, &self.references()[mention.reference].id(), "pending");
                    html.push_str(markup);
                    html.push_str("</a>");
                }
                MentionOutcome::Text => {
                    is_stable = false;
                    html.push_str(markup);
                }
            }
        }
        (html, is_stable)
    }
}

/// Renders stored HTML for the mobile editor, with verified and pending mentions as
/// `<a href="../../../users/{id}/edit_user">` (SPEC §3, "Mention forms"). Parsing the result gives
/// the same references.
pub fn to_mobile(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    for (range, token) in tokens(html) {
        let anchor = match token {
            Token::Start("a", written) => Some(Anchor::from_markup(written, &Site::default())),
            Token::Text(_) | Token::Start(..) | Token::End(_) | Token::Other => None,
        };
        match anchor {
            Some(Anchor::Mention { reference, .. }) => {
                out.push_str("<a href=\"../../../users/");
                push_attribute(&mut out, &reference.id());
                out.push_str("/edit_user\">");
            }
            Some(Anchor::Link(_) | Anchor::Bare { .. }) | None => out.push_str(&html[range]),
        }
    }
    out
}
