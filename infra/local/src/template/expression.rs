//! Values that depend on resources. The resources exist only at run time.

/// A string that may refer to resources and secrets. Parameters, conditions and pseudo parameters
/// are already resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A fixed text.
    Literal(String),
    /// `!Ref` of a resource, with its logical id.
    Reference(String),
    /// `!GetAtt` of a resource: its logical id and the attribute's name.
    Attribute(String, String),
    /// The parts of a `!Sub` or `!Join`, to be concatenated.
    Concatenation(Vec<Expression>),
}

/// The reason why an expression has no value in the local cloud.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum UnresolvedError {
    /// The local cloud has no value for the `!Ref`.
    #[error("`!Ref {0}` has no value in the local cloud")]
    Reference(String),
    /// The local cloud has no value for the attribute.
    #[error("`!GetAtt {0}.{1}` has no value in the local cloud")]
    Attribute(String, String),
    /// The local cloud has no value for the secret in a `{{resolve:…}}`.
    #[error("the local cloud has no value for `{{{{{0}}}}}`")]
    Secret(String),
}

/// Returns the values of resources and secrets at run time.
pub(super) trait Resolver {
    fn reference(&self, id: &str) -> Option<String>;
    fn attribute(&self, id: &str, name: &str) -> Option<String>;
    fn secret(&self, key: &str) -> Option<String>;
}

impl Expression {
    /// The text; `None` if it depends on a resource.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Reference(_) | Self::Attribute(..) | Self::Concatenation(_) => None,
        }
    }

    /// The text, with the values of the resources and secrets in it.
    pub(super) fn resolve(&self, resolver: &dyn Resolver) -> Result<String, UnresolvedError> {
        fill_secrets(&self.without_secrets(resolver)?, resolver)
    }

    fn without_secrets(&self, resolver: &dyn Resolver) -> Result<String, UnresolvedError> {
        match self {
            Self::Literal(text) => Ok(text.clone()),
            Self::Reference(id) => {
                resolver.reference(id).ok_or_else(|| UnresolvedError::Reference(id.clone()))
            }
            Self::Attribute(id, name) => resolver
                .attribute(id, name)
                .ok_or_else(|| UnresolvedError::Attribute(id.clone(), name.clone())),
            Self::Concatenation(parts) => {
                parts.iter().map(|part| part.without_secrets(resolver)).collect()
            }
        }
    }
}

/// Replaces each `{{resolve:secretsmanager:NAME:SecretString:KEY}}` with the value of the secret.
fn fill_secrets(text: &str, resolver: &dyn Resolver) -> Result<String, UnresolvedError> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, (reference, after))) =
        rest.split_once("{{").and_then(|(before, tail)| Some((before, tail.split_once("}}")?)))
    {
        filled.push_str(before);
        filled.push_str(
            &secret_key(reference)
                .and_then(|key| resolver.secret(key))
                .ok_or_else(|| UnresolvedError::Secret(reference.to_owned()))?,
        );
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The key in a text `resolve:secretsmanager:NAME:SecretString:KEY`; `None` for any other text.
fn secret_key(reference: &str) -> Option<&str> {
    let (_name, key) =
        reference.strip_prefix("resolve:secretsmanager:")?.split_once(":SecretString:")?;
    key.split(':').next().filter(|key| !key.is_empty())
}
