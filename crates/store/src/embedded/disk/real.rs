//! A directory of the file system.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};

use super::{Disk, DiskFile};

/// A [`Disk`] in a directory of the file system.
#[derive(Debug)]
pub struct RealDisk {
    dir: PathBuf,
}

impl RealDisk {
    /// The directory, which must exist.
    pub fn new(dir: impl AsRef<Path>) -> RealDisk {
        RealDisk { dir: dir.as_ref().to_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(&self.dir)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }

    fn create(&self, name: &str, reserve: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        // Objects may be secrets: nobody but the owner reads them.
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(self.path(name))?;
        if reserve > 0 {
            preallocate(&file, reserve)?;
        }
        Ok(Box::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let path = self.path(name);
        // on a read-only file system it can still be read
        let file = OpenOptions::new().read(true).write(true).open(&path).or_else(|_| File::open(&path))?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

/// Reserves space where the file system can do that, and only sets the length elsewhere.
fn preallocate(file: &File, length: u64) -> io::Result<()> {
    let wanted = i64::try_from(length).map_err(io::Error::other)?;
    match fallocate(file, FallocateFlags::empty(), 0, wanted) {
        Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => file.set_len(length),
        done => done.map_err(io::Error::from),
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
