//! The end of groups, and of what still runs in them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::error::CgroupError;

/// How soon a removal of a busy group is tried again.
const AGAIN: Duration = Duration::from_millis(10);

/// Removes a group after those in it. Until the deadline, processes that are found there are ended: a runtime that
/// was interrupted may know nothing of them.
pub(super) fn remove_tree(group: &Path, deadline: Instant) -> Result<(), CgroupError> {
    for child in directories(group)? {
        remove_tree(&group.join(child), deadline)?;
    }
    loop {
        match fs::remove_dir(group) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                end_processes(group);
                std::thread::park_timeout(AGAIN);
            }
            done => return done.map_err(CgroupError::io("removing", group)),
        }
    }
}

/// Removes a group that need not be ours alone: it stays while there is something in it.
pub(super) fn remove_unused(group: &Path) -> Result<(), CgroupError> {
    match fs::remove_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_busy(&error) => Ok(()),
        done => done.map_err(CgroupError::io("removing", group)),
    }
}

/// Names of the directories in one, if it is there.
pub(super) fn directories(dir: &Path) -> Result<Vec<String>, CgroupError> {
    let failed = |error| CgroupError::io("listing", dir)(error);
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

fn is_busy(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EBUSY as i32)
}

/// All at once where the kernel can (version 2, from Linux 5.14), else one by one. What ended meanwhile is no error.
pub(super) fn end_processes(group: &Path) {
    let all = OpenOptions::new().write(true).open(group.join("cgroup.kill"));
    if all.and_then(|mut file| file.write_all(b"1")).is_ok() {
        return;
    }
    let listed = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    // 0 stands for a process that cannot be seen from here
    for pid in listed.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0) {
        let _ended = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}
