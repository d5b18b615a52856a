//! A note in the table, in a request and in a response.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Attachment, Visibility, to_mobile};
use crate::{
    contact::RecordPermission,
    id::{ContactId, NoteId, UserId},
};

/// A note in the table. It has the same partition key as its contact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The note's id, a UUID version 7, so that notes are sorted by their time of creation.
    pub id: NoteId,
    /// The contact that the note is about.
    pub contact_id: ContactId,
    /// The text of the note as sanitized HTML, with mentions in canonical form.
    pub note: String,
    /// References to files, at most 10.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The users who may read the note: all, or only the author.
    #[serde(default)]
    pub visibility: Visibility,
    /// The author of the note, who stays its owner when another user changes it.
    pub owner_id: UserId,
    /// The author's name when they created the note.
    pub owner_name: String,
    /// The people of the verified mentions in `note`, at most 10. Mentions that are still pending
    /// are not in it.
    #[serde(default)]
    pub mentioned_user_ids: Vec<UserId>,
    /// The time of the save whose mentions are still pending; `None` if no mention is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_since: Option<Timestamp>,
    /// The time of the first save.
    pub created_at: Timestamp,
    /// The time of the last save by a user. A verification does not change it.
    pub updated_at: Timestamp,
    /// The version for optimistic locking, which increases with each write.
    pub version: u64,
}

impl Note {
    /// Whether users other than the author may see the note.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.visibility == Visibility::Public
    }

    /// Whether `html` is exactly the HTML that a response has for this note, in the web form or in
    /// the mobile form.
    #[must_use]
    pub fn has_html(&self, html: &str) -> bool {
        html == self.note || html == to_mobile(&self.note)
    }
}

/// A note in a request. Fields that only the API sets are accepted and ignored, because clients may
/// send all fields of a note that they received.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of `Note`")]
pub struct NoteInput {
    pub note: String,
    /// The attachments. If the field is absent, a new note has no attachments, and an existing note
    /// keeps its attachments.
    #[serde(default)]
    pub attachments: Option<Vec<Attachment>>,
    /// The visibility. If the field is absent, a new note is public, and an existing note keeps its
    /// visibility.
    #[serde(default)]
    pub visibility: Option<Visibility>,
    #[serde(default, rename = "id")]
    _id: IgnoredAny,
    #[serde(default, rename = "contact_id")]
    _contact_id: IgnoredAny,
    #[serde(default, rename = "owner_id")]
    _owner_id: IgnoredAny,
    #[serde(default, rename = "owner_name")]
    _owner_name: IgnoredAny,
    #[serde(default, rename = "mentioned_user_ids")]
    _mentioned_user_ids: IgnoredAny,
    #[serde(default, rename = "created_at")]
    _created_at: IgnoredAny,
    #[serde(default, rename = "updated_at")]
    _updated_at: IgnoredAny,
    #[serde(default, rename = "version")]
    _version: IgnoredAny,
    #[serde(default, rename = "permission")]
    _permission: IgnoredAny,
}

/// The form of mentions in a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MentionFormat {
    /// `<a data-user-id="…" data-mention="true">`.
    #[default]
    Web,
    /// `<a href="../../../users/{id}/edit_user">`, the form of the mobile editor.
    Mobile,
}

/// A note in a response.
#[derive(Clone, Debug, Serialize)]
pub struct NoteView<'a> {
    id: NoteId,
    contact_id: ContactId,
    note: Cow<'a, str>,
    attachments: &'a [Attachment],
    visibility: Visibility,
    owner_id: UserId,
    owner_name: &'a str,
    mentioned_user_ids: &'a [UserId],
    created_at: Timestamp,
    updated_at: Timestamp,
    version: u64,
    permission: RecordPermission,
}

impl<'a> NoteView<'a> {
    /// Creates the response for a note, with the viewer's permissions for it.
    #[must_use]
    pub fn new(note: &'a Note, permission: RecordPermission, format: MentionFormat) -> Self {
        Self {
            id: note.id,
            contact_id: note.contact_id,
            note: match format {
                MentionFormat::Web => Cow::Borrowed(&note.note),
                MentionFormat::Mobile => Cow::Owned(to_mobile(&note.note)),
            },
            attachments: &note.attachments,
            visibility: note.visibility,
            owner_id: note.owner_id,
            owner_name: &note.owner_name,
            mentioned_user_ids: &note.mentioned_user_ids,
            created_at: note.created_at,
            updated_at: note.updated_at,
            version: note.version,
            permission,
        }
    }
}
