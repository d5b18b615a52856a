//! Compares the IAM permissions in the template with those that a whole run of the tests used. Only an
//! attacker who controls the function can use an unused permission.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::aws::{Grant, Roles};
use crate::resources;
use crate::template::{Template, TemplateError, UnresolvedError, example_parameters};

/// The environment variable with the path of a folder. Every local cloud and every test writes the
/// IAM permissions that it used to this folder.
pub const FOLDER_VARIABLE: &str = "USED_GRANTS_DIR";

/// The reason why the check of the IAM permissions failed.
#[derive(Debug, thiserror::Error)]
pub enum GrantsError {
    /// The template is invalid or not supported.
    #[error("template.yaml: {0}")]
    Template(#[from] TemplateError),
    /// A role contains a resource that the local cloud does not know.
    #[error("template.yaml: {0}")]
    Roles(#[from] UnresolvedError),
    /// The folder or a file in it cannot be read or written.
    #[error("the folder of used IAM permissions cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// A file in the folder has a different format: it was not written by a run.
    #[error("a file of used IAM permissions is invalid: {0}")]
    Format(#[from] serde_json::Error),
    /// These IAM permissions were not used.
    #[error("{} IAM permissions in template.yaml were never used:\n{}", .0.len(), lines(.0))]
    Unused(BTreeSet<Grant>),
}

fn lines(grants: &BTreeSet<Grant>) -> String {
    grants.iter().map(|grant| format!("  {grant}\n")).collect()
}

/// Writes the used IAM permissions to the folder in [`FOLDER_VARIABLE`], if the variable is set.
pub fn keep(roles: &Roles) -> Result<(), GrantsError> {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else { return Ok(()) };
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let file = folder.join(format!("{}.json", Uuid::new_v4()));
    std::fs::write(file, serde_json::to_vec(&roles.used())?)?;
    Ok(())
}

/// Checks that every IAM permission in the template was used by at least one of the runs that wrote
/// to `folder`. Returns the number of permissions.
///
/// # Errors
/// Returns [`GrantsError::Unused`] with the unused permissions.
pub fn check(template: &Path, folder: &Path) -> Result<usize, GrantsError> {
    let template = Arc::new(Template::read(template, &example_parameters())?);
    let mut unused = resources::roles(&template)?.grants();
    let all = unused.len();
    for entry in std::fs::read_dir(folder)? {
        let used: BTreeSet<Grant> = serde_json::from_slice(&std::fs::read(entry?.path())?)?;
        unused.retain(|grant| !used.contains(grant));
    }
    if unused.is_empty() { Ok(all) } else { Err(GrantsError::Unused(unused)) }
}
