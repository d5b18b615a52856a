//! Parses anchors. Each anchor is a mention, a link or neither of them.
//!
//! A mention has one of two forms (SPEC §3): `<a data-user-id="{uuid}">` of the web editor, and
//! `<a href="…/users/{id}/edit_user">` of the mobile editor. Both are parsed from the attributes of
//! an anchor that the sanitizer has let through.

use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use url::{ParseError, Url};
use uuid::Uuid;

use super::{
    markup::{attributes, push_attribute, unescape},
    site::Site,
};

/// The maximum number of people whom one note may mention (SPEC §3).
pub const MENTION_LIMIT: usize = 10;

/// The `rel` attribute of every link. With it, the linked page gets no referrer and no access to
/// the window that opened it, and search engines do not count the link for its ranking.
pub(super) const LINK_REL: &str = "noopener noreferrer nofollow";

/// The length of the longest id of a person that is not a UUID, in bytes.
const RAW_ID_LIMIT: usize = 64;

/// The id with which the markup of an anchor refers to a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MentionRef {
    /// A person's SSO UUID.
    User(Uuid),
    /// An id that is not a UUID, so the directory must resolve it. It has 1 to 64 ASCII letters,
    /// digits and characters of `-_.@+`, and is neither `.` nor `..`.
    Raw(String),
    /// Text that cannot be the id of a person. It never becomes a mention.
    Malformed(String),
}

impl MentionRef {
    /// Parses a UUID of 8-4-4-4-12 hex digits in any case; other notations are refused.
    fn uuid(id: &str) -> Option<Uuid> {
        // Of the notations that the parser accepts, only the hyphenated one has 36 characters.
        (id.len() == 36).then(|| Uuid::try_parse(id).ok()).flatten()
    }

    /// Parses an id that is a UUID or any other id, which becomes a [`MentionRef::Raw`].
    fn lenient(id: String) -> Self {
        if let Some(user) = Self::uuid(&id) {
            return Self::User(user);
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.@+".contains(&b);
        // In a URL's path, these segments change the path, even if they are percent-encoded.
        let step = matches!(id.as_str(), "." | "..");
        if (1..=RAW_ID_LIMIT).contains(&id.len()) && id.bytes().all(plain) && !step {
            Self::Raw(id)
        } else {
            Self::Malformed(id)
        }
    }

    /// The id in the form in which it is written in markup. UUIDs are in lower case.
    pub fn id(&self) -> String {
        match self {
            Self::User(user) => user.to_string(),
            Self::Raw(id) | Self::Malformed(id) => id.clone(),
        }
    }
}

/// A parsed anchor of sanitized markup.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Mention(MentionRef),
    /// A link, with the start tag under which it is stored.
    Link(String),
    /// Neither a mention nor a link. It is replaced by its content.
    Bare,
}

impl Anchor {
    /// Parses an anchor's attributes in serialized form. An explicit `data-user-id` has precedence
    /// over the link. With `data-mention="false"` the anchor is not a mention in either form.
    pub(super) fn parse(written: &str, site: &Site) -> Self {
        let find = |name: &str| {
            attributes(written).find(|(known, _)| *known == name).map(|(_, value)| unescape(value))
        };
        let state = find("data-mention").unwrap_or_default();
        let declined = state.eq_ignore_ascii_case("false");
        if !declined && let Some(id) = find("data-user-id") {
            return Self::Mention(match MentionRef::uuid(&id) {
                Some(user) => MentionRef::User(user),
                // Only pending anchors have ids that are not UUIDs, and only this service writes
                // pending anchors.
                None if state == "pending" => MentionRef::lenient(id.into_owned()),
                None => MentionRef::Malformed(id.into_owned()),
            });
        }
        let Some(href) = find("href") else { return Self::Bare };
        let Some(target) = Target::parse(&href) else { return Self::Bare };
        if !declined && let Some(id) = target.user(site) {
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
        // Without this attribute, the link would become a mention when the stored note is parsed
        // again.
        tag.push_str(" data-mention=\"false\"");
    }
    tag.push_str(" rel=\"");
    tag.push_str(LINK_REL);
    tag.push_str("\">");
    tag
}

/// The target of an `href`, parsed in the same way as browsers parse it.
pub(super) enum Target {
    /// A URL with a scheme.
    Absolute(Url),
    /// `//host/path`, parsed as `https`.
    HostRelative(Url),
    /// A path on the site that shows the note. The host of this URL is a placeholder.
    Relative(Url),
}

impl Target {
    /// Parses an `href`; `None` if browsers would not follow it.
    pub(super) fn parse(href: &str) -> Option<Self> {
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

    /// The `{id}` of a link to a user's page, `…/users/{id}/edit_user`, which is relative or leads
    /// to the site. Query and fragment are ignored.
    fn user(&self, site: &Site) -> Option<String> {
        let url = match self {
            Self::Relative(url) => url,
            Self::Absolute(url) | Self::HostRelative(url) => {
                Some(url).filter(|url| site.has_host_of(url))?
            }
        };
        user_in_path(url)
    }
}

/// The decoded `{id}` of a path that ends with `users/{id}/edit_user`.
pub(super) fn user_in_path(url: &Url) -> Option<String> {
    let mut segments = url.path_segments()?;
    let (action, id, collection) =
        (segments.next_back()?, segments.next_back()?, segments.next_back()?);
    let matches = action == "edit_user" && collection == "users" && !id.is_empty();
    matches.then(|| percent_decode_str(id).decode_utf8_lossy().into_owned())
}
