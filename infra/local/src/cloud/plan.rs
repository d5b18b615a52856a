//! What the template asks for. It is checked before the functions are built, which takes long.

use std::path::Path;
use std::sync::Arc;

use super::StartError;
use crate::aws::{Resources, Roles};
use crate::resources;
use crate::template::{Parameters, Template};

/// A template whose resources and roles the local cloud can create.
pub(super) struct Plan {
    pub(super) template: Arc<Template>,
    pub(super) resources: Resources,
    pub(super) roles: Roles,
}

impl Plan {
    /// Reads the template of a workspace.
    pub(super) fn read(workspace: &Path, parameters: &Parameters) -> Result<Self, StartError> {
        let template = Arc::new(Template::read(&workspace.join("template.yaml"), parameters)?);
        let resources = resources::from_template(&template)?;
        let roles = resources::roles(&template)?;
        resources::check_sources(&template, &roles)?;
        Ok(Self { template, resources, roles })
    }
}
