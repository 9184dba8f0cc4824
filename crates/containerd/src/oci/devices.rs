//! The host's devices, for privileged containers.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use nix::sys::stat::{major, minor};
use serde_json::{Value, json};

const DEEPEST: usize = 4;
const MOST: usize = 4096;
/// Not devices of the host, or a container's own.
const SKIPPED: [&str; 7] = ["pts", "shm", "fd", "mqueue", "console", ".lxc", ".udev"];

/// A device node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Device {
    path: String,
    kind: char,
    major: u64,
    minor: u64,
    mode: u32,
    uid: u32,
    gid: u32,
}

impl Device {
    /// As the specification writes it.
    pub fn json(&self) -> Value {
        json!({
            "path": self.path, "type": self.kind.to_string(), "major": self.major, "minor": self.minor,
            "fileMode": self.mode, "uid": self.uid, "gid": self.gid,
        })
    }
}

/// The nodes below `/dev`.
pub(crate) fn devices() -> Vec<Device> {
    let mut found = Vec::new();
    walk(Path::new("/dev"), 0, &mut found);
    found
}

fn walk(directory: &Path, depth: usize, found: &mut Vec<Device>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if found.len() >= MOST || SKIPPED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else { continue };
        let kind = metadata.file_type();
        if kind.is_dir() && depth < DEEPEST {
            walk(&path, depth + 1, found);
        } else if kind.is_char_device() || kind.is_block_device() {
            found.push(Device {
                path: path.to_string_lossy().into_owned(),
                kind: if kind.is_char_device() { 'c' } else { 'b' },
                major: major(metadata.rdev()),
                minor: minor(metadata.rdev()),
                mode: metadata.mode() & 0o7777,
                uid: metadata.uid(),
                gid: metadata.gid(),
            });
        }
    }
}
