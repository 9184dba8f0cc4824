//! What is written into a group's files.

use crate::pod_config::{PodResources, shares_of};

/// Microseconds in which a quota is counted.
const PERIOD: u64 = 100_000;

/// What all pods of a node may use together; none is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeResources {
    /// Thousandths of a CPU.
    pub cpu: Option<i64>,
    /// Bytes.
    pub memory: Option<i64>,
    /// Processes.
    pub pids: Option<i64>,
}

/// One file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// The controller that it belongs to.
    pub(super) controller: &'static str,
    /// The file, in version 1 and version 2.
    pub(super) file: (&'static str, &'static str),
    /// What is written, in version 1 and version 2.
    pub(super) value: (String, String),
}

/// The weight of version 2, from 1 to 10000, that goes with shares of version 1.
pub fn weight_of(shares: u64) -> u64 {
    1 + shares.clamp(2, 262_144).saturating_sub(2) * 9999 / 262_142
}

/// The weight alone: of a class of pods.
pub(super) fn of_shares(shares: u64) -> Setting {
    Setting {
        controller: "cpu",
        file: ("cpu.shares", "cpu.weight"),
        value: (shares.to_string(), weight_of(shares).to_string()),
    }
}

/// All of a pod's limits; what has none is set to have none, so that an update lifts it.
pub(super) fn of_pod(pod: &PodResources) -> Vec<Setting> {
    let mut settings = vec![of_shares(pod.cpu_shares)];
    settings.extend(quota(pod.cpu_quota));
    settings.push(memory(pod.memory_limit));
    settings.push(pids(pod.pids));
    settings
}

/// The limits of all pods together: they share what is left by weight, so that CPU needs no quota.
pub(super) fn of_node(node: &NodeResources) -> Vec<Setting> {
    let mut settings: Vec<Setting> = node.cpu.map(|cpu| of_shares(shares_of(cpu))).into_iter().collect();
    settings.push(memory(node.memory));
    settings.push(pids(node.pids));
    settings
}

fn quota(quota: Option<i64>) -> Vec<Setting> {
    let v1 = quota.unwrap_or(-1).to_string();
    let v2 = quota.map_or_else(|| "max".to_owned(), |quota| quota.to_string());
    let period = Setting {
        controller: "cpu",
        file: ("cpu.cfs_period_us", ""),
        value: (PERIOD.to_string(), String::new()),
    };
    let quota = Setting {
        controller: "cpu",
        file: ("cpu.cfs_quota_us", "cpu.max"),
        value: (v1, format!("{v2} {PERIOD}")),
    };
    vec![period, quota]
}

fn memory(limit: Option<i64>) -> Setting {
    Setting {
        controller: "memory",
        file: ("memory.limit_in_bytes", "memory.max"),
        value: limits(limit, "-1"),
    }
}

fn pids(limit: Option<i64>) -> Setting {
    Setting { controller: "pids", file: ("pids.max", "pids.max"), value: limits(limit, "max") }
}

fn limits(limit: Option<i64>, none: &str) -> (String, String) {
    match limit {
        Some(limit) => (limit.to_string(), limit.to_string()),
        None => (none.to_owned(), "max".to_owned()),
    }
}
