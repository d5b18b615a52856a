//! The layout of the data under `--data`. Data of another layout is refused: the functions would
//! read entries that mean something else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use shared::table::LAYOUT;

/// Name of the file under `--data` that contains the table.
pub(super) const TABLE_FILE: &str = "table.sqlite";
/// Name of the file under `--data` that contains the number of the layout.
const FILE: &str = "layout";

/// The reason why a data folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The folder, or a file in it, cannot be read or written.
    #[error("the data folder {folder} cannot be read or written: {source}")]
    Io {
        /// The data folder.
        folder: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another version of the service wrote the data.
    #[error(
        "the data in {folder} has the {found}, but this version of the service uses layout {LAYOUT} and cannot convert it; choose another folder with --data, or delete {folder} to start without data"
    )]
    Other {
        /// The data folder.
        folder: PathBuf,
        /// The layout of the data.
        found: String,
    },
}

/// Checks that the data folder is empty or has the current layout. In an empty folder, stores the
/// number of the layout, and creates the folder if it does not exist.
pub(crate) fn check(folder: &Path) -> Result<(), LayoutError> {
    let failed = |source| LayoutError::Io { folder: folder.to_owned(), source };
    let other = |found: String| LayoutError::Other { folder: folder.to_owned(), found };
    let file = folder.join(FILE);
    match fs::read_to_string(&file) {
        Ok(text) if text.trim() == LAYOUT.to_string() => Ok(()),
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(found) if found > LAYOUT => Err(other(format!("newer layout {found}"))),
            Ok(found) => Err(other(format!("older layout {found}"))),
            Err(_) => Err(other("unknown layout of a changed `layout` file".to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if folder.join(TABLE_FILE).exists() {
                return Err(other("layout of an older version".to_owned()));
            }
            fs::create_dir_all(folder).map_err(failed)?;
            fs::write(&file, format!("{LAYOUT}\n")).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(folder: &Path) -> String {
        check(folder).unwrap_err().to_string()
    }

    #[test]
    fn a_new_folder_is_created_and_its_layout_is_accepted_again() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("state");
        assert!(check(&folder).is_ok() && check(&folder).is_ok());
        assert_eq!(fs::read_to_string(folder.join(FILE)).unwrap(), format!("{LAYOUT}\n"));
    }

    #[test]
    fn data_of_another_layout_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::write(folder.join(TABLE_FILE), "").unwrap();
        let shown = folder.display();
        assert_eq!(
            message(folder),
            format!(
                "the data in {shown} has the layout of an older version, but this version of the service uses layout {LAYOUT} and cannot convert it; choose another folder with --data, or delete {shown} to start without data"
            )
        );
        assert!(!folder.join(FILE).exists(), "the folder is not changed");
        for (number, found) in [
            ((LAYOUT - 1).to_string(), "older layout"),
            ((LAYOUT + 1).to_string(), "newer layout"),
            ("x".to_owned(), "unknown layout"),
        ] {
            fs::write(folder.join(FILE), number).unwrap();
            assert!(message(folder).contains(found), "{}", message(folder));
        }
    }
}
