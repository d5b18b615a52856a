//! The error for an invalid template.

/// The reason why a template cannot be used, as a message in one line.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Path of the file.
        path: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A line is invalid or not supported.
    #[error("line {line}: {message}")]
    Line {
        /// Number of the line, counted from 1.
        line: usize,
        /// A message with the resource, the property and the problem.
        message: String,
    },
}

impl TemplateError {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self::Line { line, message: message.into() }
    }
}
