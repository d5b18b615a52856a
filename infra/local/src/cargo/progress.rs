//! Shows the progress of a build on standard error: as a bar on a terminal, otherwise as plain
//! lines with a pause between two lines.

use std::fmt;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::messages::Line;

/// Pause between two plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(15);

/// How often the elapsed time of a bar is updated.
const BAR_INTERVAL: Duration = Duration::from_millis(250);

/// Whether the progress of a build is shown, and the text about the step that follows the build.
#[derive(Clone, Debug, Default)]
pub struct BuildProgress {
    next: Option<String>,
}

impl BuildProgress {
    /// Creates a value that shows no progress.
    #[must_use]
    pub fn hidden() -> Self {
        Self::default()
    }

    /// Creates a value that shows the progress on standard error. `next` is a sentence about the
    /// step that follows the build.
    #[must_use]
    pub fn stderr(next: impl Into<String>) -> Self {
        Self { next: Some(next.into()) }
    }

    /// Starts the display of one build.
    pub(super) fn start(&self) -> Display {
        let output = match &self.next {
            None => Output::Hidden,
            Some(next) => {
                eprintln!(
                    "Building the functions. The first build takes several minutes, later builds \
                     take seconds.\nNext: {next}"
                );
                if std::io::stderr().is_terminal() {
                    Output::Bar(spinner())
                } else {
                    Output::Lines { printed: Instant::now() }
                }
            }
        };
        Display { started: Instant::now(), latest: Latest::default(), output }
    }
}

/// The display of one build.
pub(super) struct Display {
    started: Instant,
    latest: Latest,
    output: Output,
}

enum Output {
    Hidden,
    Bar(ProgressBar),
    /// When the last line was printed.
    Lines {
        printed: Instant,
    },
}

/// The latest progress that Cargo reported.
#[derive(Debug, Default)]
struct Latest {
    /// Number of finished units and number of all units; `None` until Cargo has reported them.
    units: Option<(u64, u64)>,
    /// The units that are being compiled, or the latest status line.
    activity: String,
}

impl Display {
    /// Stores the progress that Cargo reported.
    pub(super) fn update(&mut self, line: &Line<'_>) {
        self.latest.update(line);
        if let Output::Bar(bar) = &self.output {
            if let Some((done, total)) = self.latest.units {
                if bar.length() != Some(total) {
                    bar.set_style(bar_style());
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
            bar.set_message(self.latest.activity.clone());
        }
    }

    /// Prints a plain line if one is due. Call this regularly: Cargo reports nothing while a single
    /// crate compiles.
    pub(super) fn tick(&mut self) {
        if let Output::Lines { printed } = &mut self.output
            && printed.elapsed() >= LINE_INTERVAL
        {
            *printed = Instant::now();
            eprintln!("  {}: {}", Elapsed(self.started.elapsed()), self.latest);
        }
    }

    /// Ends the display of a successful build.
    pub(super) fn finish(self) {
        match &self.output {
            Output::Hidden => return,
            Output::Bar(bar) => bar.finish_and_clear(),
            Output::Lines { .. } => {}
        }
        eprintln!("The functions are built ({}).", Elapsed(self.started.elapsed()));
    }
}

impl Drop for Display {
    /// Removes the bar of a failed build, so that it does not mix with the error message.
    fn drop(&mut self) {
        if let Output::Bar(bar) = &self.output {
            bar.finish_and_clear();
        }
    }
}

impl Latest {
    fn update(&mut self, line: &Line<'_>) {
        match line {
            Line::Progress(progress) => {
                self.units = Some((progress.done, progress.total));
                progress.current.clone_into(&mut self.activity);
            }
            // The progress bar contains all crates that are being compiled now. A status line
            // contains only the crate that was started last.
            Line::Status(status) if self.units.is_none() => {
                (*status).clone_into(&mut self.activity);
            }
            Line::Status(_) | Line::Diagnostic(_) => {}
        }
    }
}

impl fmt::Display for Latest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.units, self.activity.as_str()) {
            (None, "") => formatter.write_str("starting cargo"),
            (None, status) => formatter.write_str(status),
            (Some((done, total)), "") => write!(formatter, "{done} of {total} units are built"),
            (Some((done, total)), current) => {
                write!(formatter, "{done} of {total} units are built, compiling {current}")
            }
        }
    }
}

/// Displays an elapsed time, such as `15 s` or `4 min 20 s`.
struct Elapsed(Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds / 60 {
            0 => write!(formatter, "{seconds} s"),
            minutes => write!(formatter, "{minutes} min {} s", seconds % 60),
        }
    }
}

/// The display while the number of units is unknown.
fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {elapsed}  {wide_msg}");
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(BAR_INTERVAL);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

fn bar_style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} units  {elapsed}  {wide_msg}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::super::messages::parse;
    use super::*;

    #[test]
    fn the_latest_progress_is_described_in_one_line() {
        let mut latest = Latest::default();
        assert_eq!(latest.to_string(), "starting cargo");
        let mut update = |line: &str| {
            latest.update(&parse(line).unwrap());
            latest.to_string()
        };
        let waiting = "Blocking waiting for file lock on build directory";
        assert_eq!(update(&format!("    {waiting}")), waiting);
        assert_eq!(
            update("    Building [=>   ] 123/574: aws-sdk-s3, dynoxide-rs"),
            "123 of 574 units are built, compiling aws-sdk-s3, dynoxide-rs"
        );
        let unchanged = update("   Compiling shared v0.1.0 (/project/shared)");
        assert_eq!(unchanged, update("warning: unused variable: `x`"));
        assert_eq!(update("    Building [====>] 574/574"), "574 of 574 units are built");
    }

    #[test]
    fn elapsed_times_are_shown_in_minutes_and_seconds() {
        let text = |seconds| Elapsed(Duration::from_secs(seconds)).to_string();
        assert_eq!((text(15).as_str(), text(260).as_str()), ("15 s", "4 min 20 s"));
    }
}
