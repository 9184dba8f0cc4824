//! Parts of volumes, mounted by themselves.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, mkdirat};

use super::mounts::{bind, is_mount_point, unmount};
use crate::pod_config::SubPath;

/// Mounts a part of a volume at its target; what is missing is made, as directories with the permissions of the
/// volume. Again it mounts what is there now.
///
/// Containers write to volumes, so each step is taken within the volume, by the kernel: links out of it, and
/// absolute ones, fail, whoever changes them in between.
pub fn bind_sub_path(part: &SubPath) -> io::Result<()> {
    let found = open_within(part)?;
    let is_directory = fstat(&found)?.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits();
    make_target(part, is_directory)?;
    bind(&PathBuf::from(format!("/proc/thread-self/fd/{}", found.as_raw_fd())), &part.target)
}

fn open_within(part: &SubPath) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = open(&part.root, flags, Mode::empty())?;
    let permissions = Mode::from_bits_truncate(fs::metadata(&part.root)?.mode() & 0o7777);
    let mut reached = String::from(".");
    let mut here = open_beneath(&root, &reached)?;
    for name in part.path.split('/').filter(|name| !name.is_empty() && *name != ".") {
        let path = format!("{reached}/{name}");
        here = match open_beneath(&root, &path) {
            Err(Errno::ENOENT) => {
                make_directory(&here, name, permissions)?;
                open_beneath(&root, &path)?
            }
            opened => opened?,
        };
        reached = path;
    }
    Ok(here)
}

/// Opens a path that stays below the root at every link.
fn open_beneath(root: impl AsFd, path: &str) -> nix::Result<OwnedFd> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC).resolve(resolve);
    openat2(root, path, how)
}

fn make_directory(parent: &OwnedFd, name: &str, permissions: Mode) -> io::Result<()> {
    match mkdirat(parent, name, Mode::S_IRWXU) {
        Ok(()) => {}
        Err(Errno::EEXIST) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let made = openat(parent, name, flags, Mode::empty())?;
    Ok(fchmod(&made, permissions)?)
}

/// An empty directory or file to mount upon.
fn make_target(part: &SubPath, directory: bool) -> io::Result<()> {
    let target = &part.target;
    while fs::exists(target)? && is_mount_point(target)? {
        unmount(target, true)?;
    }
    if fs::exists(target)? && target.is_dir() != directory {
        if directory { fs::remove_file(target)? } else { fs::remove_dir(target)? }
    }
    if directory {
        return fs::create_dir_all(target);
    }
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::OpenOptions::new().append(true).create(true).open(target).map(drop)
}

#[cfg(test)]
mod tests;
