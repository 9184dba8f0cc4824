//! Takes a pod's directory away.

use std::fs;
use std::io;
use std::path::Path;

use super::error::VolumeError;
use super::mounts::{mounts_below, unmount};
use crate::pod_config::PodDirs;

/// Unmounts everything below a pod's directory and deletes it. What was mounted there is not touched, nor is
/// what links point to. Nothing to remove is success.
///
/// # Errors
/// Where a mount is still in use, or something cannot be deleted; then nothing behind a mount was touched.
pub fn remove(dirs: &PodDirs) -> Result<(), VolumeError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| VolumeError::Remove { path, source }
    };
    let root = dirs.root();
    for point in mounts_below(root).map_err(failed(root))?.iter().rev() {
        unmount(point, false).map_err(failed(point))?;
    }
    if let Some(left) = mounts_below(root).map_err(failed(root))?.first() {
        return Err(failed(left)(io::ErrorKind::ResourceBusy.into()));
    }
    match fs::remove_dir_all(root) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(root)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
