//! The taints that a node's state asks for.

use object::{Time, format_time};

use crate::views::{Condition, Node, Taint};

const NO_SCHEDULE: &str = "NoSchedule";
const NO_EXECUTE: &str = "NoExecute";

/// Taints with the condition and its status that ask for them; the others of these taints are taken off.
const TABLE: [(&str, &str, &str, &str); 8] = [
    ("node.kubernetes.io/not-ready", NO_SCHEDULE, "Ready", "False"),
    ("node.kubernetes.io/unreachable", NO_SCHEDULE, "Ready", "Unknown"),
    ("node.kubernetes.io/not-ready", NO_EXECUTE, "Ready", "False"),
    ("node.kubernetes.io/unreachable", NO_EXECUTE, "Ready", "Unknown"),
    ("node.kubernetes.io/memory-pressure", NO_SCHEDULE, "MemoryPressure", "True"),
    ("node.kubernetes.io/disk-pressure", NO_SCHEDULE, "DiskPressure", "True"),
    ("node.kubernetes.io/pid-pressure", NO_SCHEDULE, "PIDPressure", "True"),
    ("node.kubernetes.io/network-unavailable", NO_SCHEDULE, "NetworkUnavailable", "True"),
];
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// The node's taints as they shall be; none where they are so already. A node of which nothing is known yet keeps
/// those that it registered with.
pub(super) fn wanted(node: &Node, now: Time) -> Option<Vec<Taint>> {
    let mut taints = node.spec.taints.clone();
    for (key, effect, condition, status) in TABLE {
        if let Some(condition) = Condition::find(&node.status.conditions, condition) {
            set(&mut taints, key, effect, condition.status == status, now);
        }
    }
    set(&mut taints, UNSCHEDULABLE, NO_SCHEDULE, node.spec.unschedulable, now);
    (taints != node.spec.taints).then_some(taints)
}

fn set(taints: &mut Vec<Taint>, key: &str, effect: &str, wanted: bool, now: Time) {
    let is_it = |taint: &Taint| taint.key == key && taint.effect == effect;
    match (taints.iter().any(is_it), wanted) {
        (true, false) => taints.retain(|taint| !is_it(taint)),
        (false, true) => taints.push(Taint {
            key: key.to_owned(),
            value: String::new(),
            effect: effect.to_owned(),
            time_added: Some(format_time(now)),
        }),
        _ => {}
    }
}
