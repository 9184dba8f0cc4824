//! Private files, read whole and replaced whole.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Error;

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

/// Makes a directory (and its parents) that only the owner may enter.
pub(super) fn make_directory(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))
}

/// The text of a file; none if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(at(path)(e)),
    }
}

/// Files that are replaced together: in order, so that what refers to another file can stand after it.
#[derive(Default)]
pub(super) struct Batch(Vec<(PathBuf, String)>);

impl Batch {
    /// Adds a file that only the owner may read.
    pub(super) fn add(&mut self, path: &Path, text: &str) {
        self.0.push((path.to_owned(), text.to_owned()));
    }

    /// Replaces the files, each in one step. The texts reach the disk at once, on a thread each: a disk syncs many
    /// files in little more time than one.
    pub(super) fn commit(self) -> Result<(), Error> {
        let staged: Vec<std::io::Result<PathBuf>> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                self.0.iter().map(|(path, text)| scope.spawn(|| stage(path, text))).collect();
            threads.into_iter().map(|thread| thread.join().expect("staging does not panic")).collect()
        });
        for ((path, _), temporary) in self.0.iter().zip(staged) {
            temporary.and_then(|temporary| std::fs::rename(temporary, path)).map_err(at(path))?;
        }
        match self.0.first() {
            Some((path, _)) => sync_parent(path).map_err(at(path)),
            None => Ok(()),
        }
    }
}

/// Replaces a file in one step that survives power loss; only the owner may read it.
pub(crate) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::rename(stage(path, text)?, path)?;
    sync_parent(path)
}

/// Writes the text to a file beside `path`, down to the disk.
fn stage(path: &Path, text: &str) -> std::io::Result<PathBuf> {
    let temporary = path.with_added_extension(format!("{}.tmp", std::process::id()));
    let _ = std::fs::remove_file(&temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(temporary)
}

fn sync_parent(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
