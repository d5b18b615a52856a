use std::fmt::Display;

use serde_json::Value;

use super::DemoError;

/// The most characters of an answer that are printed.
const SHOWN: usize = 600;

/// Prints the story, step by step, and counts what was checked.
#[derive(Debug, Default)]
pub struct Report {
    step: usize,
    checks: usize,
}

impl Report {
    /// Nothing told yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a step.
    pub fn step(&mut self, what: impl Display) {
        self.step += 1;
        println!("\n{}. {what}", self.step);
    }

    /// Shows an answer, shortened.
    pub fn show(&self, call: &str, answer: &Value) {
        let text = answer.to_string();
        let shown: String = text.chars().take(SHOWN).collect();
        let more = if shown.len() < text.len() { " …" } else { "" };
        println!("   {call}\n   → {shown}{more}");
    }

    /// Says that something is right, or ends the story.
    ///
    /// # Errors
    /// [`DemoError::Check`] when it is not.
    pub fn check(&mut self, right: bool, what: impl Display) -> Result<(), DemoError> {
        if right {
            self.checks += 1;
            println!("   ✓ {what}");
            Ok(())
        } else {
            Err(DemoError::Check(format!("step {}: not so: {what}", self.step)))
        }
    }

    /// Ends the story.
    pub fn end(&self) {
        println!("\nThe story is told: {} steps, {} checks, all right.", self.step, self.checks);
    }
}
