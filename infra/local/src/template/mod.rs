//! Reads the SAM template `template.yaml`. The result describes the system that the local cloud
//! runs.
//!
//! The template is the only description of the system: the local cloud runs the same system that is
//! deployed. A property is an error if the local cloud does not support it and does not know that
//! it is harmless. Such a property is never ignored.
//!
//! | file | content |
//! |---|---|
//! | `yaml` | YAML as a tree with tags and line numbers |
//! | `expression`, `scope` | values, the intrinsic functions (`!Ref`, `!Sub`…), parameters, conditions |
//! | `property` | typed access to properties, with errors that name them |
//! | `resources`, `functions`, `mapping` | read each type of resource |
//! | `model` | the result |
//! | `examples` | example values of parameters without a default |
//! | `names` | the names, URLs and ARNs of resources at run time |

mod error;
mod examples;
mod expression;
mod functions;
mod mapping;
mod model;
mod names;
mod property;
mod resources;
mod scope;
mod yaml;

use std::path::Path;

pub use error::TemplateError;
pub use examples::example_parameters;
pub use expression::{Expression, UnresolvedError};
pub use model::{
    Api, Asynchronous, Authorizer, Cors, Event, Function, Index, JwtAuthorizer, Policy, Queue,
    QueueSource, Redrive, Route, Schedule, Table, Template, Throttle,
};
pub use names::Names;
pub use scope::Parameters;

impl Template {
    /// Reads the template in the file `path`. `parameters` replace the default values in the
    /// template.
    pub fn read(path: &Path, parameters: &Parameters) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TemplateError::Read { path: path.display().to_string(), source })?;
        Self::parse(&text, parameters)
    }

    /// Parses a template. `parameters` replace the default values in the template.
    ///
    /// # Errors
    /// Returns an error for the first part of the template that is invalid or not supported, with
    /// its line.
    pub fn parse(text: &str, parameters: &Parameters) -> Result<Self, TemplateError> {
        let document = yaml::parse(text)?;
        let scope = scope::Scope::new(&document, parameters)?;
        resources::read(&document, &scope)
    }
}

#[cfg(test)]
mod tests;
