//! Builds the functions again when a source file changes.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::binaries::Binaries;
use super::progress::BuildProgress;
use crate::console::Console;

/// How often the source files are checked.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

impl Binaries {
    /// Builds again whenever a source file under `workspace` changes. This method never returns. If
    /// a binary was built again, its warm processes are replaced at their next event.
    pub async fn watch(self, workspace: PathBuf, console: Console) {
        let mut built = newest_source(&workspace);
        let template = workspace.join("template.yaml");
        let mut read = modified(&template);
        loop {
            tokio::time::sleep(WATCH_INTERVAL).await;
            let now = modified(&template);
            if now != read {
                read = now;
                console.note("template.yaml changed: stop and start `cargo run` to use it");
            }
            let newest = newest_source(&workspace);
            if newest == built {
                continue;
            }
            built = newest;
            console.note("a source file changed: building the functions");
            match Self::build(&workspace, &BuildProgress::hidden()).await {
                Ok(binaries) => {
                    self.replace(&binaries);
                    console.note("the functions are built and handle the next request");
                }
                Err(error) => console.note(&error.to_string()),
            }
        }
    }
}

/// The latest modification time of the Rust source files and manifests of the functions and their
/// shared crate.
fn newest_source(workspace: &Path) -> Option<SystemTime> {
    ["functions", "shared"].iter().filter_map(|folder| newest(&workspace.join(folder))).max()
}

fn modified(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).ok()?.modified().ok()
}

fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    entries
        .filter_map(|entry| {
            let kind = entry.file_type().ok()?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if kind.is_dir() {
                (name != "target").then(|| newest(&entry.path())).flatten()
            } else if name.ends_with(".rs") || name == "Cargo.toml" {
                entry.metadata().ok()?.modified().ok()
            } else {
                None
            }
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_source_counts() {
        let folder = tempfile::tempdir().unwrap();
        let sources = folder.path().join("shared/src");
        std::fs::create_dir_all(&sources).unwrap();
        assert_eq!(newest_source(folder.path()), None);
        std::fs::write(sources.join("lib.rs"), "").unwrap();
        let file = std::fs::File::options().write(true).open(sources.join("lib.rs")).unwrap();
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(5_000_000_000);
        file.set_modified(later).unwrap();
        std::fs::write(sources.join("notes.txt"), "").unwrap();
        assert_eq!(newest_source(folder.path()), Some(later));
    }
}
