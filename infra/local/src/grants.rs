//! What the roles of the template grant, against what a whole run of the tests used: a right that
//! nothing uses is one that a thief of its function would.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::aws::{Grant, Roles};
use crate::resources;
use crate::template::{Parameters, Template, TemplateError, UnresolvedError};

/// The variable that names the folder where every local cloud and every test leaves what it used.
pub const FOLDER_VARIABLE: &str = "USED_GRANTS_DIR";

/// Why the report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum GrantsError {
    /// The template is broken.
    #[error("template.yaml: {0}")]
    Template(#[from] TemplateError),
    /// It grants a role something that the local cloud does not have.
    #[error("template.yaml: {0}")]
    Roles(#[from] UnresolvedError),
    /// The folder or a file in it cannot be read or written.
    #[error("the used grants cannot be kept: {0}")]
    Io(#[from] std::io::Error),
    /// A file in the folder is none that a run left there.
    #[error("the used grants cannot be read: {0}")]
    Format(#[from] serde_json::Error),
    /// Nobody used these.
    #[error("{} granted and never used:\n{}", .0.len(), lines(.0))]
    Unused(BTreeSet<Grant>),
}

fn lines(grants: &BTreeSet<Grant>) -> String {
    grants.iter().map(|grant| format!("  {grant}\n")).collect()
}

/// Leaves what was used of the roles in the folder that [`FOLDER_VARIABLE`] names, if it is set.
///
/// # Errors
/// When the folder cannot be written to.
pub fn keep(roles: &Roles) -> Result<(), GrantsError> {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE) else { return Ok(()) };
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let file = folder.join(format!("{}.json", Uuid::new_v4()));
    std::fs::write(file, serde_json::to_vec(&roles.used())?)?;
    Ok(())
}

/// Checks that of all that the template grants nothing was left unused by the runs that left their
/// use in `folder`; tells how much there is.
///
/// # Errors
/// [`GrantsError::Unused`] names what nobody used.
pub fn check(template: &Path, folder: &Path) -> Result<usize, GrantsError> {
    let template = Arc::new(Template::read(template, &Parameters::new())?);
    let mut unused = resources::roles(&template)?.grants();
    let all = unused.len();
    for entry in std::fs::read_dir(folder)? {
        let used: BTreeSet<Grant> = serde_json::from_slice(&std::fs::read(entry?.path())?)?;
        unused.retain(|grant| !used.contains(grant));
    }
    if unused.is_empty() { Ok(all) } else { Err(GrantsError::Unused(unused)) }
}
