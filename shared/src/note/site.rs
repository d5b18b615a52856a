//! The web application's address. Mobile mentions and links within the site lead to it.

use url::Url;

/// The web application's site, from `APP_URL`.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// The address with a path that ends with `/`; `None` if there is no valid address.
    base: Option<Url>,
}

impl Site {
    /// Creates the site of `app_url`. If that is not an `http` or `https` URL, the site has no
    /// host: no absolute link is a mention, and a link to a path has no address.
    #[must_use]
    pub fn new(app_url: &str) -> Self {
        let mut base = Url::parse(app_url).ok();
        base = base.filter(|url| matches!(url.scheme(), "http" | "https"));
        if let Some(url) = &mut base {
            let path = format!("{}/", url.path().trim_end_matches('/'));
            url.set_path(&path);
            url.set_query(None);
            url.set_fragment(None);
        }
        Self { base }
    }

    /// The address under which links to a path are stored.
    pub(super) fn base(&self) -> Option<&Url> {
        self.base.as_ref()
    }

    /// Whether `url` leads to the host of the site.
    pub(super) fn has_host_of(&self, url: &Url) -> bool {
        let host = |url: &Url| url.host_str().map(str::to_ascii_lowercase);
        let is_web = matches!(url.scheme(), "http" | "https");
        is_web && self.base().is_some_and(|base| host(base) == host(url))
    }
}
