//! The node's conditions, purely from what was measured, in Kubernetes' words.

use jiff::SignedDuration;
use object::Time;

use super::measure::{MEMORY_KEPT, Measured};

/// Below this part of a file system's bytes the disk is short: `nodefs.available<10%`.
const DISK_PERCENT: u64 = 10;
/// Below this part of a file system's files the disk is short: `nodefs.inodesFree<5%`.
const INODES_PERCENT: u64 = 5;
/// Below this many numbers processes are short. Kubernetes has no default for it.
const PIDS_KEPT: u64 = 1000;
/// A pressure is told for this long after it was last seen, lest it flaps.
const LINGER: SignedDuration = SignedDuration::from_mins(5);

/// A condition, but for its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Type.
    pub kind: &'static str,
    /// Whether its status is `True`.
    pub holds: bool,
    /// One word.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
}

/// When each pressure was last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressures {
    memory: Option<Time>,
    disk: Option<Time>,
    pids: Option<Time>,
}

impl Pressures {
    /// Takes in a measurement. What was not measured leaves its pressure as it was.
    pub fn step(self, measured: &Measured, now: Time) -> Self {
        let memory = measured.memory.map(|bytes| bytes < MEMORY_KEPT);
        let disk = measured.disk.map(|disk| {
            short(disk.available, disk.capacity, DISK_PERCENT)
                || short(disk.inodes_free, disk.inodes, INODES_PERCENT)
        });
        let pids = measured.pids.map(|free| free < PIDS_KEPT);
        Self {
            memory: seen(self.memory, memory, now),
            disk: seen(self.disk, disk, now),
            pids: seen(self.pids, pids, now),
        }
    }
}

fn short(free: u64, all: u64, percent: u64) -> bool {
    u128::from(free) * 100 < u128::from(all) * u128::from(percent)
}

fn seen(before: Option<Time>, short: Option<bool>, now: Time) -> Option<Time> {
    match short {
        Some(true) => Some(now),
        Some(false) => before.filter(|before| now.duration_since(*before) < LINGER),
        None => before,
    }
}

/// All conditions of a node. `complaints` are the reasons why it is not ready, as in `container runtime is down`.
pub fn conditions(pressures: &Pressures, complaints: &[String]) -> Vec<Finding> {
    let pressure = |kind, since: Option<Time>, bad: (&'static str, &str), good: (&'static str, &str)| {
        let (reason, message) = if since.is_some() { bad } else { good };
        Finding { kind, holds: since.is_some(), reason, message: message.to_owned() }
    };
    vec![
        pressure(
            "MemoryPressure",
            pressures.memory,
            ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
            ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ),
        pressure(
            "DiskPressure",
            pressures.disk,
            ("KubeletHasDiskPressure", "kubelet has disk pressure"),
            ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ),
        pressure(
            "PIDPressure",
            pressures.pids,
            ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
            ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ),
        ready(complaints),
    ]
}

/// Several complaints stand in brackets, as Kubernetes joins errors.
fn ready(complaints: &[String]) -> Finding {
    let (holds, reason, message) = match complaints {
        [] => (true, "KubeletReady", "kubelet is posting ready status".to_owned()),
        [one] => (false, "KubeletNotReady", one.clone()),
        many => (false, "KubeletNotReady", format!("[{}]", many.join(", "))),
    };
    Finding { kind: "Ready", holds, reason, message }
}
