//! Resolves the names in a template (parameters, pseudo parameters, conditions and resources) and
//! the intrinsic functions (`!Ref`, `!Sub` and so on).

use std::collections::{BTreeMap, BTreeSet};

use super::error::TemplateError;
use super::expression::Expression;
use super::yaml::{Content, Node};
use crate::account::{ACCOUNT_ID, REGION};

/// Values of the template's parameters by name. They replace the default values.
pub type Parameters = BTreeMap<String, String>;

/// The names that a template declares: parameters, conditions and resources.
pub(super) struct Scope {
    parameters: BTreeMap<String, String>,
    /// The names of the parameters whose value is a list.
    lists: BTreeSet<String>,
    conditions: BTreeMap<String, Node>,
    resources: BTreeSet<String>,
}

impl Scope {
    /// Reads the declarations in `document`. `overrides` replace the default values of parameters.
    pub(super) fn new(document: &Node, overrides: &Parameters) -> Result<Self, TemplateError> {
        let section = |name: &str| document.get(name).map_or(&[][..], Node::entries);
        let mut parameters = BTreeMap::new();
        let mut lists = BTreeSet::new();
        for (name, declaration) in section("Parameters") {
            parameters.insert(name.clone(), parameter(name, declaration, overrides.get(name))?);
            let kind = declaration.get("Type").and_then(Node::scalar).unwrap_or_default();
            if kind == "CommaDelimitedList" || kind.starts_with("List<") {
                lists.insert(name.clone());
            }
        }
        Ok(Self {
            parameters,
            lists,
            conditions: section("Conditions").iter().cloned().collect(),
            resources: section("Resources").iter().map(|(name, _)| name.clone()).collect(),
        })
    }

    /// Resolves `!If` in a node. Returns `None` if the result is `AWS::NoValue` or null.
    pub(super) fn select<'a>(&self, node: &'a Node) -> Result<Option<&'a Node>, TemplateError> {
        match (node.tag.as_deref(), &node.content) {
            (Some("If"), Content::Sequence(items)) => {
                let [condition, yes, no] = items.as_slice() else {
                    return Err(TemplateError::new(node.line, "`!If` takes three values"));
                };
                let name = condition.scalar().unwrap_or_default();
                let chosen = if self.condition(name, node.line, 0)? { yes } else { no };
                self.select(chosen)
            }
            (Some("Ref"), Content::Scalar(name)) if name == "AWS::NoValue" => Ok(None),
            (None, Content::Null) => Ok(None),
            _ => Ok(Some(node)),
        }
    }

    /// The values of a `!Ref` to a parameter whose value is a list; `None` for any other node.
    pub(super) fn list(&self, node: &Node) -> Option<Vec<String>> {
        let name = node.scalar().filter(|_| node.tag.as_deref() == Some("Ref"))?;
        let text = self.lists.contains(name).then(|| self.parameters.get(name)).flatten()?;
        Some(text.split(',').map(|value| value.trim().to_owned()).collect())
    }

    /// Whether the condition `name` is true. `line` is the line for the error message. `depth` is
    /// the number of conditions that refer to this condition one after the other. It is needed to
    /// find a condition that depends on itself.
    pub(super) fn condition(
        &self,
        name: &str,
        line: usize,
        depth: usize,
    ) -> Result<bool, TemplateError> {
        if depth > self.conditions.len() {
            return Err(TemplateError::new(line, format!("condition `{name}` depends on itself")));
        }
        let condition = self.conditions.get(name).ok_or_else(|| {
            TemplateError::new(line, format!("there is no condition called `{name}`"))
        })?;
        self.evaluate(condition, depth + 1)
    }

    fn evaluate(&self, node: &Node, depth: usize) -> Result<bool, TemplateError> {
        let all = |items: &[Node]| -> Result<Vec<bool>, TemplateError> {
            items.iter().map(|item| self.evaluate(item, depth)).collect()
        };
        match (node.tag.as_deref(), &node.content) {
            (Some("Equals"), Content::Sequence(items)) if items.len() == 2 => {
                Ok(self.fixed_text(&items[0])? == self.fixed_text(&items[1])?)
            }
            (Some("Not"), Content::Sequence(items)) if items.len() == 1 => {
                Ok(!self.evaluate(&items[0], depth)?)
            }
            (Some("And"), Content::Sequence(items)) => Ok(all(items)?.into_iter().all(|it| it)),
            (Some("Or"), Content::Sequence(items)) => Ok(all(items)?.into_iter().any(|it| it)),
            (Some("Condition"), Content::Scalar(name)) => self.condition(name, node.line, depth),
            _ => Err(TemplateError::new(
                node.line,
                "a condition is `!Equals`, `!Not`, `!And`, `!Or` or `!Condition`",
            )),
        }
    }

    fn fixed_text(&self, node: &Node) -> Result<String, TemplateError> {
        self.expression(node)?
            .literal()
            .map(str::to_owned)
            .ok_or_else(|| TemplateError::new(node.line, "a condition cannot depend on a resource"))
    }

    /// The expression in a scalar or in an intrinsic function.
    pub(super) fn expression(&self, node: &Node) -> Result<Expression, TemplateError> {
        let unsupported = || {
            let what = node.tag.as_ref().map_or_else(
                || "expected a single value".to_owned(),
                |tag| format!("`!{tag}` is not supported here"),
            );
            TemplateError::new(node.line, what)
        };
        match (node.tag.as_deref(), &node.content) {
            (None, Content::Scalar(text)) => Ok(Expression::Literal(text.clone())),
            (Some("Ref"), Content::Scalar(name)) => self.reference(name, node.line),
            (Some("GetAtt"), Content::Scalar(path)) => self.attribute(path, node.line),
            (Some("GetAtt"), Content::Sequence(items)) => {
                let path: Vec<_> = items.iter().filter_map(Node::scalar).collect();
                self.attribute(&path.join("."), node.line)
            }
            (Some("Sub"), Content::Scalar(text)) => self.substitute(text, &[], node.line),
            (Some("Sub"), Content::Sequence(items)) => match items.as_slice() {
                [text, variables] if text.scalar().is_some() => {
                    let text = text.scalar().unwrap_or_default();
                    self.substitute(text, variables.entries(), node.line)
                }
                _ => Err(unsupported()),
            },
            (Some("Join"), Content::Sequence(items)) => match items.as_slice() {
                [
                    Node { content: Content::Scalar(separator), .. },
                    Node { content: Content::Sequence(parts), .. },
                ] => {
                    let parts: Result<Vec<_>, _> =
                        parts.iter().map(|part| self.expression(part)).collect();
                    let separator = Expression::Literal(separator.clone());
                    Ok(concatenation(intersperse(parts?, &separator)))
                }
                _ => Err(unsupported()),
            },
            (Some("If"), Content::Sequence(_)) => match self.select(node)? {
                Some(chosen) => self.expression(chosen),
                None => Err(unsupported()),
            },
            _ => Err(unsupported()),
        }
    }

    fn reference(&self, name: &str, line: usize) -> Result<Expression, TemplateError> {
        if let Some(value) = self.parameters.get(name).map(String::as_str).or_else(|| pseudo(name))
        {
            return Ok(Expression::Literal(value.to_owned()));
        }
        // SAM gives a function with an alias the reference `{function}.Alias`. The local cloud has
        // one version of a function, so the alias is the function.
        let id = name.strip_suffix(".Alias").unwrap_or(name);
        if self.resources.contains(id) {
            return Ok(match name == id {
                true => Expression::Reference(id.to_owned()),
                false => Expression::Attribute(id.to_owned(), "Arn".to_owned()),
            });
        }
        let message = format!("there is no parameter or resource called `{name}`");
        Err(TemplateError::new(line, message))
    }

    fn attribute(&self, path: &str, line: usize) -> Result<Expression, TemplateError> {
        match path.split_once('.') {
            Some((id, name)) if self.resources.contains(id) => {
                Ok(Expression::Attribute(id.to_owned(), name.to_owned()))
            }
            Some((id, _)) => {
                Err(TemplateError::new(line, format!("there is no resource called `{id}`")))
            }
            None => Err(TemplateError::new(line, format!("`{path}` has no attribute name"))),
        }
    }

    /// The expression for the text of a `!Sub`. Its own `variables` take precedence over the names
    /// in the template.
    fn substitute(
        &self,
        text: &str,
        variables: &[(String, Node)],
        line: usize,
    ) -> Result<Expression, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once("${") {
            parts.push(Expression::Literal(before.to_owned()));
            let (name, after) = tail
                .split_once('}')
                .ok_or_else(|| TemplateError::new(line, "a `${` is not closed"))?;
            parts.push(match name.strip_prefix('!') {
                Some(literal) => Expression::Literal(format!("${{{literal}}}")),
                None => match variables.iter().find(|(variable, _)| variable == name) {
                    Some((_, value)) => self.expression(value)?,
                    None if name.contains('.') => self.attribute(name, line)?,
                    None => self.reference(name, line)?,
                },
            });
            rest = after;
        }
        parts.push(Expression::Literal(rest.to_owned()));
        Ok(concatenation(parts))
    }
}

/// The value of a parameter: the override, or else the default. The value must be one of the
/// allowed values.
fn parameter(
    name: &str,
    declaration: &Node,
    override_value: Option<&String>,
) -> Result<String, TemplateError> {
    let default = declaration.get("Default").map(|node| node.scalar().unwrap_or_default());
    let value = override_value.map(String::as_str).or(default).ok_or_else(|| {
        let message = format!("parameter `{name}` has no default and no value was given");
        TemplateError::new(declaration.line, message)
    })?;
    let allowed = declaration.get("AllowedValues");
    if let Some(Node { content: Content::Sequence(allowed), .. }) = allowed
        && !allowed.iter().any(|node| node.scalar() == Some(value))
    {
        let message = format!("parameter `{name}` does not allow the value `{value}`");
        return Err(TemplateError::new(declaration.line, message));
    }
    Ok(value.to_owned())
}

fn pseudo(name: &str) -> Option<&'static str> {
    match name {
        "AWS::AccountId" => Some(ACCOUNT_ID),
        "AWS::Region" => Some(REGION),
        "AWS::Partition" => Some("aws"),
        "AWS::URLSuffix" => Some("amazonaws.com"),
        "AWS::StackName" => Some("local"),
        _ => None,
    }
}

fn intersperse(parts: Vec<Expression>, separator: &Expression) -> Vec<Expression> {
    let mut joined = Vec::with_capacity(parts.len() * 2);
    for part in parts {
        if !joined.is_empty() {
            joined.push(separator.clone());
        }
        joined.push(part);
    }
    joined
}

/// Joins literals that follow each other, so that a text without references is a single literal.
fn concatenation(parts: Vec<Expression>) -> Expression {
    let mut merged: Vec<Expression> = Vec::new();
    let flat = parts.into_iter().flat_map(|part| match part {
        Expression::Concatenation(parts) => parts,
        part => vec![part],
    });
    for part in flat {
        match (merged.last_mut(), part) {
            (Some(Expression::Literal(before)), Expression::Literal(text)) => {
                before.push_str(&text);
            }
            (_, Expression::Literal(text)) if text.is_empty() => {}
            (_, part) => merged.push(part),
        }
    }
    match merged.len() {
        0 => Expression::Literal(String::new()),
        1 => merged.remove(0),
        _ => Expression::Concatenation(merged),
    }
}
