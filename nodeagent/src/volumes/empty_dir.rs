//! Directories that live as long as their pod.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::Path;

use super::mounts::mount_tmpfs;

/// Bits that a directory of a group's gets: its group may do all, and what is made in it is the group's.
const GROUP_DIRECTORY: u32 = 0o2770;
/// Mode of a directory on disk, and of a tmpfs.
const MODE: u32 = 0o777;
const TMPFS_MODE: u32 = 0o1777;

/// Makes a directory on disk that everyone may write to, the group's if one is given. One that is there stays as
/// it is.
pub(super) fn on_disk(path: &Path, mode: Option<u32>, group: Option<u32>) -> io::Result<()> {
    if fs::exists(path)? {
        return Ok(());
    }
    // under its final name a directory has its final owner and mode
    let unfinished = path.with_extension("unfinished");
    DirBuilder::new().recursive(true).mode(0o700).create(&unfinished)?;
    chown(&unfinished, None, group)?;
    fs::set_permissions(&unfinished, Permissions::from_mode(grouped(mode.unwrap_or(MODE), group)))?;
    fs::rename(&unfinished, path)
}

/// Makes a directory in memory that everyone may write to, of at most so many bytes.
pub(super) fn in_memory(
    path: &Path,
    mode: Option<u32>,
    group: Option<u32>,
    size: Option<u64>,
) -> io::Result<()> {
    fs::create_dir_all(path)?;
    let mut options = format!("mode={:o}", grouped(mode.unwrap_or(TMPFS_MODE), group));
    if let Some(group) = group {
        options.push_str(&format!(",gid={group}"));
    }
    if let Some(size) = size {
        options.push_str(&format!(",size={size}"));
    }
    mount_tmpfs(path, &options)
}

fn grouped(mode: u32, group: Option<u32>) -> u32 {
    if group.is_some() { mode | GROUP_DIRECTORY } else { mode }
}
