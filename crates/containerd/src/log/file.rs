//! A log file and its rotation.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// A file this long is put aside.
const LONGEST: u64 = 10 << 20;
/// How many files there are, with the current one.
const FILES: usize = 5;

/// The log file of a container.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    longest: u64,
    open: Option<(File, u64)>,
    /// Output was lost and that was told.
    failing: bool,
}

impl LogFile {
    pub fn new(path: PathBuf) -> LogFile {
        LogFile { path, longest: LONGEST, open: None, failing: false }
    }

    #[cfg(test)]
    pub fn with_longest(path: PathBuf, longest: u64) -> LogFile {
        LogFile { longest, ..LogFile::new(path) }
    }

    /// Appends whole lines. What cannot be written, as on a full disk, is lost with a warning: the container goes on.
    pub fn append(&mut self, lines: &[u8], now: Timestamp) {
        match self.try_append(lines, now) {
            Ok(()) => self.failing = false,
            Err(error) => {
                self.open = None;
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(path = %self.path.display(), %error, "output of a container is lost");
                }
            }
        }
    }

    fn try_append(&mut self, lines: &[u8], now: Timestamp) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|(_, length)| *length >= self.longest) {
            self.rotate(now)?;
        }
        let (file, length) = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(open(&self.path)?),
        };
        file.write_all(lines)?;
        *length += lines.len() as u64;
        Ok(())
    }

    /// Puts the file aside as `<file>.<yyyymmdd-hhmmss>` and removes the oldest ones.
    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        let aside = with_suffix(&self.path, &format!(".{}", now.strftime("%Y%m%d-%H%M%S")));
        if aside.exists() {
            return Ok(());
        }
        fs::rename(&self.path, aside)?;
        self.open = None;
        let mut old = rotated(&self.path)?;
        old.sort();
        for path in old.iter().rev().skip(FILES - 1) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o640).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// The files that were put aside.
pub(crate) fn rotated(path: &Path) -> io::Result<Vec<PathBuf>> {
    const SUFFIX: usize = ".20260102-030405".len();
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        return Ok(Vec::new());
    };
    let ours = |other: &str| other.len() == name.len() + SUFFIX && other.starts_with(&format!("{name}."));
    let entries = fs::read_dir(directory)?.flatten();
    Ok(entries
        .filter(|entry| entry.file_name().to_str().is_some_and(ours))
        .map(|entry| entry.path())
        .collect())
}
