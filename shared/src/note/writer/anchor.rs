//! Writes links and mentions, and finds where the name of a mention starts.

use html5ever::local_name;

use super::{Run, Writer, push_end};
use crate::note::{
    allow::{Layout, Treatment, treatment},
    clean::{Mention, Part},
    markup::is_visible,
    mention::{Anchor, MentionRef},
    removed::Removed,
    tree::{Data, Node, NodeId},
};

impl<'t> Writer<'t> {
    /// Writes a link or a `span`, or starts a mention. Returns whether its content follows.
    pub(super) fn anchor(&mut self, id: NodeId, node: &'t Node, is_link: bool) -> bool {
        match Anchor::parse(is_link, &|name| node.attribute(name), self.site) {
            Anchor::Mention { reference, labels, is_pending } => {
                self.end_run();
                self.push_open("", 0);
                let number = node.number();
                // The parser can repeat an anchor in another block.
                if number.is_none_or(|number| self.numbers.insert(number)) {
                    let mention = self.mention(reference, labels, is_pending);
                    self.start_waiting(id);
                    self.start_mention(id, mention);
                } else {
                    self.start_waiting(id);
                }
                true
            }
            Anchor::Link(_) if !self.keeps_links || self.is_too_deep() => self.content(id),
            Anchor::Link(tag) => self.link(id, node, &tag),
            Anchor::Bare { unsafe_address } => {
                if unsafe_address {
                    self.clean.remove(Removed::Link);
                }
                if is_link { self.content(id) } else { self.span(id, node) }
            }
        }
    }

    /// Writes only the content of an element.
    fn content(&mut self, id: NodeId) -> bool {
        self.push_open("", 0);
        self.start_waiting(id);
        true
    }

    /// Notes a mention and returns its index.
    fn mention(&mut self, reference: MentionRef, labels: Vec<String>, is_pending: bool) -> usize {
        let references = &mut self.clean.references;
        let index = references.iter().position(|known| *known == reference);
        let reference = index.unwrap_or_else(|| {
            references.push(reference);
            references.len() - 1
        });
        self.clean.mentions.push(Mention { reference, labels, is_pending });
        self.clean.mentions.len() - 1
    }

    /// Starts the run of a mention where its name starts.
    fn start_mention(&mut self, id: NodeId, mention: usize) {
        match self.start_of_name(id) {
            Some(start) if start == id => self.start_run(mention),
            Some(start) => {
                // The name of an anchor around this one has not started.
                if let Some((_, other)) = self.waiting.replace((start, mention)) {
                    self.start_run(other);
                    self.end_run();
                }
            }
            None => {
                self.start_run(mention);
                self.end_run();
            }
        }
    }

    fn link(&mut self, id: NodeId, node: &'t Node, tag: &str) -> bool {
        self.end_run();
        let style = self.style(node);
        let start = self.clean.html.len();
        self.clean.html.push_str(tag);
        if !style.is_empty() {
            self.clean.html.pop();
            self.attribute("style", &style);
            self.clean.html.push('>');
        }
        self.push_open("a", start);
        self.start_waiting(id);
        true
    }

    fn span(&mut self, id: NodeId, node: &'t Node) -> bool {
        let class = node.attribute("class").unwrap_or_default();
        let has_class = |name| class.split_ascii_whitespace().any(|known| known == name);
        if has_class("ql-formula") {
            self.clean.remove(Removed::Formula);
            self.alternative(node.attribute("data-value").unwrap_or_default());
            return false;
        }
        // Quill draws the marks of its lists in an element that it makes again.
        if has_class("ql-ui") && self.tree.first_child(id).is_none() {
            return false;
        }
        self.element(id, node, "span", Layout::Inline, &[])
    }

    /// The node after whose start tag a mention starts: the mention itself, or the last block or
    /// line break before its first visible text. `None` if it has no text.
    fn start_of_name(&self, mention: NodeId) -> Option<NodeId> {
        let mut start = mention;
        let mut id = mention;
        loop {
            let node = self.tree.node(id);
            let descend = match &node.data {
                Data::Text(text) if text.chars().any(is_visible) => return Some(start),
                Data::Text(_) | Data::Other => false,
                Data::Element { .. } => {
                    let name = node.html_name()?;
                    let is_anchor = matches!(*name, local_name!("a") | local_name!("span"));
                    let (_, treatment) = treatment(name);
                    match treatment {
                        _ if id == mention => {}
                        _ if is_anchor => {
                            let find = |name: &str| node.attribute(name);
                            let is_link = *name == local_name!("a");
                            match Anchor::parse(is_link, &find, self.site) {
                                Anchor::Mention { .. } => return None,
                                Anchor::Link(_) => start = id,
                                Anchor::Bare { .. } => {}
                            }
                        }
                        Treatment::Keep(Layout::Block | Layout::Void, _) => start = id,
                        Treatment::Keep(Layout::Inline, _)
                        | Treatment::Remove(_)
                        | Treatment::Rename(_)
                        | Treatment::Unwrap => {}
                    }
                    !matches!(treatment, Treatment::Remove(_))
                }
            };
            let child = self.tree.first_child(id).filter(|_| descend);
            id = match child {
                Some(child) => child,
                None => loop {
                    if id == mention {
                        return None;
                    }
                    if let Some(sibling) = self.tree.next_sibling(id) {
                        break sibling;
                    }
                    id = self.tree.parent(id)?;
                },
            };
        }
    }

    pub(super) fn start_waiting(&mut self, id: NodeId) {
        if let Some((_, mention)) = self.waiting.take_if(|(start, _)| *start == id) {
            self.start_run(mention);
        }
    }

    /// Ends the markup that is copied, and starts the content of a mention.
    fn start_run(&mut self, mention: usize) {
        self.end_run();
        self.flush();
        // The start tag of the mention is between a `pre` and the text.
        self.behind_pre = usize::MAX;
        self.run = Some(Run { mention, depth: self.open.len() });
    }

    /// Ends the content of a mention. Formatting in it ends with it and goes on after it.
    pub(super) fn end_run(&mut self) {
        let Some(run) = self.run.take() else { return };
        for open in self.open[run.depth..].iter().rev() {
            push_end(&mut self.clean.html, open.name);
        }
        let end = self.clean.html.len();
        self.clean.parts.push(Part::Mention(run.mention, end));
        for open in &self.open[run.depth..] {
            self.clean.html.extend_from_within(open.start.clone());
        }
    }

    pub(super) fn flush(&mut self) {
        let end = self.clean.html.len();
        let start = match self.clean.parts.last() {
            Some(Part::Copy(end) | Part::Mention(_, end)) => *end,
            None => 0,
        };
        if end > start {
            self.clean.parts.push(Part::Copy(end));
        }
    }
}
