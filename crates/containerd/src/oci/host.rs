//! What of the host a specification depends on.

use std::fs;
use std::path::Path;

use super::devices::{Device, devices};

/// Facts of the host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Host {
    /// Capabilities that can be given away: a bit each.
    pub capabilities: u64,
    /// The lowest score adjustment that may be set.
    pub lowest_oom_score_adj: i32,
    /// Whether AppArmor is on.
    pub apparmor: bool,
    /// Whether the one cgroup hierarchy (v2) is mounted.
    pub unified_cgroups: bool,
    /// Whether groups of that hierarchy can limit swap.
    pub swap_limits: bool,
    /// Its devices.
    pub devices: Vec<Device>,
}

impl Host {
    /// Looks at the host; at its devices only when they are wanted.
    pub fn look(with_devices: bool) -> Host {
        Host {
            capabilities: capabilities().unwrap_or(0),
            lowest_oom_score_adj: lowest_oom_score_adj().unwrap_or(0),
            apparmor: Path::new("/sys/kernel/security/apparmor").exists(),
            unified_cgroups: Path::new("/sys/fs/cgroup/cgroup.controllers").exists(),
            swap_limits: swap_limits(Path::new("/sys/fs/cgroup")),
            devices: if with_devices { devices() } else { Vec::new() },
        }
    }
}

/// The root group has no limits: those below it tell.
fn swap_limits(root: &Path) -> bool {
    let groups = fs::read_dir(root).into_iter().flatten().flatten();
    groups.map(|group| group.path()).any(|group| group.join("memory.swap.max").exists())
}

/// This process's bounding set.
fn capabilities() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let set = status.lines().find_map(|line| line.strip_prefix("CapBnd:"))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

/// Who lacks CAP_SYS_RESOURCE cannot go below its own.
fn lowest_oom_score_adj() -> Option<i32> {
    const SYS_RESOURCE: u32 = 24;
    if capabilities()? >> SYS_RESOURCE & 1 == 1 {
        return Some(-1000);
    }
    fs::read_to_string("/proc/self/oom_score_adj").ok()?.trim().parse().ok()
}
