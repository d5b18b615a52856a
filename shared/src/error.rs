//! Formats an error together with all its causes. All log lines about errors use this format.

use std::{
    error::Error,
    fmt::{self, Display},
};

/// An error and its causes on one line, starting with the outermost one: `the export failed:
/// UploadPart failed: AccessDenied`.
///
/// A cause is left out if the text before it already ends with it, because some errors quote their
/// cause.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

/// Returns the error with its causes, for a field of a log line. Every log line about an error must
/// use this function.
#[must_use]
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = self.0.to_string();
        f.write_str(&written)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !written.ends_with(&text) {
                write!(f, ": {text}")?;
                written = text;
            }
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Outer {
        #[error("the file could not be written")]
        Silent(#[source] Inner),
        #[error("the file could not be written: {0}")]
        Quoting(#[source] Inner),
        #[error(transparent)]
        Transparent(Inner),
    }

    #[derive(Debug, thiserror::Error)]
    #[error("row 3 failed")]
    struct Inner(#[source] io::Error);

    fn inner() -> Inner {
        Inner(io::Error::from(io::ErrorKind::StorageFull))
    }

    #[test]
    fn a_chain_contains_every_cause_once() {
        let full = "the file could not be written: row 3 failed: no storage space";
        assert_eq!(chain(&Outer::Silent(inner())).to_string(), full);
        assert_eq!(chain(&Outer::Quoting(inner())).to_string(), full);
        assert_eq!(
            chain(&Outer::Transparent(inner())).to_string(),
            "row 3 failed: no storage space"
        );
    }
}
