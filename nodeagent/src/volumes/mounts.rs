//! Mounts of this mount namespace.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// The kernel's list, of the calling thread.
const MOUNTINFO: &str = "/proc/thread-self/mountinfo";

/// Mount points at or below a path, in the order of mounting.
pub(super) fn mounts_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mounts = std::fs::read(MOUNTINFO)?;
    let points = mounts.split(|byte| *byte == b'\n').filter_map(mount_point);
    Ok(points.filter(|point| point.starts_with(&path)).collect())
}

/// Whether something is mounted right here.
pub(super) fn is_mount_point(path: &Path) -> io::Result<bool> {
    let below = mounts_below(path)?;
    Ok(!below.is_empty() && below.contains(&path.canonicalize()?))
}

/// The fifth field of a line, unescaped.
fn mount_point(line: &[u8]) -> Option<PathBuf> {
    let field = line.split(|byte| *byte == b' ').nth(4)?;
    let mut point = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        match (*first, octal(after)) {
            (b'\\', Some(byte)) => {
                point.push(byte);
                rest = &after[3..];
            }
            _ => {
                point.push(*first);
                rest = after;
            }
        }
    }
    Some(PathBuf::from(OsString::from_vec(point)))
}

/// Three octal digits at the start.
fn octal(text: &[u8]) -> Option<u8> {
    let digits = text.get(..3)?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

/// Mounts a tmpfs with these options, unless something is mounted there already.
pub fn mount_tmpfs(target: &Path, options: &str) -> io::Result<()> {
    if is_mount_point(target)? {
        return Ok(());
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    Ok(mount(Some("tmpfs"), target, Some("tmpfs"), flags, Some(options))?)
}

/// Shows a file or directory at another place; submounts do not come along.
pub(super) fn bind(source: &Path, target: &Path) -> io::Result<()> {
    Ok(mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)?)
}

/// Unmounts. `lazily`, it goes even while it is in use.
pub(super) fn unmount(target: &Path, lazily: bool) -> io::Result<()> {
    let lazy = if lazily { MntFlags::MNT_DETACH } else { MntFlags::empty() };
    Ok(umount2(target, MntFlags::UMOUNT_NOFOLLOW | lazy)?)
}

#[cfg(test)]
mod tests {
    use super::mount_point;

    #[test]
    fn reads_escaped_paths() {
        let line = br"36 35 98:0 / /mnt/a\040b\134c rw,noatime - ext3 /dev/root rw";
        assert_eq!(mount_point(line).as_deref(), Some(r"/mnt/a b\c".as_ref()));
        assert_eq!(mount_point(b""), None);
        assert_eq!(mount_point(br"1 2 3:4 / /x\0 rw").as_deref(), Some(r"/x\0".as_ref()));
    }
}
