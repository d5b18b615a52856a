//! The pages that a browser shows for a link without a file. They say in plain words what happened
//! and what to do, and repeat nothing of the request.

use shared::locale::Locale;

/// Why a link has no file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Missing {
    /// No export has this link.
    Unknown,
    /// The file has expired, or its owner deleted it.
    Expired,
}

impl Missing {
    /// The HTTP status of the page.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Unknown => 404,
            Self::Expired => 410,
        }
    }

    /// The page in a language.
    pub(crate) fn page(self, locale: Locale) -> String {
        let [title, reason, advice] = self.texts(locale);
        include_str!("page.html")
            .replace("{language}", locale.as_str())
            .replace("{title}", title)
            .replace("{reason}", reason)
            .replace("{advice}", advice)
    }

    /// The title of the page, what happened, and what to do.
    fn texts(self, locale: Locale) -> [&'static str; 3] {
        match (self, locale) {
            (Self::Unknown, Locale::En) => [
                "This link does not work",
                "No exported file belongs to this address. The link may be incomplete, for \
                 example because an email program cut it.",
                "Open the link from the email or the notification again. If it still does not \
                 work, request a new export of your contacts.",
            ],
            (Self::Unknown, Locale::Id) => [
                "Tautan ini tidak berfungsi",
                "Tidak ada berkas ekspor untuk alamat ini. Tautan mungkin tidak lengkap, \
                 misalnya karena terpotong oleh program email.",
                "Buka kembali tautan dari email atau notifikasi. Jika tetap tidak berfungsi, \
                 minta ekspor kontak yang baru.",
            ],
            (Self::Expired, Locale::En) => [
                "This file has expired",
                "For security, an exported file can be downloaded for 48 hours. After that, or \
                 when its owner deletes it, the file is gone.",
                "Request a new export of your contacts to get a new file.",
            ],
            (Self::Expired, Locale::Id) => [
                "Berkas ini sudah kedaluwarsa",
                "Demi keamanan, berkas ekspor hanya dapat diunduh selama 48 jam. Setelah itu, \
                 atau jika pemiliknya menghapusnya, berkas tidak tersedia lagi.",
                "Minta ekspor kontak yang baru untuk mendapatkan berkas baru.",
            ],
        }
    }
}

/// Whether the client of a request with this `Accept` header shows a page instead of JSON.
pub(crate) fn is_browser(accept: Option<&str>) -> bool {
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The language of a browser, for a link of which no job is known. It is Indonesian if the browser
/// prefers it.
pub(crate) fn browser_locale(accept_language: Option<&str>) -> Locale {
    let first = accept_language.and_then(|languages| languages.split([',', ';']).next());
    let language = first.and_then(|language| language.trim().split('-').next());
    language.and_then(|language| language.to_lowercase().parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_of_the_browser_decides() {
        assert_eq!(browser_locale(Some("id-ID,id;q=0.9,en;q=0.8")), Locale::Id);
        assert_eq!(browser_locale(Some("ID")), Locale::Id);
        for other in [None, Some(""), Some("en-US,id;q=0.5"), Some("de"), Some("*")] {
            assert_eq!(browser_locale(other), Locale::En, "{other:?}");
        }
    }

    #[test]
    fn a_page_names_its_language_and_loads_nothing() {
        for (missing, status) in [(Missing::Unknown, 404), (Missing::Expired, 410)] {
            assert_eq!(missing.status(), status);
            for locale in [Locale::En, Locale::Id] {
                let page = missing.page(locale);
                assert!(page.contains(&format!("<html lang=\"{}\">", locale.as_str())));
                for loading in ["src=", "href=", "style", "<script", "url("] {
                    assert!(!page.contains(loading), "{loading}: {page}");
                }
            }
        }
    }

    #[test]
    fn only_a_browser_gets_a_page() {
        assert!(is_browser(Some("text/html,application/xhtml+xml,*/*;q=0.8")));
        assert!(!is_browser(Some("*/*")) && !is_browser(Some("application/json")));
        assert!(!is_browser(None));
    }
}
