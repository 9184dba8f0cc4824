//! The files of one log: the one that is written, and those it was renamed to before, oldest first.
//!
//! A file is known by its inode, for its name changes while it is read.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A file's identity.
pub(crate) type Inode = (u64, u64);

/// Most rotated files that are looked at: whoever rotates keeps far fewer.
const FILES: usize = 1000;

/// An open file of a log.
#[derive(Debug)]
pub(crate) struct LogFile {
    pub file: File,
    pub inode: Inode,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let Some(file) = present(File::open(path))? else { return Ok(None) };
        let meta = file.metadata()?;
        Ok(Some(Self { file, inode: (meta.dev(), meta.ino()) }))
    }

    /// Its present size in bytes.
    pub(crate) fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

/// The files of the log at `path`, oldest first.
pub(crate) fn all(path: &Path) -> io::Result<Vec<LogFile>> {
    // the current one first: when it is renamed meanwhile, it stands among the rotated ones too, and is not lost
    let current = LogFile::open(path)?;
    let mut files = Vec::new();
    for path in rotated(path)? {
        let file = LogFile::open(&path)?;
        files.extend(file.filter(|file| current.as_ref().is_none_or(|current| current.inode != file.inode)));
    }
    files.extend(current);
    Ok(files)
}

/// The file that was written after the one of this inode, or the oldest where there was none before; none where
/// nothing was written since.
pub(crate) fn successor(path: &Path, of: Option<Inode>) -> io::Result<Option<LogFile>> {
    let current = present(fs::metadata(path))?.map(|meta| (meta.dev(), meta.ino()));
    if of.is_some() && current == of {
        return Ok(None);
    }
    // looked at after the current one: a file that is not current any more is found here, or was removed
    let mut files = Vec::new();
    for path in rotated(path)? {
        let Some(meta) = present(fs::metadata(&path))? else { continue };
        files.push((path, (meta.dev(), meta.ino())));
    }
    if let Some(current) = current
        && files.iter().all(|(_, inode)| *inode != current)
    {
        files.push((path.to_owned(), current));
    }
    // what is removed was older than all that is left
    let next = files.iter().position(|(_, inode)| Some(*inode) == of).map_or(0, |at| at + 1);
    let Some((path, inode)) = files.get(next) else { return Ok(None) };
    // renamed meanwhile: the next look finds it
    Ok(LogFile::open(path)?.filter(|file| file.inode == *inode))
}

/// The rotated files of a log: its name with a dot and a stamp behind it. Stamps sort by age. What is compressed, or
/// still being made, is no text.
fn rotated(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    let Some(entries) = present(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let other = entry.file_name();
        let stamp = other.to_str().and_then(|other| other.strip_prefix(name)?.strip_prefix('.'));
        let text = stamp.is_some_and(|stamp| !stamp.ends_with("gz") && !stamp.ends_with("tmp"));
        if text && found.len() < FILES {
            found.push(entry.path());
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
