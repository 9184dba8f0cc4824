//! Why a volume cannot be made or removed.

use std::io;
use std::path::PathBuf;

use crate::pod_config::Reason;

/// Why a volume cannot be made or removed.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// A volume cannot be made, in upstream's words where it has some.
    #[error("MountVolume.SetUp failed for volume {volume:?} : {why}")]
    SetUp {
        /// The volume.
        volume: String,
        /// What is wrong.
        why: String,
    },
    /// Something is still mounted, or cannot be deleted.
    #[error("removing {path}: {source}")]
    Remove {
        /// What.
        path: PathBuf,
        /// Why it stays.
        source: io::Error,
    },
}

impl VolumeError {
    /// Upstream's word for it, of an Event.
    pub fn reason(&self) -> Reason {
        Reason::FailedMount
    }

    pub(super) fn set_up(volume: &str, why: impl ToString) -> Self {
        Self::SetUp { volume: volume.to_owned(), why: why.to_string() }
    }
}
