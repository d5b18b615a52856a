//! Parses YAML to a tree. Each node has its tag (the short form of an intrinsic function) and its
//! line.

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::error::TemplateError;

/// A node of a YAML document.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Line of the node, counted from 1.
    pub(super) line: usize,
    /// Name of the tag, such as `Ref` for `!Ref`; `None` if the node has no tag.
    pub(super) tag: Option<String>,
    pub(super) content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    /// The text of a scalar.
    Scalar(String),
    /// A plain `null`, a `~` or an empty value. The text `""` is a scalar.
    Null,
    Sequence(Vec<Node>),
    /// The entries in the order of the file. Each key occurs only once.
    Mapping(Vec<(String, Node)>),
}

impl Node {
    /// The value of `key`; `None` if this node is not a mapping or does not have the key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The entries of a mapping; empty for any other node.
    pub(super) fn entries(&self) -> &[(String, Node)] {
        match &self.content {
            Content::Mapping(entries) => entries,
            Content::Scalar(_) | Content::Null | Content::Sequence(_) => &[],
        }
    }

    /// The text of a scalar; `None` for any other node.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(text) => Some(text),
            Content::Null | Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }
}

/// Parses the first document of `text`. Anchors and aliases are an error, because `CloudFormation`
/// does not support them.
pub(super) fn parse(text: &str) -> Result<Node, TemplateError> {
    let options = granit_parser::options! { emit_comments: false };
    let mut tree = Tree { parser: Parser::new_from_str_with_options(text, options) };
    loop {
        match tree.next()? {
            (Event::StreamEnd, line) => return Err(TemplateError::new(line, "the file is empty")),
            (event, line) if event.is_node() => return tree.node(event, line),
            _ => {}
        }
    }
}

struct Tree<'input> {
    parser: Parser<'input, StrInput<'input>>,
}

impl<'input> Tree<'input> {
    /// The next event of the parser, with its line.
    fn next(&mut self) -> Result<(Event<'input>, usize), TemplateError> {
        match self.parser.next() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err(TemplateError::new(error.marker().line(), error.info())),
            None => Ok((Event::StreamEnd, 1)),
        }
    }

    fn node(&mut self, event: Event<'input>, line: usize) -> Result<Node, TemplateError> {
        match event {
            Event::Scalar(text, style, _, tag) => {
                let null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                let content = if null { Content::Null } else { Content::Scalar(text.into_owned()) };
                Ok(Node { line, tag: application_tag(tag.as_deref()), content })
            }
            Event::SequenceStart(_, _, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, line) => items.push(self.node(event, line)?),
                    }
                }
                let tag = application_tag(tag.as_deref());
                Ok(Node { line, tag, content: Content::Sequence(items) })
            }
            Event::MappingStart(_, _, tag) => {
                let content = Content::Mapping(self.entries()?);
                Ok(Node { line, tag: application_tag(tag.as_deref()), content })
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                Err(TemplateError::new(line, "anchors and aliases are not supported"))
            }
            _ => Err(TemplateError::new(line, "the file ends too early")),
        }
    }

    fn entries(&mut self) -> Result<Vec<(String, Node)>, TemplateError> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(entries),
                (Event::Scalar(text, ..), line) => (text.into_owned(), line),
                (_, line) => return Err(TemplateError::new(line, "a key must be a plain name")),
            };
            if entries.iter().any(|(name, _)| *name == key.0) {
                return Err(TemplateError::new(key.1, format!("the key `{}` is repeated", key.0)));
            }
            let (event, line) = self.next()?;
            entries.push((key.0, self.node(event, line)?));
        }
    }
}

/// The name of the tag, such as `Ref` for `!Ref`. Tags of YAML's own schema, such as `!!str`, are
/// ignored.
fn application_tag(tag: Option<&Tag>) -> Option<String> {
    tag.filter(|tag| tag.original_handle() == "!").map(|tag| tag.suffix().to_owned())
}
