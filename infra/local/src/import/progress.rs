//! The progress of an import.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Summary, report::rows_text};

/// The time between two lines of progress if the output is not a terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// The progress with its rate and the remaining time: a bar on a terminal, otherwise a line now and
/// then.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    shown: Instant,
    rows: usize,
}

impl Progress {
    pub(super) fn new(rows: usize) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            let style =
                ProgressStyle::with_template("{bar:40} {pos}/{len} rows  {per_sec}  {eta} left");
            ProgressBar::new(rows as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        } else {
            ProgressBar::hidden()
        };
        Self { bar, started: Instant::now(), shown: Instant::now(), rows }
    }

    pub(super) fn show(&mut self, summary: &Summary) {
        let done = summary.rows();
        self.bar.set_position(done as u64);
        if self.bar.is_hidden() && self.shown.elapsed() >= INTERVAL && done > 0 {
            self.shown = Instant::now();
            eprintln!("{}", line(done, self.rows, self.started.elapsed()));
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// One line about an import that has given `done` of `rows` rows a result in this time.
#[allow(clippy::cast_precision_loss, reason = "the rate is shown without decimals")]
fn line(done: usize, rows: usize, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64();
    let left = rows.saturating_sub(done) as f64 / rate;
    format!("{done} of {}, {rate:.0} per second, {left:.0} s left", rows_text(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remaining_time_follows_from_the_rate_so_far() {
        let after = Duration::from_secs;
        assert_eq!(line(300, 1_000, after(10)), "300 of 1000 rows, 30 per second, 23 s left");
        assert_eq!(line(1_000, 1_000, after(20)), "1000 of 1000 rows, 50 per second, 0 s left");
    }
}
