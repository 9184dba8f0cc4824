//! How a node fares.

use std::io;
use std::path::Path;

use nix::sys::statvfs::statvfs;
use object::Time;

use super::files::{FactsError, Files};
use super::memory;

/// Bytes of memory that are kept from pods, and below which memory is short: Kubernetes' default threshold for
/// eviction, `memory.available<100Mi`.
pub(crate) const MEMORY_KEPT: u64 = 100 << 20;

/// What was measured; what could not be is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Bytes of memory that programs could have.
    pub memory: Option<u64>,
    /// The file system that pods share.
    pub disk: Option<Disk>,
    /// Processes and threads that could be started.
    pub pids: Option<u64>,
}

/// A file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// Bytes.
    pub capacity: u64,
    /// Bytes that are used.
    pub used: u64,
    /// Bytes that are free for all users: less than what is not used, where some is kept for root.
    pub available: u64,
    /// Files that it can hold; 0 where that has no limit.
    pub inodes: u64,
    /// Files that could be made.
    pub inodes_free: u64,
}

/// Measures a node whose files begin at `root` and whose pods share the file system of `data`.
pub fn measure(root: &Path, data: &Path) -> Measured {
    let files = Files::new(root);
    Measured { memory: memory::available(&files).ok(), disk: disk(data).ok(), pids: pids(&files) }
}

/// When the machine began; the beginning of time where the kernel does not say.
pub(crate) fn booted(root: &Path) -> Time {
    let stat = Files::new(root).text("proc/stat").unwrap_or_default();
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok());
    Time::from_second(seconds.unwrap_or(0)).unwrap_or_default()
}

/// The file system that a path is on.
pub(crate) fn disk(path: &Path) -> Result<Disk, FactsError> {
    let unreadable = |errno| FactsError::Unreadable { path: path.to_owned(), source: io::Error::from(errno) };
    let found = statvfs(path).map_err(unreadable)?;
    let unit = found.fragment_size();
    Ok(Disk {
        capacity: found.blocks().saturating_mul(unit),
        used: found.blocks().saturating_sub(found.blocks_free()).saturating_mul(unit),
        available: found.blocks_available().saturating_mul(unit),
        inodes: found.files(),
        inodes_free: found.files_available(),
    })
}

/// Numbers that are left: the lower one of the kernel's limits, less the threads that exist.
fn pids(files: &Files) -> Option<u64> {
    let limit = |name: &str| files.line(&format!("proc/sys/kernel/{name}")).ok()?.parse::<u64>().ok();
    let most = limit("pid_max")?.min(limit("threads-max")?);
    let load = files.line("proc/loadavg").ok()?;
    let (_, threads) = load.split_whitespace().nth(3)?.split_once('/')?;
    Some(most.saturating_sub(threads.parse().ok()?))
}
