//! Builds the console with Node.js. A build is kept until a source file changes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256};
use tokio::process::Command;

use crate::console::Console;

/// The folder of the console in the workspace.
const FOLDER: &str = "infra/console";
/// What the build reads, under the workspace. Other files, such as tests, change nothing in it.
const SOURCES: [&str; 9] = [
    "infra/openapi.yaml",
    "docs/note-allowlist.json",
    "infra/console/package-lock.json",
    "infra/console/index.html",
    "infra/console/vite.config.ts",
    "infra/console/build",
    "infra/console/tsconfig.json",
    "infra/console/public",
    "infra/console/src",
];
/// The file in the built site with the digest of the sources.
const DIGEST: &str = ".sources";
/// The oldest version of Node.js that builds the console.
const NODE_VERSION: (u32, u32) = (20, 19);

/// The reason why the console could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Node.js or npm is not installed, or Node.js is too old.
    #[error("{0}; install Node.js {major}.{minor} or later, with npm", major = NODE_VERSION.0, minor = NODE_VERSION.1)]
    Node(String),
    /// A file of the console cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Path of the file.
        path: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A command failed. The text is its output.
    #[error("`{command}` failed:\n{output}")]
    Command {
        /// The command.
        command: String,
        /// What it printed.
        output: String,
    },
}

/// Builds the console of `workspace` if its sources changed since the last build, and returns the
/// folder of the built site.
///
/// # Errors
/// Returns [`BuildError::Node`] if Node.js cannot be used, and the output of npm if the build fails.
pub async fn build(workspace: &Path, console: &Console) -> Result<PathBuf, BuildError> {
    check_node(workspace).await?;
    let folder = workspace.join(FOLDER);
    let site = folder.join("dist");
    let digest = sources_digest(workspace)?;
    if fs::read_to_string(site.join(DIGEST)).is_ok_and(|built| built == digest) {
        return Ok(site);
    }
    if !has_packages(&folder) {
        console.note("installing the console's packages (npm ci; the first time takes a minute)…");
        npm(&folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).await?;
    }
    console.note("building the console…");
    npm(&folder, &["run", "build"]).await?;
    let path = site.join(DIGEST);
    fs::write(&path, digest).map_err(|source| file_error(&path, source))?;
    Ok(site)
}

async fn check_node(workspace: &Path) -> Result<(), BuildError> {
    let version = run(workspace, "node", &["--version"]).await;
    let version = version.map_err(|_| BuildError::Node("Node.js is not installed".to_owned()))?;
    let text = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let mut numbers = text.trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= NODE_VERSION => {}
        _ => return Err(BuildError::Node(format!("Node.js {text} is too old"))),
    }
    let npm = run(workspace, "npm", &["--version"]).await;
    npm.map(drop).map_err(|_| BuildError::Node("npm is not installed".to_owned()))
}

/// Whether npm has installed the packages of the lock file.
fn has_packages(folder: &Path) -> bool {
    let modified = |path: &str| fs::metadata(folder.join(path)).and_then(|data| data.modified());
    match (modified("node_modules/.package-lock.json"), modified("package-lock.json")) {
        (Ok(installed), Ok(wanted)) => installed >= wanted,
        _ => false,
    }
}

async fn npm(folder: &Path, arguments: &[&str]) -> Result<(), BuildError> {
    let command = || format!("npm {}", arguments.join(" "));
    let failed = |output: String| BuildError::Command { command: command(), output };
    let output = run(folder, "npm", arguments).await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    Err(failed(String::from_utf8_lossy(&printed).trim().to_owned()))
}

async fn run(folder: &Path, program: &str, arguments: &[&str]) -> io::Result<Output> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    command.output().await
}

/// A digest of the paths and contents of all sources.
fn sources_digest(workspace: &Path) -> Result<String, BuildError> {
    let mut digest = Context::new(&SHA256);
    for source in SOURCES {
        add(&mut digest, &workspace.join(source))?;
    }
    Ok(URL_SAFE_NO_PAD.encode(digest.finish()))
}

/// Adds a file, or all files of a folder. A path that does not exist adds nothing.
fn add(digest: &mut Context, path: &Path) -> Result<(), BuildError> {
    let failed = |source| file_error(path, source);
    if path.is_dir() {
        let entries = fs::read_dir(path).map_err(failed)?;
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>().map_err(failed)?;
        paths.sort();
        return paths.iter().try_for_each(|path| add(digest, path));
    }
    if path.is_file() {
        let content = fs::read(path).map_err(failed)?;
        for part in [path.as_os_str().as_encoded_bytes(), &content] {
            digest.update(&(part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    Ok(())
}

fn file_error(path: &Path, source: io::Error) -> BuildError {
    BuildError::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_changes_with_each_source() {
        let workspace = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = workspace.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let digest = || sources_digest(workspace.path()).unwrap();
        write("infra/console/src/pages/list.vue", "a");
        write("infra/openapi.yaml", "x");
        let first = digest();
        assert_eq!(digest(), first);
        write("infra/console/e2e/story.ts", "not a source");
        assert_eq!(digest(), first);
        write("infra/console/src/pages/list.vue", "b");
        let second = digest();
        assert_ne!(second, first);
        write("infra/openapi.yaml", "y");
        assert_ne!(digest(), second);
    }
}
