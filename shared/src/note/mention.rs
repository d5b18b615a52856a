//! Parses `a` and `span` elements. Each is a mention, a link or neither of them.
//!
//! A mention has one of these forms (SPEC §3):
//!
//! - `<a data-user-id="{uuid}">` of the web editor, and `<span data-user-id="{uuid}">`, which a
//!   configured `CKEditor` writes
//! - `<a href="…/users/{id}/edit_user">` of the mobile editor
//! - `data-id="{uuid}"` with `data-type="mention"` (Tiptap) or with the class `mention` (Quill)

use std::{borrow::Cow, sync::LazyLock};

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

/// The allowed schemes of links.
pub(super) const SCHEMES: &[&str] = &["http", "https", "mailto", "tel"];

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

/// A parsed `a` or `span` element.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Mention {
        reference: MentionRef,
        /// The names that the editor wrote into attributes.
        labels: Vec<String>,
        /// Whether it is marked as pending.
        is_pending: bool,
    },
    /// A link, with the start tag under which it is stored.
    Link(String),
    /// Neither a mention nor a link. It is replaced by its content.
    Bare {
        /// Whether it is a link whose address is not allowed.
        unsafe_address: bool,
    },
}

/// The attributes in which editors write the name of a mentioned person.
const LABELS: &[&str] = &["data-label", "data-value", "data-mention"];

impl Anchor {
    /// Parses an element from its attributes. An explicit `data-user-id` has precedence over the
    /// link. With `data-mention="false"` the element is not a mention in any form.
    pub(super) fn parse<'a>(
        is_link: bool,
        find: &impl Fn(&str) -> Option<&'a str>,
        site: &Site,
    ) -> Self {
        let state = find("data-mention").unwrap_or_default();
        let declined = state.eq_ignore_ascii_case("false");
        let is_pending = state == "pending";
        let mention = |reference| {
            let labels = LABELS.iter().filter_map(|name| find(name)).map(str::to_owned).collect();
            Self::Mention { reference, labels, is_pending }
        };
        if !declined && let Some(id) = find("data-user-id") {
            return mention(match MentionRef::uuid(id) {
                Some(user) => MentionRef::User(user),
                // Only pending anchors have ids that are not UUIDs, and only this service writes
                // pending anchors.
                None if is_pending => MentionRef::lenient(id.to_owned()),
                None => MentionRef::Malformed(id.to_owned()),
            });
        }
        if !declined && let Some(user) = find("data-id").and_then(MentionRef::uuid) {
            let class = find("class").unwrap_or_default();
            let marked = find("data-type") == Some("mention")
                || class.split_ascii_whitespace().any(|class| class == "mention");
            if marked {
                return mention(MentionRef::User(user));
            }
        }
        let bare = Self::Bare { unsafe_address: false };
        let Some(href) = find("href").filter(|_| is_link) else { return bare };
        if href.trim().is_empty() {
            return bare;
        }
        let refused = Self::Bare { unsafe_address: true };
        let Some(target) = Target::parse(href) else { return refused };
        if !declined && let Some(id) = target.user(site) {
            return mention(MentionRef::lenient(id));
        }
        let Some(address) = target.address(href, site) else { return refused };
        let new_tab = find("target").is_some_and(|target| target.eq_ignore_ascii_case("_blank"));
        Self::Link(link_tag(&address, new_tab, find("title"), declined))
    }

    /// Parses an `a` element from its attributes in serialized form.
    pub(super) fn from_markup(written: &str, site: &Site) -> Self {
        let values: Vec<_> =
            attributes(written).map(|(name, value)| (name, unescape(value))).collect();
        let find = |name: &str| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref())
        };
        Self::parse(true, &find, site)
    }
}

/// The maximum length of a link's title, in characters.
const TITLE_LIMIT: usize = 500;

fn link_tag(href: &str, new_tab: bool, title: Option<&str>, declined: bool) -> String {
    let mut tag = String::with_capacity(href.len() + 64);
    tag.push_str("<a href=\"");
    push_attribute(&mut tag, href);
    tag.push('"');
    if let Some(title) = title.filter(|title| title.chars().count() <= TITLE_LIMIT) {
        tag.push_str(" title=\"");
        push_attribute(&mut tag, title);
        tag.push('"');
    }
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

    /// The address under which a link is stored; `None` if it is not allowed.
    fn address<'h>(&self, href: &'h str, site: &Site) -> Option<Cow<'h, str>> {
        match self {
            Self::Absolute(url) => SCHEMES.contains(&url.scheme()).then_some(Cow::Borrowed(href)),
            Self::HostRelative(url) => Some(Cow::Owned(url.as_str().to_owned())),
            Self::Relative(_) => {
                let trimmed = href.trim_start();
                if trimmed.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www.")) {
                    let url = Url::parse(&format!("https://{trimmed}")).ok()?;
                    return Some(Cow::Owned(url.into()));
                }
                let base = site.base()?;
                let url = base.join(href).ok()?;
                (url.origin() == base.origin()).then(|| Cow::Owned(url.into()))
            }
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
