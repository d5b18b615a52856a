//! The kinds of content that a note cannot have (SPEC §3, "Markup").

use std::fmt;

use serde::Serialize;

/// A kind of content that was removed from a submission. The response names the kinds in the
/// warning `CONTENT_REMOVED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Removed {
    /// An image. Its alternative text is kept as text.
    Image,
    /// A video.
    Video,
    /// A sound.
    Audio,
    /// A frame or an embedded document.
    Frame,
    /// A drawing (SVG or canvas).
    Drawing,
    /// A formula (MathML, or the formula of an editor).
    Formula,
    /// A script, or content that is shown only without scripts.
    Script,
    /// A style sheet, or a style that hides text, moves it, or has a value that is not allowed.
    Style,
    /// A field of a form. A checkbox is kept.
    Field,
    /// The address of a link that is not an allowed address. The link's text is kept.
    Link,
    /// Formatting: all of it, because the markup became too large when it was parsed, or the
    /// formatting of elements that are nested too deep. The text is kept.
    Formatting,
}

impl Removed {
    /// The name in the response.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Frame => "frame",
            Self::Drawing => "drawing",
            Self::Formula => "formula",
            Self::Script => "script",
            Self::Style => "style",
            Self::Field => "field",
            Self::Link => "link",
            Self::Formatting => "formatting",
        }
    }

    /// Whether a reader sees the content as something other than text or its formatting.
    fn is_shown(self) -> bool {
        !matches!(self, Self::Script | Self::Style | Self::Link | Self::Formatting)
    }
}

/// The message of `NOTE_EMPTY`, which names the content that a note cannot have.
pub(super) struct EmptyNote<'a>(pub(super) &'a [Removed]);

impl fmt::Display for EmptyNote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().filter(|kind| kind.is_shown());
        let shown: Vec<_> = shown.map(|kind| kind.name()).collect();
        if shown.is_empty() {
            return f.write_str("the note must have text or an attachment");
        }
        write!(
            f,
            "the note has only content that a note cannot have ({}); add text, or add the file as \
             an attachment",
            shown.join(", ")
        )
    }
}
