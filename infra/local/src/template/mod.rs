//! `template.yaml`, read into what the local cloud runs.
//!
//! The template is the one description of the system: what runs here is what deploys. A property
//! that the local cloud neither honors nor knows to be harmless is an error, never passed over.

mod expression;
mod functions;
mod mapping;
mod model;
mod names;
mod property;
mod resources;
mod scope;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

pub use expression::{Expression, UnresolvedError};
pub use model::{
    Api, Authorizer, Cors, Event, Function, Index, JwtAuthorizer, Policy, Queue, QueueSource,
    Redrive, Route, Schedule, Table, Template, Throttle,
};
pub use names::{ACCOUNT_ID, Names, REGION};

/// Values that override the defaults of the template's parameters, by name.
pub type Parameters = BTreeMap<String, String>;

/// What is wrong with a template, in one line for people.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// A line does not say what it should.
    #[error("line {line}: {message}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// Names the resource and the property.
        message: String,
    },
}

impl TemplateError {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self::Line { line, message: message.into() }
    }
}

impl Template {
    /// Reads the template in the file `path`.
    ///
    /// # Errors
    /// As [`Template::parse`], and when the file cannot be read.
    pub fn read(path: &Path, parameters: &Parameters) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TemplateError::Read { path: path.display().to_string(), source })?;
        Self::parse(&text, parameters)
    }

    /// Reads a template, with `parameters` in place of its parameters' defaults.
    ///
    /// # Errors
    /// The first thing that is not understood, with its line.
    pub fn parse(text: &str, parameters: &Parameters) -> Result<Self, TemplateError> {
        let document = yaml::parse(text)?;
        let scope = scope::Scope::new(&document, parameters)?;
        resources::read(&document, &scope)
    }
}

#[cfg(test)]
mod tests;
