//! Whether a node's agent is heard of. Clocks need not agree: silence is counted from when a sign of life was last
//! seen to change.

use std::time::Duration;

use object::{Time, format_time};

use crate::pods::until;
use crate::views::{Condition, Lease, Node};

/// Seconds of silence after which a node is unknown.
const GRACE: i64 = 40;
/// The same for a node that never said anything.
const STARTUP_GRACE: i64 = 60;
/// What is unknown of a silent node.
const CONDITIONS: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// The last sign of life, and when it was first seen.
#[derive(Debug, Default)]
pub(super) struct Health(Option<(Sign, Time)>);

/// What changes when an agent reports: its lease's renewal, its status' heartbeat.
type Sign = (Option<String>, Option<String>);

/// What is known of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It reports; if it stopped now it would be silent after this long.
    Heard {
        /// How long.
        silent_in: Duration,
    },
    /// It stopped.
    Silent,
}

impl Health {
    /// Looks for a new sign of life.
    pub(super) fn check(&mut self, node: &Node, lease: Option<&Lease>, now: Time) -> Verdict {
        let ready = Condition::find(&node.status.conditions, "Ready");
        let sign = (
            lease.and_then(|l| l.spec.renew_time.clone()),
            ready.and_then(|c| c.last_heartbeat_time.clone()),
        );
        if self.0.as_ref().is_none_or(|(seen, _)| *seen != sign) {
            self.0 = Some((sign, now));
        }
        let since = self.0.as_ref().map_or(now, |(_, since)| *since);
        let grace = if ready.is_none() { STARTUP_GRACE } else { GRACE };
        until(since, grace, now).map_or(Verdict::Silent, |silent_in| Verdict::Heard { silent_in })
    }
}

/// The conditions of a silent node; none where they say so already.
pub(super) fn unknown(node: &Node, now: Time) -> Option<Vec<Condition>> {
    let mut conditions = node.status.conditions.clone();
    for kind in CONDITIONS {
        match conditions.iter_mut().find(|c| c.kind == kind) {
            Some(condition) if condition.status == "Unknown" => {}
            Some(condition) => forget(condition, now),
            None => conditions.push(never_posted(kind, node, now)),
        }
    }
    (conditions != node.status.conditions).then_some(conditions)
}

fn forget(condition: &mut Condition, now: Time) {
    condition.status = "Unknown".to_owned();
    condition.reason = "NodeStatusUnknown".to_owned();
    condition.message = "Kubelet stopped posting node status.".to_owned();
    condition.last_transition_time = Some(format_time(now));
}

fn never_posted(kind: &str, node: &Node, now: Time) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status: "Unknown".to_owned(),
        reason: "NodeStatusNeverUpdated".to_owned(),
        message: "Kubelet never posted node status.".to_owned(),
        last_heartbeat_time: node.metadata.creation_timestamp.map(format_time),
        last_transition_time: Some(format_time(now)),
        ..Default::default()
    }
}
