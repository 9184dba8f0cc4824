//! Why control groups cannot be had.

use std::io;
use std::path::PathBuf;

/// Why control groups cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// No hierarchy is mounted.
    #[error("no cgroup hierarchy is mounted")]
    None,
    /// The kernel does not offer a controller that limits need.
    #[error("the cgroup controller {0:?} is not available")]
    Controller(&'static str),
    /// A name cannot be part of a path.
    #[error("{0:?} cannot be the name of a cgroup")]
    Name(String),
    /// A file or directory refused.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl CgroupError {
    pub(super) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
