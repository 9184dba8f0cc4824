//! Paths of the host.

use std::fs::{self, DirBuilder, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt};

use k8s_openapi::api::core::v1::HostPathVolumeSource;

/// Makes what the volume's type says shall be made, and checks that the path is what it says. The error is
/// upstream's text.
///
/// A volume without a type is not checked; a missing directory is made, as container runtimes do.
pub(super) fn set_up(source: &HostPathVolumeSource) -> Result<(), String> {
    let path = &source.path;
    if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(format!("hostPath {path:?} must be an absolute path without '..'"));
    }
    let kind = source.type_.as_deref().unwrap_or_default();
    match kind {
        "" | "DirectoryOrCreate" => make_directory(path),
        "FileOrCreate" => make_file(path),
        _ => Ok(()),
    }
    .map_err(|error| format!("hostPath {path}: {error}"))?;
    let (is, name): (fn(&Metadata) -> bool, &str) = match kind {
        "" => return Ok(()),
        "Directory" | "DirectoryOrCreate" => (Metadata::is_dir, "a directory"),
        "File" | "FileOrCreate" => (Metadata::is_file, "a file"),
        "Socket" => (|m| m.file_type().is_socket(), "a socket file"),
        "CharDevice" => (|m| m.file_type().is_char_device(), "a character device"),
        "BlockDevice" => (|m| m.file_type().is_block_device(), "a block device"),
        other => return Err(format!("{other} is an invalid volume type")),
    };
    match fs::metadata(path) {
        Ok(metadata) if is(&metadata) => Ok(()),
        _ => Err(format!("hostPath type check failed: {path} is not {name}")),
    }
}

fn make_directory(path: &str) -> io::Result<()> {
    if fs::exists(path)? {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

fn make_file(path: &str) -> io::Result<()> {
    if fs::exists(path)? {
        return Ok(());
    }
    OpenOptions::new().write(true).create_new(true).mode(0o644).open(path).map(drop)
}

#[cfg(test)]
mod tests;
