//! The `cargo` command.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// Prefixes of the variables with which an outer Cargo describes the package that it runs.
const PACKAGE_VARIABLES: [&str; 4] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];

/// Cargo, as a shell would start it. The variables with which an outer Cargo (`cargo run`,
/// `cargo test`) describes its package are removed: some build scripts depend on them, so that
/// these packages and all their dependents would be compiled again at each change between the two.
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

/// `cargo build` in `workspace`. It prints JSON messages on standard output; on standard error it
/// prints progress and compiler messages, as [`super::messages`] parses them.
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
