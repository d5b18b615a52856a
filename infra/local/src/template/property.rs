//! Typed access to the properties of a resource. The errors contain the path of the property.

use std::str::FromStr;

use super::error::TemplateError;
use super::expression::Expression;
use super::scope::Scope;
use super::yaml::{Content, Node};

/// A value in the template and its path, such as `Queue.RedrivePolicy.maxReceiveCount`.
#[derive(Clone)]
pub(super) struct Property<'a> {
    pub(super) path: String,
    node: &'a Node,
    scope: &'a Scope,
}

impl<'a> Property<'a> {
    /// Creates the property `name` from this node and resolves `!If`. Returns `None` if the result
    /// is `AWS::NoValue`.
    pub(super) fn new(
        name: &str,
        node: &'a Node,
        scope: &'a Scope,
    ) -> Result<Option<Self>, TemplateError> {
        let node = scope.select(node)?;
        Ok(node.map(|node| Self { path: name.to_owned(), node, scope }))
    }

    pub(super) fn error(&self, message: impl std::fmt::Display) -> TemplateError {
        TemplateError::new(self.node.line, format!("{}: {message}", self.path))
    }

    /// The property `key` inside this property; `None` if there is no such property.
    pub(super) fn get(&self, key: &str) -> Result<Option<Self>, TemplateError> {
        match self.node.get(key) {
            Some(node) => Self::new(&format!("{}.{key}", self.path), node, self.scope),
            None => Ok(None),
        }
    }

    pub(super) fn require(&self, key: &str) -> Result<Self, TemplateError> {
        self.get(key)?.ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    /// Checks that each key is in `supported`, or is in `ignored` because it only has an effect on
    /// AWS.
    pub(super) fn allow(&self, supported: &[&str], ignored: &[&str]) -> Result<(), TemplateError> {
        self.mapping()?;
        for (key, node) in self.node.entries() {
            if !supported.contains(&key.as_str()) && !ignored.contains(&key.as_str()) {
                let message = format!("{}: the local cloud does not support `{key}`", self.path);
                return Err(TemplateError::new(node.line, message));
            }
        }
        Ok(())
    }

    fn mapping(&self) -> Result<(), TemplateError> {
        match &self.node.content {
            Content::Mapping(_) => Ok(()),
            _ => Err(self.error("expected a mapping")),
        }
    }

    /// The entries of a mapping, without entries whose value is `AWS::NoValue`.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Self)>, TemplateError> {
        self.mapping()?;
        let mut entries = Vec::new();
        for (key, _) in self.node.entries() {
            if let Some(property) = self.get(key)? {
                entries.push((key.as_str(), property));
            }
        }
        Ok(entries)
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, TemplateError> {
        match &self.node.content {
            Content::Sequence(nodes) if self.node.tag.is_none() => {
                let mut items = Vec::new();
                for (index, node) in nodes.iter().enumerate() {
                    let name = format!("{}[{index}]", self.path);
                    items.extend(Self::new(&name, node, self.scope)?);
                }
                Ok(items)
            }
            _ => Err(self.error("expected a list")),
        }
    }

    /// The items of a list. A single value is returned as a list with one item.
    pub(super) fn one_or_more(&self) -> Result<Vec<Self>, TemplateError> {
        match (&self.node.content, &self.node.tag) {
            (Content::Sequence(_), None) => self.items(),
            _ => Ok(vec![self.clone()]),
        }
    }

    pub(super) fn expression(&self) -> Result<Expression, TemplateError> {
        self.scope.expression(self.node).map_err(|error| match error {
            TemplateError::Line { line, message } => {
                TemplateError::new(line, format!("{}: {message}", self.path))
            }
            error @ TemplateError::Read { .. } => error,
        })
    }

    /// The text of a value. The value must not depend on a resource.
    pub(super) fn text(&self) -> Result<String, TemplateError> {
        match self.expression()? {
            Expression::Literal(text) => Ok(text),
            _ => Err(self.error("the value cannot depend on a resource here")),
        }
    }

    /// The texts of a list, of a single value, or of a parameter whose value is a list.
    pub(super) fn texts(&self) -> Result<Vec<String>, TemplateError> {
        if let Some(values) = self.scope.list(self.node) {
            return Ok(values);
        }
        self.one_or_more()?.iter().map(Self::text).collect()
    }

    /// Parses a value such as a number or a boolean.
    pub(super) fn parse<T: FromStr>(&self) -> Result<T, TemplateError> {
        let text = self.text()?;
        text.parse().map_err(|_| {
            let kind = std::any::type_name::<T>();
            let expected = if kind == "bool" { "`true` or `false`" } else { "a number" };
            self.error(format!("`{text}` is not {expected}"))
        })
    }

    /// Parses the property `key`; `None` if there is no such property.
    pub(super) fn parse_optional<T: FromStr>(&self, key: &str) -> Result<Option<T>, TemplateError> {
        self.get(key)?.map(|property| property.parse()).transpose()
    }

    /// Whether the condition `name` of the template is true.
    pub(super) fn condition(&self, name: &str) -> Result<bool, TemplateError> {
        self.scope.condition(name, self.node.line, 0)
    }

    /// The logical id in a value of the form `!GetAtt {id}.Arn`.
    pub(super) fn arn_target(&self) -> Result<String, TemplateError> {
        match self.expression()? {
            Expression::Attribute(id, name) if name == "Arn" => Ok(id),
            _ => Err(self.error("expected `!GetAtt <resource>.Arn`")),
        }
    }
}
