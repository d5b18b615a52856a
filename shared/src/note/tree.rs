//! Parses HTML into a tree, as a browser does.
//!
//! `html5ever` reads the tokens and builds the tree. A filter between its tokenizer and its tree
//! builder does three things that are impossible afterwards:
//!
//! - It numbers the anchors that can be mentions. If an anchor is not closed, the parser repeats it
//!   in each following block, and the number shows that these elements are one mention.
//! - It removes attributes of formatting elements that a note cannot have. The parser repeats
//!   unclosed formatting in each block, at most three times if the elements are equal.
//! - It stops the parser if the tree becomes too large.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
};

use html5ever::{
    Attribute, LocalName, Namespace, QualName,
    buffer_queue::BufferQueue,
    local_name, ns,
    tendril::StrTendril,
    tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
    tree_builder::{
        ElemName, ElementFlags, NodeOrText, QuirksMode, TreeBuilder, TreeBuilderOpts, TreeSink,
    },
};

/// The maximum number of nodes of a tree, in addition to one for each byte of the source. The
/// parser repeats misnested formatting in every paragraph, so that 10,000 characters can become
/// hundreds of thousands of elements. Well-nested notes have far fewer nodes than bytes.
const EXTRA_NODES: usize = 10_000;

/// The name of the attribute with the number of an anchor. No source can have an attribute with
/// this name, because a parser ends a name at a space.
const NUMBER: &str = "a n";

/// The attributes of formatting elements that have an effect on the stored note.
const FORMATTING: &[&str] =
    &["class", "color", "data-language", "dir", "face", "size", "spellcheck", "style"];

/// The index of a node.
pub(super) type NodeId = u32;

/// The index of the node that contains the parsed markup.
const DOCUMENT: NodeId = 0;

const NO_NODE: NodeId = NodeId::MAX;

#[derive(Debug)]
pub(super) enum Data {
    Element {
        name: QualName,
        attributes: Vec<Attribute>,
    },
    Text(StrTendril),
    /// The document, or a comment.
    Other,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) data: Data,
    parent: NodeId,
    first: NodeId,
    last: NodeId,
    before: NodeId,
    after: NodeId,
}

/// A parsed tree.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Whether a `textarea` or `title` was not closed, so that its text is the rest of the source.
    pub(super) swallowed: bool,
    /// Whether the parser was stopped because the tree became too large.
    pub(super) full: bool,
}

/// How the tags of the source are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// Tags of `textarea` and `title` are ignored, so that their content is parsed as markup.
    pub(super) without_raw_text: bool,
    /// Tags of formatting elements are ignored.
    pub(super) without_formatting: bool,
    /// Links are replaced by their content. Mentions are kept.
    pub(super) without_links: bool,
}

impl Tree {
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// The element under which the parsed markup is.
    pub(super) fn root(&self) -> NodeId {
        self.first_child(DOCUMENT).unwrap_or(DOCUMENT)
    }

    pub(super) fn first_child(&self, id: NodeId) -> Option<NodeId> {
        present(self.node(id).first)
    }

    pub(super) fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        present(self.node(id).after)
    }

    pub(super) fn parent(&self, id: NodeId) -> Option<NodeId> {
        present(self.node(id).parent)
    }
}

impl Node {
    /// The name of an HTML element.
    pub(super) fn html_name(&self) -> Option<&LocalName> {
        match &self.data {
            Data::Element { name, .. } if name.ns == ns!(html) => Some(&name.local),
            _ => None,
        }
    }

    pub(super) fn is_mathml(&self) -> bool {
        matches!(&self.data, Data::Element { name, .. } if name.ns == ns!(mathml))
    }

    pub(super) fn attributes(&self) -> &[Attribute] {
        match &self.data {
            Data::Element { attributes, .. } => attributes,
            Data::Text(_) | Data::Other => &[],
        }
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes().iter().find(|a| *a.name.local == *name);
        found.map(|attribute| attribute.value.as_ref())
    }

    /// The number of the tag that the element was made from; `None` if the tag was not numbered.
    pub(super) fn number(&self) -> Option<&str> {
        self.attribute(NUMBER)
    }
}

fn present(id: NodeId) -> Option<NodeId> {
    (id != NO_NODE).then_some(id)
}

/// Parses `html` as the content of a `div`.
pub(super) fn parse(html: &str, reading: Reading) -> Tree {
    let limit = EXTRA_NODES + html.len();
    let sink = Builder { nodes: RefCell::new(Vec::with_capacity(64)), limit };
    sink.add(Data::Other);
    let div = QualName::new(None, ns!(html), local_name!("div"));
    let context = sink.add(Data::Element { name: div, attributes: Vec::new() });
    let builder = TreeBuilder::new_for_fragment(sink, context, None, TreeBuilderOpts::default());
    let filter = Filter { builder, reading, anchors: Cell::new(0), raw_text: Cell::new(false) };
    let tokenizer = Tokenizer::new(filter, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    // The tokenizer pauses after each script.
    while !input.is_empty() {
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    let Filter { builder, raw_text, .. } = tokenizer.sink;
    let full = builder.sink.is_full();
    let nodes = builder.sink.nodes.into_inner();
    Tree { nodes, swallowed: raw_text.get(), full }
}

/// Changes tags between the tokenizer and the tree builder.
struct Filter {
    builder: TreeBuilder<NodeId, Builder>,
    reading: Reading,
    anchors: Cell<u32>,
    /// Whether a `textarea` or `title` is open.
    raw_text: Cell<bool>,
}

impl TokenSink for Filter {
    type Handle = NodeId;

    fn process_token(&self, mut token: Token, line: u64) -> TokenSinkResult<NodeId> {
        if self.builder.sink.is_full() && token != Token::EOFToken {
            return TokenSinkResult::Continue;
        }
        match &mut token {
            Token::TagToken(tag) if self.is_ignored(&tag.name) => return TokenSinkResult::Continue,
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => self.prepare(tag),
            _ => {}
        }
        let ends_raw_text = self.raw_text.get() && matches!(token, Token::TagToken(_));
        if ends_raw_text {
            self.raw_text.set(false);
        }
        let result = self.builder.process_token(token, line);
        if let TokenSinkResult::RawData(html5ever::tokenizer::states::RawKind::Rcdata) = result {
            self.raw_text.set(true);
        }
        result
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

impl Filter {
    fn is_ignored(&self, name: &LocalName) -> bool {
        let Reading { without_raw_text, without_formatting, .. } = self.reading;
        without_raw_text && matches!(*name, local_name!("textarea") | local_name!("title"))
            || without_formatting && is_formatting(name)
    }

    fn prepare(&self, tag: &mut Tag) {
        if is_formatting(&tag.name) {
            tag.attrs.retain(|attribute| FORMATTING.contains(&attribute.name.local.as_ref()));
        } else if tag.name == local_name!("a") && tag.attrs.iter().any(can_mention) {
            let number = self.anchors.get();
            self.anchors.set(number + 1);
            let name = QualName::new(None, ns!(), LocalName::from(NUMBER));
            let value = StrTendril::from_slice(&number.to_string());
            tag.attrs.push(Attribute { name, value });
        }
    }
}

/// Whether an anchor with this attribute can be a mention.
fn can_mention(attribute: &Attribute) -> bool {
    match attribute.name.local.as_ref() {
        "data-user-id" | "data-id" => true,
        // A path can be encoded and have line breaks, so only a rough test is possible here.
        "href" => attribute.value.contains("user") || attribute.value.contains(['\n', '\t', '\r']),
        _ => false,
    }
}

/// Whether a parser repeats the element in following blocks if it is not closed. Links are not
/// included: there is at most one open link.
fn is_formatting(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("b")
            | local_name!("big")
            | local_name!("code")
            | local_name!("em")
            | local_name!("font")
            | local_name!("i")
            | local_name!("nobr")
            | local_name!("s")
            | local_name!("small")
            | local_name!("strike")
            | local_name!("strong")
            | local_name!("tt")
            | local_name!("u")
    )
}

/// The name of an element, for the tree builder.
#[derive(Debug)]
struct Name(QualName);

impl ElemName for Name {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }

    fn local_name(&self) -> &LocalName {
        &self.0.local
    }
}

/// Builds the tree.
struct Builder {
    nodes: RefCell<Vec<Node>>,
    limit: usize,
}

impl Builder {
    fn is_full(&self) -> bool {
        self.nodes.borrow().len() > self.limit
    }

    fn add(&self, data: Data) -> NodeId {
        let mut nodes = self.nodes.borrow_mut();
        let id = NodeId::try_from(nodes.len()).unwrap_or(NO_NODE);
        let (parent, first, last, before, after) = (NO_NODE, NO_NODE, NO_NODE, NO_NODE, NO_NODE);
        nodes.push(Node { data, parent, first, last, before, after });
        id
    }

    /// Makes `child` a child of `parent`, before `next` or as the last one.
    fn link(&self, parent: NodeId, child: NodeId, next: NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        let before = match next {
            NO_NODE => nodes[parent as usize].last,
            next => nodes[next as usize].before,
        };
        let node = &mut nodes[child as usize];
        (node.parent, node.before, node.after) = (parent, before, next);
        match before {
            NO_NODE => nodes[parent as usize].first = child,
            before => nodes[before as usize].after = child,
        }
        match next {
            NO_NODE => nodes[parent as usize].last = child,
            next => nodes[next as usize].before = child,
        }
    }

    fn unlink(&self, id: NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        let node = &mut nodes[id as usize];
        let (parent, before, after) = (node.parent, node.before, node.after);
        (node.parent, node.before, node.after) = (NO_NODE, NO_NODE, NO_NODE);
        if parent == NO_NODE {
            return;
        }
        match before {
            NO_NODE => nodes[parent as usize].first = after,
            before => nodes[before as usize].after = after,
        }
        match after {
            NO_NODE => nodes[parent as usize].last = before,
            after => nodes[after as usize].before = before,
        }
    }

    /// Appends text to a text node; returns the text if the node is not one.
    fn extend(&self, id: NodeId, text: StrTendril) -> Option<StrTendril> {
        if id != NO_NODE
            && let Data::Text(known) = &mut self.nodes.borrow_mut()[id as usize].data
        {
            known.push_tendril(&text);
            return None;
        }
        Some(text)
    }

    fn insert(&self, parent: NodeId, child: NodeOrText<NodeId>, next: NodeId) {
        let child = match child {
            NodeOrText::AppendNode(node) => {
                self.unlink(node);
                node
            }
            NodeOrText::AppendText(text) => {
                let before = match next {
                    NO_NODE => self.nodes.borrow()[parent as usize].last,
                    next => self.nodes.borrow()[next as usize].before,
                };
                let Some(text) = self.extend(before, text) else { return };
                self.add(Data::Text(text))
            }
        };
        self.link(parent, child, next);
    }
}

impl TreeSink for Builder {
    type Handle = NodeId;
    type Output = ();
    type ElemName<'a> = Name;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> NodeId {
        DOCUMENT
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Name {
        Name(match &self.nodes.borrow()[*target as usize].data {
            Data::Element { name, .. } => name.clone(),
            Data::Text(_) | Data::Other => QualName::new(None, ns!(), local_name!("")),
        })
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        _: ElementFlags,
    ) -> NodeId {
        self.add(Data::Element { name, attributes })
    }

    fn create_comment(&self, _: StrTendril) -> NodeId {
        self.add(Data::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> NodeId {
        self.add(Data::Other)
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        self.insert(*parent, child, NO_NODE);
    }

    fn append_based_on_parent_node(
        &self,
        element: &NodeId,
        previous: &NodeId,
        child: NodeOrText<NodeId>,
    ) {
        let parent = self.nodes.borrow()[*element as usize].parent;
        match parent {
            NO_NODE => self.append(previous, child),
            _ => self.append_before_sibling(element, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        // A template is removed with its content, so the content may be in the element itself.
        *target
    }

    fn same_node(&self, x: &NodeId, y: &NodeId) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        let parent = self.nodes.borrow()[*sibling as usize].parent;
        if parent != NO_NODE {
            self.insert(parent, child, *sibling);
        }
    }

    fn add_attrs_if_missing(&self, _: &NodeId, _: Vec<Attribute>) {
        // Only `html` and `body` get attributes later, and neither is stored.
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.unlink(*target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        loop {
            let child = self.nodes.borrow()[*node as usize].first;
            if child == NO_NODE {
                return;
            }
            self.unlink(child);
            self.link(*new_parent, child, NO_NODE);
        }
    }
}
