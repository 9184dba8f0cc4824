//! The end of a rig's processes and cgroups.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const ENDING: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Kills all in the mount namespace of this process, their descendants, and waits until they are gone. The process
/// itself, which holds the namespace, is left.
pub(super) fn end(holder: u32) {
    let Ok(namespace) = fs::read_link(format!("/proc/{holder}/ns/mnt")) else { return };
    let deadline = Instant::now() + ENDING;
    loop {
        let alive = alive(&namespace, holder);
        if alive.is_empty() || Instant::now() > deadline {
            return;
        }
        for pid in alive {
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        }
        std::thread::park_timeout(LOOK_AGAIN);
    }
}

fn alive(namespace: &Path, holder: u32) -> Vec<u32> {
    let parents: HashMap<u32, u32> = pids().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let inside: HashSet<u32> = parents
        .keys()
        .filter(|pid| fs::read_link(format!("/proc/{pid}/ns/mnt")).is_ok_and(|other| other == namespace))
        .copied()
        .collect();
    let descends = |pid: u32| {
        std::iter::successors(Some(pid), |pid| parents.get(pid).copied()).any(|pid| inside.contains(&pid))
    };
    parents.keys().copied().filter(|pid| *pid != holder && descends(*pid)).collect()
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// A process's parent; none for one that ended.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    (state != "Z").then(|| fields.next()?.parse().ok())?
}

/// Removes a cgroup and those below it from all hierarchies.
pub(super) fn remove_cgroups(name: &str) {
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    for hierarchy in hierarchies.chain([root.to_owned()]) {
        remove(&hierarchy.join(name));
    }
}

fn remove(cgroup: &Path) {
    let below: Vec<PathBuf> =
        fs::read_dir(cgroup).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    below.iter().filter(|path| path.is_dir()).for_each(|path| remove(path));
    let _ = fs::remove_dir(cgroup);
}
