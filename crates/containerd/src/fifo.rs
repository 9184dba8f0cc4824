//! Fifos between a process's shim and this process.
//!
//! The shim waits until somebody reads, then holds both ends itself: a reader may leave and come back, and sees the
//! end exactly when the shim has copied everything.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tokio::net::unix::pipe::{OpenOptions as PipeOptions, Receiver, Sender};

use crate::error::Error;

const PIECE: usize = 64 << 10;
const OPENING: Duration = Duration::from_secs(5);

/// The fifos of one process, in a directory of their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fifos {
    directory: PathBuf,
    pub stdin: Option<PathBuf>,
    pub stdout: Option<PathBuf>,
    pub stderr: Option<PathBuf>,
}

impl Fifos {
    /// The paths, for the wanted streams.
    pub fn plan(directory: PathBuf, stdin: bool, stdout: bool, stderr: bool) -> Fifos {
        let path = |wanted: bool, name: &str| wanted.then(|| directory.join(name));
        Fifos {
            stdin: path(stdin, "stdin"),
            stdout: path(stdout, "stdout"),
            stderr: path(stderr, "stderr"),
            directory,
        }
    }

    /// Makes those that are not there.
    pub fn make(&self) -> Result<(), Error> {
        let paths: Vec<&PathBuf> = [&self.stdin, &self.stdout, &self.stderr].into_iter().flatten().collect();
        if paths.is_empty() {
            return Ok(());
        }
        let fail = |path: &Path| {
            let what = format!("make {}", path.display());
            move |error| Error::io(what, error)
        };
        fs::create_dir_all(&self.directory).map_err(fail(&self.directory))?;
        for path in paths {
            match mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
                Ok(()) => {}
                Err(Errno::EEXIST) if is_fifo(path) => {}
                Err(errno) => return Err(fail(path)(errno.into())),
            }
        }
        Ok(())
    }

    /// Removes them.
    pub fn remove(&self) -> Result<(), Error> {
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io(format!("remove {}", self.directory.display()), error))
            }
            _ => Ok(()),
        }
    }
}

fn is_fifo(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// A path as containerd's messages have it: empty for none.
pub(crate) fn word(path: &Option<PathBuf>) -> String {
    path.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Opens for reading, before the shim opens for writing. Must not be read before the shim has.
pub(crate) fn reader(path: &Path) -> Result<Receiver, Error> {
    PipeOptions::new()
        .open_receiver(path)
        .map_err(|error| Error::io(format!("open {}", path.display()), error))
}

/// Opens for writing; waits until the shim reads.
pub(crate) async fn writer(path: &Path) -> Result<Sender, Error> {
    let deadline = tokio::time::Instant::now() + OPENING;
    loop {
        match PipeOptions::new().open_sender(path) {
            Err(error)
                if error.raw_os_error() == Some(Errno::ENXIO as i32)
                    && tokio::time::Instant::now() < deadline =>
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            result => return result.map_err(|error| Error::io(format!("open {}", path.display()), error)),
        }
    }
}

/// Opens for reading again, while the shim may write or may have ended: what was read at once, and the rest
/// unless this is the end.
pub(crate) fn reopen(path: &Path) -> Result<(Vec<u8>, Option<Receiver>), Error> {
    let fail = |error| Error::io(format!("open {}", path.display()), error);
    let open = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let mut file: File = match open {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), None)),
        result => result.map_err(fail)?,
    };
    let mut start = vec![0; PIECE];
    let length = match file.read(&mut start) {
        Ok(0) => return Ok((Vec::new(), None)),
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        Err(error) => return Err(fail(error)),
    };
    start.truncate(length);
    Ok((start, Some(Receiver::from_file(file).map_err(fail)?)))
}
