//! The printed report of the demo.

use std::fmt::Display;

use serde_json::Value;

use super::error::DemoError;

/// Largest number of characters of a response that are printed.
const SHOWN: usize = 600;

/// Prints the steps of the demo and counts the checks.
#[derive(Debug, Default)]
pub struct Report {
    step: usize,
    checks: usize,
}

impl Report {
    /// Creates an empty report.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Prints the title of a step.
    pub fn step(&mut self, what: impl Display) {
        self.step += 1;
        println!("\n{}. {what}", self.step);
    }

    /// Prints a call and its response. A long response is shortened.
    pub fn show(&self, call: &str, response: &Value) {
        let text = response.to_string();
        let shown: String = text.chars().take(SHOWN).collect();
        let more = if shown.len() < text.len() { " …" } else { "" };
        println!("   {call}\n   → {shown}{more}");
    }

    /// Prints a check that passed.
    ///
    /// # Errors
    /// Returns [`DemoError::Check`] if the check failed.
    pub fn check(&mut self, passed: bool, what: impl Display) -> Result<(), DemoError> {
        if passed {
            self.checks += 1;
            println!("   ✓ {what}");
            Ok(())
        } else {
            Err(DemoError::Check(format!("step {}, failed check: {what}", self.step)))
        }
    }

    /// Prints the summary of a successful demo.
    pub fn end(&self) {
        println!("\nThe demo is complete: {} steps, all {} checks passed.", self.step, self.checks);
    }
}
