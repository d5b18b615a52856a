//! The `cargo` command.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// Prefixes of the environment variables in which `cargo run` and `cargo test` describe their
/// package.
const PACKAGE_VARIABLES: [&str; 4] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];

/// Creates a Cargo command with the same environment as in a shell: it does not inherit the
/// variables in which `cargo run` and `cargo test` describe their package. Some build scripts
/// depend on these variables. If the variables were kept, Cargo would compile such packages and
/// their dependents again whenever a build from here follows a build from a shell.
#[must_use]
pub fn command() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if PACKAGE_VARIABLES.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Creates the command `cargo build` for `workspace`. It prints JSON messages on standard output,
/// and progress and compiler messages on standard error. [`super::messages`] parses both.
pub(super) fn build(workspace: &Path) -> Command {
    let mut command = command();
    command
        .args(["build", "--message-format=json-render-diagnostics"])
        .current_dir(workspace)
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "200")
        .env_remove("CARGO_TERM_QUIET")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
