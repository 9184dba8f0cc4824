//! Small files of the kernel and the system.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Why a node's facts are not known.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// A file, or a file system, does not tell.
    #[error("{} is not readable", path.display())]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file says something else than was expected.
    #[error("{} is not understood", path.display())]
    Odd {
        /// Its path.
        path: PathBuf,
    },
}

/// No file of interest is larger.
const MOST: u64 = 1 << 20;

/// Files below a root.
pub(crate) struct Files<'a> {
    root: &'a Path,
}

impl<'a> Files<'a> {
    pub(crate) fn new(root: &'a Path) -> Self {
        Self { root }
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> Result<String, FactsError> {
        let path = self.root.join(path);
        let read = || {
            let mut bytes = Vec::new();
            std::fs::File::open(&path)?.take(MOST).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        read().map_err(|source| FactsError::Unreadable { path: path.clone(), source })
    }

    /// The text of a file of one line.
    pub(crate) fn line(&self, path: &str) -> Result<String, FactsError> {
        Ok(self.text(path)?.trim().to_owned())
    }

    /// The text of a file, empty where it is not readable.
    pub(crate) fn optional(&self, path: &str) -> String {
        self.line(path).unwrap_or_default()
    }

    /// Names in a directory, none where it is not readable.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.join(path)).into_iter().flatten();
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }

    /// A file that is not understood.
    pub(crate) fn odd(&self, path: &str) -> FactsError {
        FactsError::Odd { path: self.root.join(path) }
    }
}
