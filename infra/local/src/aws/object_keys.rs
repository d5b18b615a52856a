//! The keys of the objects. S3 keys can have 1,024 bytes in any script, but names in a file system
//! have at most 255. An object is therefore stored under a hash of its key, and its key is kept in a
//! small file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use shared::hash::sha256;

/// The number of characters of the hash that names an object: 128 bits.
const NAME_LENGTH: usize = 32;

/// Finds the stored name of a key, and the key of a stored name.
pub(super) struct ObjectKeys {
    root: PathBuf,
}

impl ObjectKeys {
    /// Keeps the keys in the folder `root`.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The name under which the object with this key is stored.
    pub(super) fn name(key: &str) -> String {
        let mut name = sha256(key);
        name.truncate(NAME_LENGTH);
        name
    }

    /// Keeps the key of an object that is about to be stored, and returns the object's name.
    pub(super) fn keep(&self, bucket: &str, key: &str) -> io::Result<String> {
        let name = Self::name(key);
        let file = self.file(bucket, &name);
        if !file.exists() {
            fs::create_dir_all(self.root.join(bucket))?;
            fs::write(file, key)?;
        }
        Ok(name)
    }

    /// Forgets the key of an object that was deleted.
    pub(super) fn forget(&self, bucket: &str, key: &str) {
        // If the file stays, it names an object that does not exist, and no list shows it.
        let _ = fs::remove_file(self.file(bucket, &Self::name(key)));
    }

    /// The key of the object with this name; `None` if it was deleted.
    pub(super) fn key(&self, bucket: &str, name: &str) -> Option<String> {
        fs::read_to_string(self.file(bucket, name)).ok()
    }

    fn file(&self, bucket: &str, name: &str) -> PathBuf {
        self.root.join(bucket).join(name)
    }
}
