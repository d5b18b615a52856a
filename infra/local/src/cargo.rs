//! Builds the function binaries with Cargo, once at the start and again when a source changed.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use tokio::process::Command;

use crate::console::Console;

/// How often the sources are looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Why there are no function binaries.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo did not run.
    #[error("cargo does not run: {0}")]
    Cargo(#[from] io::Error),
    /// Cargo found errors.
    #[error("the functions do not build:\n{0}")]
    Failed(String),
}

/// Executables by the name of their Cargo target.
#[derive(Clone, Debug, Default)]
pub struct Binaries(Arc<RwLock<HashMap<String, PathBuf>>>);

/// An executable on disk.
#[derive(Clone, Debug)]
pub struct Binary {
    /// Where it is.
    pub path: PathBuf,
    /// When it was built.
    pub built_at: SystemTime,
}

impl FromIterator<(String, PathBuf)> for Binaries {
    fn from_iter<T: IntoIterator<Item = (String, PathBuf)>>(executables: T) -> Self {
        Self(Arc::new(RwLock::new(executables.into_iter().collect())))
    }
}

impl Binaries {
    /// The executable called `name`, as it is on disk now.
    ///
    /// # Errors
    /// When Cargo built none of this name, or it is gone.
    pub fn find(&self, name: &str) -> io::Result<Binary> {
        let path = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let path = path.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("no binary is called {name}"))
        })?;
        let built_at = std::fs::metadata(&path)?.modified()?;
        Ok(Binary { path, built_at })
    }

    /// Builds the default members of `workspace` in the profile of this program.
    ///
    /// # Errors
    /// Cargo's messages, when the build fails.
    pub async fn build(workspace: &Path) -> Result<Self, BuildError> {
        Ok(executables(&cargo_build(workspace).await?.stdout).collect())
    }

    /// Builds the binaries of these packages of `workspace` alone, as they are deployed: a build of
    /// the whole workspace would give them features that only the emulators need.
    ///
    /// # Errors
    /// Cargo's messages, when the build fails.
    pub async fn build_release(
        workspace: &Path,
        packages: impl IntoIterator<Item = &str>,
    ) -> Result<Self, BuildError> {
        let mut build = build_command(workspace);
        build.args(["--release", "--bins"]);
        for package in packages {
            build.args(["--package", package]);
        }
        Ok(executables(&run(build).await?.stdout).collect())
    }

    /// Builds again whenever a source under `workspace` changes; never returns. Processes of a
    /// binary that became new are replaced at their next event.
    pub async fn watch(self, workspace: PathBuf, console: Console) {
        let mut built = newest_source(&workspace);
        loop {
            tokio::time::sleep(WATCH_INTERVAL).await;
            let newest = newest_source(&workspace);
            if newest == built {
                continue;
            }
            built = newest;
            console.note("a source changed: building the functions");
            match cargo_build(&workspace).await {
                Ok(output) => {
                    self.0
                        .write()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend(executables(&output.stdout));
                    console.note("the functions are built");
                }
                Err(error) => console.note(&format!("{error}")),
            }
        }
    }
}

/// Cargo, as a shell would start it. What an outer Cargo tells of the package that it runs or tests
/// is taken out: build scripts that look at it would take it for a change, and everything above
/// them would be compiled again, here and then there, at every turn.
#[must_use]
pub fn command() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if of_package.iter().any(|lead| name.to_string_lossy().starts_with(lead)) {
            command.env_remove(name);
        }
    }
    command
}

async fn cargo_build(workspace: &Path) -> Result<Output, BuildError> {
    let mut build = build_command(workspace);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    run(build).await
}

fn build_command(workspace: &Path) -> Command {
    let mut command = command();
    command
        .args(["build", "--quiet", "--message-format=json-render-diagnostics"])
        .current_dir(workspace)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn run(mut build: Command) -> Result<Output, BuildError> {
    let output = build.output().await?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(BuildError::Failed(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()))
    }
}

/// A line of Cargo's JSON output; other kinds of messages lack these fields.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: PathBuf,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

fn executables(messages: &[u8]) -> impl Iterator<Item = (String, PathBuf)> {
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Artifact>(line).ok())
        .filter(|artifact| artifact.target.kind.iter().any(|kind| kind == "bin"))
        .map(|artifact| (artifact.target.name, artifact.executable))
}

/// When the newest Rust source or manifest of the functions and their shared crate changed.
fn newest_source(workspace: &Path) -> Option<SystemTime> {
    ["functions", "shared"].iter().filter_map(|folder| newest(&workspace.join(folder))).max()
}

fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    entries
        .filter_map(|entry| {
            let kind = entry.file_type().ok()?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if kind.is_dir() {
                (name != "target").then(|| newest(&entry.path())).flatten()
            } else if name.ends_with(".rs") || name == "Cargo.toml" {
                entry.metadata().ok()?.modified().ok()
            } else {
                None
            }
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_found_among_cargos_messages() {
        let messages = br#"{"reason":"compiler-artifact","target":{"name":"shared","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"clean-up","kind":["bin"]},"executable":"/t/debug/clean-up"}
{"reason":"build-finished","success":true}
"#;
        let found: Vec<_> = executables(messages).collect();
        assert_eq!(found, [("clean-up".to_owned(), PathBuf::from("/t/debug/clean-up"))]);
    }

    #[test]
    fn a_binary_that_cargo_did_not_build_is_named() {
        let error = Binaries::default().find("clean-up").unwrap_err();
        assert_eq!(error.to_string(), "no binary is called clean-up");
    }

    #[test]
    fn the_newest_source_counts() {
        let folder = tempfile::tempdir().unwrap();
        let sources = folder.path().join("shared/src");
        std::fs::create_dir_all(&sources).unwrap();
        assert_eq!(newest_source(folder.path()), None);
        std::fs::write(sources.join("lib.rs"), "").unwrap();
        let file = std::fs::File::options().write(true).open(sources.join("lib.rs")).unwrap();
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(5_000_000_000);
        file.set_modified(later).unwrap();
        std::fs::write(sources.join("notes.txt"), "").unwrap();
        assert_eq!(newest_source(folder.path()), Some(later));
    }
}
