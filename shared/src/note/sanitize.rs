//! Reduces a note's HTML to allowed markup in the serializer's form, and finds its mentions.
//!
//! The source is parsed into a tree as a browser parses it (`tree`), and the tree is written again
//! with allowed markup only (`writer`).

use super::{
    clean::Clean,
    markup::same_shape,
    removed::Removed,
    site::Site,
    tree::{Reading, parse},
    writer::Writer,
};

/// The maximum size of sanitized HTML whose formatting is kept, in bytes. See
/// [`tree`](super::tree) for markup that grows when it is parsed.
const SIZE_LIMIT: usize = 200_000;

/// The maximum number of rounds of sanitizing. When elements are removed from misnested markup,
/// parsing the result can nest the rest in a different way. Real submissions do not change after
/// two rounds.
const ROUNDS: usize = 6;

/// The number of rounds that keep formatting and links. The parser moves a link that is around
/// another link into eight levels of blocks in each round, so that deep markup needs many rounds.
const ROUNDS_WITH_FORMATTING: usize = 3;

/// Reduces `source` to allowed markup. It never fails.
pub(super) fn sanitize(source: &str, site: &Site) -> Clean {
    sanitize_with(source, site, Reading::default())
}

fn sanitize_with(source: &str, site: &Site, mut reading: Reading) -> Clean {
    loop {
        let tree = parse(source, reading);
        if tree.swallowed && !reading.without_raw_text {
            reading.without_raw_text = true;
            continue;
        }
        let mut clean = Writer::new(&tree, site, !reading.without_links).write();
        let grew = tree.full || clean.html.len() > SIZE_LIMIT;
        if grew && !reading.without_formatting {
            reading.without_formatting = true;
            continue;
        }
        if reading.without_formatting {
            clean.remove(Removed::Formatting);
        }
        return clean;
    }
}

/// Sanitizes markup that this service has put together from sanitized parts, until parsing it
/// again does not change it. If it changes in each round, its formatting and links are removed,
/// and `removed` names them.
pub(super) fn stabilize(mut html: String, site: &Site, removed: &mut Vec<Removed>) -> String {
    for round in 0..ROUNDS {
        let is_plain = round >= ROUNDS_WITH_FORMATTING;
        let reading =
            Reading { without_formatting: is_plain, without_links: is_plain, ..Reading::default() };
        let clean = sanitize_with(&html, site, reading);
        let next = clean.with_mentions();
        if next == html || same_shape(&html, &next) {
            return next;
        }
        if clean.removed.contains(&Removed::Formatting) && !removed.contains(&Removed::Formatting) {
            removed.push(Removed::Formatting);
            removed.sort_unstable();
        }
        html = next;
    }
    html
}
