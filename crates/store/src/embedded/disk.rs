//! The directory that the store lives in, as far as the store needs one.

mod faulty;
mod real;

use std::io;

pub use faulty::{Fault, FaultyDisk, PowerLoss};
pub use real::RealDisk;

/// A flat directory of files. Creation, renaming and removal are durable after [`Disk::sync`].
pub trait Disk: Send + Sync + 'static {
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates a file that reads as `reserve` zeros and has the space for them, in place of any
    /// file of that name.
    fn create(&self, name: &str, reserve: u64) -> io::Result<Box<dyn DiskFile>>;

    /// Opens an existing file.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Renames a file, in place of any file of the new name, at once and as a whole.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the directory itself durable.
    fn sync(&self) -> io::Result<()>;
}

/// An open file. What is written is durable after [`DiskFile::sync`]; before that, power loss
/// may keep any part of it. A file whose sync has failed must not be written again.
#[expect(clippy::len_without_is_empty, reason = "no one asks whether a file is empty")]
pub trait DiskFile: Send {
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Fills `buffer` from an offset; an error if the file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all bytes at an offset; the file grows as needed.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to a length.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// Makes content and length durable.
    fn sync(&mut self) -> io::Result<()>;
}
