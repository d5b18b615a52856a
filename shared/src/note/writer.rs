//! Writes a tree with nothing but elements, attributes, classes and styles of the allowlist
//! (`allow`, `style`), and finds its mentions. Text is always escaped, and no written element has
//! content that a parser reads in a special way, so the written markup has one meaning only.

use html5ever::local_name;

use super::{
    allow::{Layout, Treatment, Value, is_class, treatment},
    clean::{Clean, Mention, Part},
    markup::{is_visible, push_attribute, push_text},
    mention::Anchor,
    removed::Removed,
    site::Site,
    style,
    tree::{Data, Node, NodeId, Tree},
};

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
    /// The mention that starts behind the start tag of this node.
    waiting: Option<(NodeId, usize)>,
    /// The numbers of the anchors that became mentions.
    numbers: Vec<&'t str>,
    /// The offset behind the start tag of a `pre`.
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
            numbers: Vec::new(),
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

    fn element(
        &mut self,
        id: NodeId,
        node: &'t Node,
        name: &'static str,
        layout: Layout,
        attributes: &'static [(&'static str, Value)],
    ) -> bool {
        if layout != Layout::Inline {
            self.end_run();
        }
        let style = self.style(node);
        let unwrapped = match name {
            // Google Docs puts a `b` without an effect around everything.
            "b" | "strong" if matches!(&*style, "font-weight: normal" | "font-weight: 400") => true,
            "i" | "em" if style == "font-style: normal" => true,
            _ => layout != Layout::Void && self.is_too_deep(),
        };
        if unwrapped {
            self.push_open("", 0);
            self.start_waiting(id);
            return true;
        }
        let start = self.clean.html.len();
        self.clean.html.push('<');
        self.clean.html.push_str(name);
        for attribute in node.attributes() {
            let (known, value) = (attribute.name.local.as_ref(), attribute.value.as_ref());
            match known {
                "class" => self.class(value),
                "style" | "color" | "face" | "size" => {}
                "dir" => {
                    let value = value.to_ascii_lowercase();
                    if matches!(&*value, "ltr" | "rtl" | "auto") {
                        self.attribute("dir", &value);
                    }
                }
                _ => self.allowed_attribute(attributes, known, value),
            }
        }
        if !style.is_empty() {
            self.attribute("style", &style);
        }
        self.clean.html.push('>');
        if layout == Layout::Void {
            self.start_waiting(id);
            return false;
        }
        self.push_open(name, start);
        if name == "pre" {
            self.behind_pre = self.clean.html.len();
        }
        self.start_waiting(id);
        true
    }

    fn allowed_attribute(&mut self, attributes: &[(&'static str, Value)], name: &str, value: &str) {
        let Some((name, rule)) = attributes.iter().find(|(known, _)| *known == name) else {
            return;
        };
        if *rule == Value::Flag {
            self.attribute(name, name);
        } else if *name == "type" && value.eq_ignore_ascii_case("checkbox") {
            self.attribute(name, "checkbox");
        } else if rule.admits(value) {
            self.attribute(name, value);
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        let html = &mut self.clean.html;
        html.push(' ');
        html.push_str(name);
        html.push_str("=\"");
        push_attribute(html, value);
        html.push('"');
    }

    fn class(&mut self, value: &str) {
        let mut classes = value.split_ascii_whitespace().filter(|class| is_class(class));
        let Some(first) = classes.next() else { return };
        let html = &mut self.clean.html;
        html.push_str(" class=\"");
        html.push_str(first);
        for class in classes {
            html.push(' ');
            html.push_str(class);
        }
        html.push('"');
    }

    /// The allowed declarations of an element's `style`, and of the attributes and elements of the
    /// time before style sheets that some editors and pasted texts have.
    fn style(&mut self, node: &Node) -> String {
        let name = node.html_name();
        let mut text = String::new();
        if name == Some(&local_name!("center")) {
            text.push_str("text-align: center;");
        } else if name == Some(&local_name!("font")) {
            const SIZES: [&str; 7] =
                ["x-small", "small", "medium", "large", "x-large", "xx-large", "xx-large"];
            let size = node.attribute("size").and_then(|size| size.trim().parse::<usize>().ok());
            let size = size.and_then(|size| SIZES.get(size.checked_sub(1)?)).copied();
            let properties = [
                ("color", node.attribute("color")),
                ("font-family", node.attribute("face")),
                ("font-size", size),
            ];
            for (property, value) in properties {
                let value = value.filter(|value| !value.contains([';', '!', '\\', '(', '{']));
                if let Some(value) = value {
                    text.extend([property, ":", value, ";"]);
                }
            }
        }
        match node.attribute("style") {
            Some(style) => text.push_str(style),
            None if text.is_empty() => return text,
            None => {}
        }
        let style = style::read(&text);
        if style.removed {
            self.clean.remove(Removed::Style);
        }
        style.text
    }

    /// Writes a link or a `span`, or starts a mention.
    fn anchor(&mut self, id: NodeId, node: &'t Node, is_link: bool) -> bool {
        let anchor = Anchor::parse(is_link, &|name| node.attribute(name), self.site);
        match anchor {
            Anchor::Mention { reference, labels, is_pending } => {
                self.end_run();
                self.push_open("", 0);
                let number = node.number();
                if number.is_some_and(|number| self.numbers.contains(&number)) {
                    // The parser has repeated the anchor in another block.
                    self.start_waiting(id);
                    return true;
                }
                self.numbers.extend(number);
                let references = &mut self.clean.references;
                let index = references.iter().position(|known| *known == reference);
                let reference = index.unwrap_or_else(|| {
                    references.push(reference);
                    references.len() - 1
                });
                self.clean.mentions.push(Mention { reference, labels, is_pending });
                let mention = self.clean.mentions.len() - 1;
                self.start_waiting(id);
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
                true
            }
            Anchor::Link(_) if !self.keeps_links || self.is_too_deep() => {
                self.push_open("", 0);
                self.start_waiting(id);
                true
            }
            Anchor::Link(tag) => {
                self.end_run();
                let style = self.style(node);
                let start = self.clean.html.len();
                self.clean.html.push_str(&tag);
                if !style.is_empty() {
                    self.clean.html.pop();
                    self.attribute("style", &style);
                    self.clean.html.push('>');
                }
                self.push_open("a", start);
                self.start_waiting(id);
                true
            }
            Anchor::Bare { unsafe_address } => {
                if unsafe_address {
                    self.clean.remove(Removed::Link);
                }
                let class = node.attribute("class").unwrap_or_default();
                let has_class = |name| class.split_ascii_whitespace().any(|known| known == name);
                if is_link {
                    self.push_open("", 0);
                    self.start_waiting(id);
                    return true;
                }
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

    /// The node behind whose start tag a mention starts: the mention itself, or the last block or
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

    fn start_waiting(&mut self, id: NodeId) {
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

    /// Ends the content of a mention. Formatting in it ends with it and goes on behind it.
    fn end_run(&mut self) {
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

    fn flush(&mut self) {
        let end = self.clean.html.len();
        let start = match self.clean.parts.last() {
            Some(Part::Copy(end) | Part::Mention(_, end)) => *end,
            None => 0,
        };
        if end > start {
            self.clean.parts.push(Part::Copy(end));
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
        // A parser drops a line break right behind the start tag.
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

fn is_checkbox(node: &Node) -> bool {
    node.attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox"))
}
