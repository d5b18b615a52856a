//! Builds the function binaries.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::{MissedTickBehavior, interval};

use super::binaries::Binaries;
use super::command;
use super::messages::{self, Line};
use super::progress::{BuildProgress, Display};

/// How often the display of the progress is updated when Cargo prints nothing.
const TICK: Duration = Duration::from_secs(1);

/// The reason why the function binaries could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Cargo could not be started, or its output could not be read.
    #[error("cargo cannot be run: {0}")]
    Cargo(#[from] io::Error),
    /// The build failed. The text contains the messages of the compiler.
    #[error("the functions do not build:\n{0}")]
    Failed(String),
}

impl Binaries {
    /// Builds the binaries of the default members of `workspace`, with the Cargo profile of this
    /// program.
    ///
    /// # Errors
    /// Returns [`BuildError::Failed`] with the messages of the compiler if the build fails.
    pub async fn build(workspace: &Path, progress: &BuildProgress) -> Result<Self, BuildError> {
        let mut build = command::build(workspace);
        build.arg("--bins");
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        run(build, progress).await
    }

    /// Builds the binaries of these packages of `workspace` as for a deployment. Other packages are
    /// not built, because a build of the whole workspace would enable features that only the
    /// emulators need.
    ///
    /// # Errors
    /// Returns [`BuildError::Failed`] with the messages of the compiler if the build fails.
    pub async fn build_release(
        workspace: &Path,
        packages: impl IntoIterator<Item = &str>,
        progress: &BuildProgress,
    ) -> Result<Self, BuildError> {
        let mut build = command::build(workspace);
        build.args(["--release", "--bins"]);
        for package in packages {
            build.args(["--package", package]);
        }
        run(build, progress).await
    }
}

/// Runs a build until it ends and returns its executables.
async fn run(mut build: Command, progress: &BuildProgress) -> Result<Binaries, BuildError> {
    let mut display = progress.start();
    let mut child = build.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let messages = async {
        let mut messages = Vec::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut messages).await?;
        }
        Ok::<_, io::Error>(messages)
    };
    let diagnostics = async {
        match stderr {
            Some(stderr) => follow(stderr, &mut display).await,
            None => Ok(String::new()),
        }
    };
    let (messages, diagnostics) = tokio::try_join!(messages, diagnostics)?;
    if !child.wait().await?.success() {
        return Err(BuildError::Failed(diagnostics.trim_end().to_owned()));
    }
    display.finish();
    Ok(messages::executables(&messages).collect())
}

/// Reads Cargo's standard error until it ends, and shows the progress. Returns the messages of the
/// compiler.
async fn follow(mut stderr: impl AsyncRead + Unpin, display: &mut Display) -> io::Result<String> {
    let mut diagnostics = String::new();
    let mut buffer = Vec::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let read = tokio::select! {
            read = stderr.read_buf(&mut buffer) => read?,
            _ = ticks.tick() => {
                display.tick();
                continue;
            }
        };
        // The progress bar ends with a carriage return; every other line ends with a line feed.
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
        while let Some(end) = buffer.iter().position(ends) {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            take(&line, display, &mut diagnostics);
        }
        if read == 0 {
            take(&buffer, display, &mut diagnostics);
            return Ok(diagnostics);
        }
    }
}

fn take(line: &[u8], display: &mut Display, diagnostics: &mut String) {
    let text = String::from_utf8_lossy(line);
    match messages::parse(&text) {
        // Empty lines separate messages of the compiler.
        None if line.ends_with(b"\n") => diagnostics.push('\n'),
        None => {}
        Some(Line::Diagnostic(text)) => {
            diagnostics.push_str(text);
            diagnostics.push('\n');
        }
        Some(line) => display.update(&line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_messages_of_the_compiler_are_kept_without_the_progress() {
        let stderr = "   Compiling shared v0.1.0 (/project/shared)\n\
            \x20   Building [=>   ] 1/3: shared      \rerror: expected `;`\n --> lib.rs:1:2\n\
            \n    Building [==>  ] 2/3: shared      \rwarning: build failed\n";
        let mut display = BuildProgress::hidden().start();
        let diagnostics = follow(stderr.as_bytes(), &mut display).await.unwrap();
        assert_eq!(diagnostics, "error: expected `;`\n --> lib.rs:1:2\n\nwarning: build failed\n");
    }
}
