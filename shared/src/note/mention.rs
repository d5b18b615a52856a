//! What an anchor means.
//!
//! Both mention forms of SPEC §3 are read here, from the attributes of an anchor that has passed the
//! sanitizer: `<a data-user-id="{uuid}">` of the web editor and
//! `<a href="…/users/{id}/edit_user">` of the mobile one.

use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use url::{ParseError, Url};
use uuid::Uuid;

use super::markup::{attributes, push_attribute, unescape};

/// Distinct people that one note may mention (SPEC §3).
pub const MENTION_LIMIT: usize = 10;

/// What every link carries: the page it opens learns nothing of ours and gains nothing from us.
pub(super) const LINK_REL: &str = "noopener noreferrer nofollow";

/// Longest id that can stand for a person outside of UUIDs, in bytes.
const RAW_ID_LIMIT: usize = 64;

/// Whom an anchor mentions, as far as its own markup tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MentionRef {
    /// A person's SSO UUID.
    User(Uuid),
    /// An id that is not a UUID, which the directory must resolve. 1 to 64 ASCII letters, digits
    /// and `-_.@+`, but neither `.` nor `..`.
    Raw(String),
    /// Something that can be nobody's id; it never becomes a mention.
    Malformed(String),
}

impl MentionRef {
    /// A UUID is 8-4-4-4-12 hex digits in any case, and nothing else.
    fn uuid(id: &str) -> Option<Uuid> {
        // Of the forms that the parser takes, only the hyphenated one has 36 characters.
        (id.len() == 36).then(|| Uuid::try_parse(id).ok()).flatten()
    }

    /// Reads an id that may be other than a UUID.
    fn lenient(id: String) -> Self {
        if let Some(user) = Self::uuid(&id) {
            return Self::User(user);
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.@+".contains(&b);
        // In a path these are steps to another place, whoever encodes them.
        let step = matches!(id.as_str(), "." | "..");
        if (1..=RAW_ID_LIMIT).contains(&id.len()) && id.bytes().all(plain) && !step {
            Self::Raw(id)
        } else {
            Self::Malformed(id)
        }
    }

    /// The id as it stands in markup: UUIDs in lower case.
    pub fn id(&self) -> String {
        match self {
            Self::User(user) => user.to_string(),
            Self::Raw(id) | Self::Malformed(id) => id.clone(),
        }
    }
}

/// What an anchor of sanitized markup is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Mention(MentionRef),
    /// A link, with the start tag that it is stored with.
    Link(String),
    /// Neither: what it holds stands without it.
    Bare,
}

impl Anchor {
    /// Reads an anchor's attributes in serialized form. The explicit `data-user-id` wins over the
    /// link; `data-mention="false"` says that the anchor is no mention in either form.
    pub(super) fn read(written: &str, hosts: &[String]) -> Self {
        let find = |wanted: &str| {
            attributes(written).find(|(name, _)| *name == wanted).map(|(_, value)| unescape(value))
        };
        let state = find("data-mention").unwrap_or_default();
        let declined = state.eq_ignore_ascii_case("false");
        if !declined && let Some(id) = find("data-user-id") {
            return Self::Mention(match MentionRef::uuid(&id) {
                Some(user) => MentionRef::User(user),
                // Only our own pending anchors name people by another id.
                None if state == "pending" => MentionRef::lenient(id.into_owned()),
                None => MentionRef::Malformed(id.into_owned()),
            });
        }
        let Some(href) = find("href") else { return Self::Bare };
        let Some(target) = Target::of(&href) else { return Self::Bare };
        if !declined && let Some(id) = target.user(hosts) {
            return Self::Mention(MentionRef::lenient(id));
        }
        match target {
            Target::Absolute(_) => Self::Link(link_tag(&href, find("target").is_some(), declined)),
            Target::HostRelative(_) | Target::Relative(_) => Self::Bare,
        }
    }
}

fn link_tag(href: &str, new_tab: bool, declined: bool) -> String {
    let mut tag = String::with_capacity(href.len() + 64);
    tag.push_str("<a href=\"");
    push_attribute(&mut tag, href);
    tag.push('"');
    if new_tab {
        tag.push_str(" target=\"_blank\"");
    }
    if declined {
        // Kept, or the next reading would make a mention of it.
        tag.push_str(" data-mention=\"false\"");
    }
    tag.push_str(" rel=\"");
    tag.push_str(LINK_REL);
    tag.push_str("\">");
    tag
}

/// Where an `href` leads, read as browsers do.
pub(super) enum Target {
    /// It names its scheme.
    Absolute(Url),
    /// `//host/path`; read as `https`.
    HostRelative(Url),
    /// Within the site that shows the note; the host of this URL is made up.
    Relative(Url),
}

impl Target {
    /// Reads an `href`; `None` if no browser would follow it.
    pub(super) fn of(href: &str) -> Option<Self> {
        static SITE: LazyLock<Option<Url>> =
            LazyLock::new(|| Url::parse("https://relative.invalid/").ok());
        match Url::parse(href) {
            Ok(url) => Some(Self::Absolute(url)),
            Err(ParseError::RelativeUrlWithoutBase) => {
                let site = SITE.as_ref()?;
                let url = site.join(href).ok()?;
                let same_site = url.host() == site.host();
                Some(if same_site { Self::Relative(url) } else { Self::HostRelative(url) })
            }
            Err(_) => None,
        }
    }

    /// The id of the person whose page this is: `…/users/{id}/edit_user`, relative or on one of
    /// `hosts`; query and fragment do not matter.
    fn user(&self, hosts: &[String]) -> Option<String> {
        let url = match self {
            Self::Relative(url) => url,
            Self::Absolute(url) | Self::HostRelative(url) => {
                let host = url.host_str()?;
                let ours = matches!(url.scheme(), "http" | "https")
                    && hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
                ours.then_some(url)?
            }
        };
        user_in_path(url)
    }
}

/// The `{id}` of a path that ends in `users/{id}/edit_user`.
pub(super) fn user_in_path(url: &Url) -> Option<String> {
    let mut segments = url.path_segments()?;
    let (action, id, collection) =
        (segments.next_back()?, segments.next_back()?, segments.next_back()?);
    let matches = action == "edit_user" && collection == "users" && !id.is_empty();
    matches.then(|| percent_decode_str(id).decode_utf8_lossy().into_owned())
}
