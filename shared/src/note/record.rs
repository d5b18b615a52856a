//! A note as it is stored, as clients send it and as the API answers it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Attachment, Visibility, to_mobile};
use crate::{
    contact::RecordPermission,
    id::{ContactId, NoteId, UserId},
};

/// A note as it is stored, beside its contact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The id.
    pub id: NoteId,
    /// The contact that it is about.
    pub contact_id: ContactId,
    /// Sanitized HTML with mentions in canonical form.
    pub note: String,
    /// Files that it refers to.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// Who may read it.
    #[serde(default)]
    pub visibility: Visibility,
    /// The author.
    pub owner_id: UserId,
    /// The author's name when they wrote it.
    pub owner_name: String,
    /// The verified people that it mentions.
    #[serde(default)]
    pub mentioned_user_ids: Vec<UserId>,
    /// Since when it holds mentions that could not be verified, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_since: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When somebody last changed it.
    pub updated_at: Timestamp,
    /// Rises with each write.
    pub version: u64,
}

impl Note {
    /// Whether others than its author may know of it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.visibility == Visibility::Public
    }

    /// Whether this is the HTML that an answer has for the note, in either form.
    #[must_use]
    pub fn is_answered_as(&self, html: &str) -> bool {
        html == self.note || html == to_mobile(&self.note)
    }
}

/// A note as clients send it. What the API itself answers is accepted and ignored, since clients
/// echo what they read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the note's")]
pub struct NoteInput {
    pub note: String,
    /// Absent: none on a new note, unchanged on one that is there.
    #[serde(default)]
    pub attachments: Option<Vec<Attachment>>,
    /// Absent: public on a new note, unchanged on one that is there.
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

/// The form in which an answer's mentions stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MentionFormat {
    /// `<a data-user-id="…" data-mention="true">`.
    #[default]
    Web,
    /// `<a href="../../../users/{id}/edit_user">`, which the mobile editor keeps.
    Mobile,
}

/// A note as the API answers it.
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
    /// The note, with what the viewer may do with it.
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
