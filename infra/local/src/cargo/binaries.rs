//! The executables that Cargo built.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

/// Executables by the name of their Cargo target. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Binaries(Arc<RwLock<HashMap<String, PathBuf>>>);

/// An executable file.
#[derive(Clone, Debug)]
pub struct Binary {
    /// Path of the file.
    pub path: PathBuf,
    /// When the file was built.
    pub built_at: SystemTime,
}

impl FromIterator<(String, PathBuf)> for Binaries {
    fn from_iter<T: IntoIterator<Item = (String, PathBuf)>>(executables: T) -> Self {
        Self(Arc::new(RwLock::new(executables.into_iter().collect())))
    }
}

impl Binaries {
    /// The executable with this name, as it is on disk now.
    ///
    /// # Errors
    /// Returns an error if Cargo built no executable with this name, or its file no longer exists.
    pub fn find(&self, name: &str) -> io::Result<Binary> {
        let path = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let path = path.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("no binary is called {name}"))
        })?;
        let built_at = std::fs::metadata(&path)?.modified()?;
        Ok(Binary { path, built_at })
    }

    /// Adds the executables of another build, for all clones. They replace executables with the
    /// same name.
    pub(super) fn replace(&self, built: &Self) {
        let built = built.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(built);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_that_cargo_did_not_build_is_named() {
        let error = Binaries::default().find("clean-up").unwrap_err();
        assert_eq!(error.to_string(), "no binary is called clean-up");
    }
}
