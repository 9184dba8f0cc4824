//! Files into a tar stream.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Bytes that are written at once.
const BUFFER: usize = 64 * 1024;

/// Writes a file, or a directory with all that is in it, under another name. Links stay links.
pub(super) fn pack(source: &str, name: &str, to: impl Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(io::BufWriter::with_capacity(BUFFER, to));
    archive.follow_symlinks(false);
    // what is named itself is followed
    if fs::metadata(source)?.is_dir() {
        archive.append_dir_all(name, source)?;
    } else {
        let file = fs::canonicalize(source)?;
        archive.append_path_with_name(Path::new(&file), name)?;
    }
    archive.into_inner()?.flush()
}
