//! Writes a tree with nothing but elements, attributes, classes and styles of the allowlist
//! (`allow`, `style`), and finds its mentions. Text is always escaped, and no written element has
//! content that a parser reads in a special way, so the written markup has one meaning only.

mod anchor;
mod element;

use std::collections::BTreeSet;

use html5ever::local_name;

use super::{
    allow::{Treatment, treatment},
    clean::Clean,
    markup::{is_visible, push_text},
    removed::Removed,
    site::Site,
    tree::{Data, Node, NodeId, Tree},
};
use element::is_checkbox;

/// The maximum number of elements around a text. Browsers move elements out of their parents where
/// markup is nested deeper than some 500 elements, so that a note would read differently in them.
const DEPTH_LIMIT: usize = 100;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// An element of the tree whose content is being written.
struct Open {
    /// The name that was written; empty if the element is unwrapped.
    name: &'static str,
    /// The range of the start tag.
    start: std::ops::Range<usize>,
}

/// The mention that is being written.
struct Run {
    mention: usize,
    /// The number of open elements around it.
    depth: usize,
}

/// Writes a tree.
pub(super) struct Writer<'t> {
    tree: &'t Tree,
    site: &'t Site,
    keeps_links: bool,
    clean: Clean,
    open: Vec<Open>,
    /// The number of open elements that were written.
    depth: usize,
    run: Option<Run>,
    /// The mention that starts after the start tag of this node.
    waiting: Option<(NodeId, usize)>,
    /// The numbers of the anchors that became mentions.
    numbers: BTreeSet<&'t str>,
    /// The offset after the start tag of a `pre`.
    behind_pre: usize,
}

impl<'t> Writer<'t> {
    /// Creates a writer. If `keeps_links` is false, links are replaced by their content.
    pub(super) fn new(tree: &'t Tree, site: &'t Site, keeps_links: bool) -> Self {
        Self {
            tree,
            site,
            keeps_links,
            clean: Clean::default(),
            open: Vec::new(),
            depth: 0,
            run: None,
            waiting: None,
            numbers: BTreeSet::new(),
            behind_pre: usize::MAX,
        }
    }

    /// The markup of the tree with its mentions, and the kinds of what was removed.
    pub(super) fn write(mut self) -> Clean {
        let root = self.tree.root();
        let mut next = self.tree.first_child(root);
        while let Some(mut id) = next {
            if self.enter(id) {
                next = self.tree.first_child(id);
                if next.is_some() {
                    continue;
                }
                self.leave();
            }
            next = loop {
                if let Some(sibling) = self.tree.next_sibling(id) {
                    break Some(sibling);
                }
                match self.tree.parent(id) {
                    Some(parent) if parent != root => {
                        self.leave();
                        id = parent;
                    }
                    _ => break None,
                }
            };
        }
        self.flush();
        self.clean
    }

    /// Writes a text, or the start tag of an element. Returns whether its children are written
    /// next; [`Writer::leave`] follows them.
    fn enter(&mut self, id: NodeId) -> bool {
        let tree = self.tree;
        let node = tree.node(id);
        match &node.data {
            Data::Text(text) => {
                self.text(text);
                return false;
            }
            Data::Other => return false,
            Data::Element { .. } => {}
        }
        let Some(name) = node.html_name() else {
            let is_formula = node.is_mathml();
            self.clean.remove(if is_formula { Removed::Formula } else { Removed::Drawing });
            return false;
        };
        if matches!(*name, local_name!("a") | local_name!("span")) {
            return self.anchor(id, node, *name == local_name!("a"));
        }
        let (written, treatment) = treatment(name);
        match treatment {
            Treatment::Remove(kind) => {
                self.replace(node, kind);
                false
            }
            Treatment::Keep(layout, attributes) => {
                if *name == local_name!("input") && !is_checkbox(node) {
                    if !node.attribute("type").is_some_and(|t| t.eq_ignore_ascii_case("hidden")) {
                        self.clean.remove(Removed::Field);
                    }
                    return false;
                }
                self.element(id, node, written, layout, attributes)
            }
            Treatment::Unwrap | Treatment::Rename(_) => {
                self.push_open("", 0);
                self.start_waiting(id);
                true
            }
        }
    }

    /// Writes the alternative text of an element that is removed.
    fn replace(&mut self, node: &'t Node, kind: Option<Removed>) {
        let class = node.attribute("class").unwrap_or_default();
        // Quill chooses the language of a code block in it.
        if kind == Some(Removed::Field) && class.split_ascii_whitespace().any(|c| c == "ql-ui") {
            return;
        }
        if let Some(kind) = kind {
            self.clean.remove(kind);
        }
        if kind == Some(Removed::Image) {
            self.alternative(node.attribute("alt").unwrap_or_default());
        }
    }

    fn alternative(&mut self, text: &str) {
        if !text.is_empty() {
            self.end_run();
            push_text(&mut self.clean.html, text);
        }
    }

    fn push_open(&mut self, name: &'static str, start: usize) {
        let end = if name.is_empty() { start } else { self.clean.html.len() };
        self.depth += usize::from(!name.is_empty());
        self.open.push(Open { name, start: start..end });
    }

    /// Whether the next element would be nested too deep. Its formatting is removed then.
    fn is_too_deep(&mut self) -> bool {
        let is_too_deep = self.depth >= DEPTH_LIMIT;
        if is_too_deep {
            self.clean.remove(Removed::Formatting);
        }
        is_too_deep
    }

    fn leave(&mut self) {
        if self.run.as_ref().is_some_and(|run| run.depth == self.open.len()) {
            self.end_run();
        }
        if let Some(open) = self.open.pop() {
            self.depth -= usize::from(!open.name.is_empty());
            push_end(&mut self.clean.html, open.name);
        }
    }

    fn text(&mut self, text: &str) {
        // A parser removes only the first byte order mark at the start, and the next parser would
        // remove the next one.
        let text = match self.clean.html.len() {
            0 => text.trim_start_matches(BYTE_ORDER_MARK),
            _ => text,
        };
        // A parser drops a line break right after the start tag.
        if text.starts_with('\n') && self.clean.html.len() == self.behind_pre {
            self.clean.html.push('\n');
        }
        self.clean.has_text = self.clean.has_text || text.chars().any(is_visible);
        push_text(&mut self.clean.html, text);
    }
}

fn push_end(html: &mut String, name: &str) {
    if !name.is_empty() {
        html.push_str("</");
        html.push_str(name);
        html.push('>');
    }
}
