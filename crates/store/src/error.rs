//! What can go wrong.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Revision;

/// The errors of a store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The history that was asked for is gone: list again, then watch from the listing's revision.
    #[error("history before revision {oldest} is compacted")]
    Compacted {
        /// A watch after this revision, or a later known one, is still possible.
        oldest: Revision,
    },
    /// The revision does not exist yet.
    #[error("revision {asked} lies in the future; the current one is {current}")]
    FutureRevision {
        /// The revision that was asked for.
        asked: Revision,
        /// The current revision.
        current: Revision,
    },
    /// The watch fell behind the history that is kept, and has ended.
    #[error("the watch fell behind the history that is kept")]
    Lagged,
    /// The transaction exceeds a limit; nothing was written.
    #[error("transaction exceeds the limit of {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The most there may be of it.
        limit: usize,
    },
    /// The transaction breaks a rule of the contract; nothing was written.
    #[error("invalid transaction: {0}")]
    Invalid(&'static str),
    /// Stored data is damaged; the store refuses to open and has overwritten nothing.
    #[error("{file} is corrupt at offset {offset}: {what}")]
    Corrupt {
        /// The damaged file.
        file: String,
        /// Where in the file.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// Another process has the store open.
    #[error("{} is in use by process {}", path.display(), pid.map_or("(unknown)".to_owned(), |pid| pid.to_string()))]
    Locked {
        /// The directory of the store.
        path: PathBuf,
        /// The process that has it open, if it said so.
        pid: Option<u32>,
    },
    /// There is no store.
    #[error("there is no store in {}", path.display())]
    Absent {
        /// Where one was looked for.
        path: PathBuf,
    },
    /// Something is there that would be overwritten; nothing was.
    #[error("{} exists already", path.display())]
    Occupied {
        /// What exists.
        path: PathBuf,
    },
    /// The snapshot is one of another store than the one that it is to replace; nothing was written.
    #[error("the snapshot is one of another store than that in {}", path.display())]
    Foreign {
        /// The directory of the store.
        path: PathBuf,
    },
    /// The store refuses us, or is not to be trusted: trying again does not help.
    #[error("{0}")]
    Denied(String),
    /// The data was written in a format that this version does not read.
    #[error("{file} has format version {found}; this version reads {known}")]
    Format {
        /// The file.
        file: String,
        /// The format version found.
        found: u32,
        /// The format version understood.
        known: u32,
    },
    /// The storage failed under this very call; whether a commit took effect is unknown.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The failure.
        source: Arc<io::Error>,
    },
    /// An earlier failure of the storage has stopped all writes; this one was not done.
    #[error("the store is read-only since a failure: {reason}")]
    ReadOnly {
        /// The failure.
        reason: String,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The store cannot be reached now; whether a commit took effect is unknown.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

impl Error {
    /// An [`Error::Io`] that says what was being done.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io { what: what.into(), source: Arc::new(source) }
    }
}
