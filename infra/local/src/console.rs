//! The printed output of the local cloud: a banner, one line per invocation, warnings and errors.
//! It never contains a payload.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::record::InvocationCost;

const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// A finished invocation, to be shown as one line.
#[derive(Clone, Copy, Debug)]
pub struct InvocationLine<'a> {
    /// Logical id of the function.
    pub function: &'a str,
    /// `ok`, or the kind of the failure.
    pub status: &'a str,
    /// Time from the delivery of the event to the response.
    pub duration: Duration,
    /// Time of the initialization; `None` if a warm process handled the event.
    pub init: Option<Duration>,
    /// The AWS calls and the capacity of the invocation.
    pub cost: InvocationCost,
}

/// The output of the local cloud. Clones share it.
#[derive(Clone)]
pub struct Console {
    out: Arc<Mutex<Box<dyn Write + Send>>>,
    colored: bool,
    verbose: bool,
}

impl Console {
    /// Creates a console that prints to standard output, with colors if it is a terminal.
    #[must_use]
    pub fn stdout() -> Self {
        Self::to(std::io::stdout(), std::io::stdout().is_terminal())
    }

    /// Creates a console that prints nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self::to(std::io::sink(), false)
    }

    /// Creates a console that prints to the writer `out`.
    pub fn to(out: impl Write + Send + 'static, colored: bool) -> Self {
        Self { out: Arc::new(Mutex::new(Box::new(out))), colored, verbose: false }
    }

    /// If `verbose` is true, shows every line that functions print. Otherwise, shows only warnings
    /// and errors.
    #[must_use]
    pub fn verbose(self, verbose: bool) -> Self {
        Self { verbose, ..self }
    }

    /// Whether every line that functions print is shown.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Prints one line about a finished invocation.
    pub fn invocation(&self, line: &InvocationLine<'_>) {
        let text = render(line);
        let style = if line.status == "ok" { "" } else { RED };
        self.line(&self.styled(style, &text));
    }

    /// Prints one line about an event that exceeds the concurrency limit of its function.
    pub fn throttled(&self, function: &str) {
        self.line(&self.styled(RED, &format!("{function:<16} throttled")));
    }

    /// Prints one line about an invocation that Lambda would drop as part of an endless loop.
    pub fn recursion_dropped(&self, function: &str) {
        self.line(&self.styled(RED, &format!("{function:<16} dropped: endless loop")));
    }

    /// Prints a line of a function's output.
    pub fn function_line(&self, function: &str, line: &str) {
        self.line(&self.styled(DIM, &format!("{function}: {line}")));
    }

    /// Prints a message of the local cloud itself.
    pub fn note(&self, text: &str) {
        self.line(text);
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.colored && !style.is_empty() {
            format!("{style}{text}{PLAIN}")
        } else {
            text.to_owned()
        }
    }

    /// Prints a line. Errors are ignored: a closed pipe must not stop the local cloud.
    fn line(&self, text: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }
}

fn render(line: &InvocationLine<'_>) -> String {
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    let mut text = format!(
        "{:<16} {:<10} {:>9.1} ms",
        line.function,
        line.status,
        milliseconds(line.duration)
    );
    let start = line
        .init
        .map_or_else(|| "warm".to_owned(), |init| format!("cold {:.0} ms", milliseconds(init)));
    let InvocationCost { calls, read_units, write_units } = line.cost;
    let noun = if calls == 1 { "call" } else { "calls" };
    // Writing to a string cannot fail.
    let _ =
        write!(text, "  {start:<12} {calls:>3} AWS {noun:<5}  {read_units} RCU  {write_units} WCU");
    text
}

#[cfg(test)]
mod buffer {
    use super::*;

    /// The output of a console in a test.
    #[derive(Clone, Default)]
    pub(crate) struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Buffer {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Console {
        pub(crate) fn buffered() -> (Self, Buffer) {
            let buffer = Buffer::default();
            (Self::to(buffer.clone(), false), buffer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_is_one_line() {
        let (console, shown) = Console::buffered();
        let cost = InvocationCost { calls: 3, read_units: 1.5, write_units: 0.0 };
        let warm = InvocationLine {
            function: "ContactList",
            status: "ok",
            duration: Duration::from_micros(12_345),
            init: None,
            cost,
        };
        console.invocation(&warm);
        console.invocation(&InvocationLine {
            status: "timeout",
            init: Some(Duration::from_millis(41)),
            ..warm
        });
        insta::assert_snapshot!(shown.text(), @r"
        ContactList      ok              12.3 ms  warm           3 AWS calls  1.5 RCU  0 WCU
        ContactList      timeout         12.3 ms  cold 41 ms     3 AWS calls  1.5 RCU  0 WCU
        ");
    }
}
