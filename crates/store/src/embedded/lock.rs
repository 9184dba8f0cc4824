//! The lock that keeps a second process out of the directory.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::Error;

/// The file that is locked; it holds the number of the process that has the lock.
pub(crate) const LOCK_FILE: &str = "LOCK";

/// Takes the lock, which is held until the result is dropped or the process dies.
pub(crate) fn acquire(dir: &Path) -> Result<Flock<File>, Error> {
    let path = dir.join(LOCK_FILE);
    let failed = |source| Error::io(format!("lock {}", path.display()))(source);
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut lock = match Flock::lock(file.map_err(failed)?, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => lock,
        Err((mut file, Errno::EWOULDBLOCK)) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(failed)?;
            return Err(Error::Locked { path: dir.to_owned(), pid: pid.trim().parse().ok() });
        }
        Err((_, errno)) => return Err(failed(errno.into())),
    };
    lock.set_len(0).map_err(failed)?;
    lock.rewind().map_err(failed)?;
    writeln!(lock, "{}", std::process::id()).map_err(failed)?;
    Ok(lock)
}
