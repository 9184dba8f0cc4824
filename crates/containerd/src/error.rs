//! What can go wrong.

use std::io;
use std::path::PathBuf;

use tonic::{Code, Status};

use crate::reference::InvalidReference;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was named does not exist.
    #[error("{0}: not found")]
    NotFound(String),
    /// containerd does not answer; worth trying again.
    #[error("containerd is not reachable: {0}")]
    Unavailable(String),
    /// An image archive is not one, or is damaged. Nothing of it was kept.
    #[error("{}: {}", path.display(), one_line(reason))]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An image cannot be had from its registry.
    #[error("failed to pull and unpack image {image:?}: {reason}")]
    Pull {
        /// Its full name.
        image: String,
        /// Why not.
        reason: String,
    },
    /// An image's name is not one.
    #[error(transparent)]
    Reference(#[from] InvalidReference),
    /// An image's content cannot be used.
    #[error("image {image}: {reason}")]
    Image {
        /// The image.
        image: String,
        /// Why not.
        reason: String,
    },
    /// A container cannot be made as asked.
    #[error("{0}")]
    Spec(String),
    /// A process could not be started in a container; the runtime's own words.
    #[error("{0}")]
    Exec(String),
    /// containerd refused, or the runtime below it.
    #[error("{what}: {message}")]
    Rpc {
        /// What was asked.
        what: String,
        /// The answer.
        message: String,
    },
    /// A file operation of ours.
    #[error("{what}: {source}")]
    Io {
        /// What was done to which file.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// The error of a call that did `what`.
    pub(crate) fn rpc(what: impl Into<String>, status: Status) -> Error {
        let (what, message) = (what.into(), status.message().to_owned());
        match status.code() {
            Code::NotFound => Error::NotFound(what),
            Code::Unavailable => Error::Unavailable(message),
            // The connection broke while the call was under way: what containerd itself says has no cause.
            _ if std::error::Error::source(&status).is_some() => Error::Unavailable(message),
            _ => Error::Rpc { what, message },
        }
    }

    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Error {
        Error::Io { what: what.into(), source }
    }
}

/// The text with its control characters escaped: what is wrong with a file may quote the file.
fn one_line(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// Takes `code` as success: for operations that may be done already.
pub(crate) fn accept<T: Default>(
    result: Result<tonic::Response<T>, Status>,
    code: Code,
    what: impl FnOnce() -> String,
) -> Result<T, Error> {
    match result {
        Ok(response) => Ok(response.into_inner()),
        Err(status) if status.code() == code => Ok(T::default()),
        Err(status) => Err(Error::rpc(what(), status)),
    }
}
