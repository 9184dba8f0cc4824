//! The life of nodes: one whose agent is silent becomes `Unknown`, nodes in trouble get taints, and the pods of a
//! silent node count as not ready.

mod health;
mod taints;

use std::any::Any;

use cache::Snapshot;
use drive::{Action, Controller, Item, KindName, Map, Memory, NoteType, Outcome, Plan, Watch};
use object::{Key, Time, format_time};
use serde_json::json;

use crate::ownership::{self, Owner};
use crate::selector::Selector;
use crate::views::{Condition, Lease, Node, Pod};
use health::Health;

pub(crate) const KIND: KindName = ("", "Node");
const POD: KindName = ("", "Pod");
/// Where agents renew their leases.
const LEASES: &str = "kube-node-lease";

/// The controller.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "node-lifecycle-controller", kind: KIND, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![
        Watch::of::<Node>(Map::Itself),
        Watch::of::<Lease>(Map::Of(node_of_lease)),
        Watch::of::<Pod>(Map::Of(silent_node_of_pod)),
    ]
}

fn node_of_lease(_: &Snapshot, lease: &dyn Any) -> Vec<Key> {
    let lease = lease.downcast_ref::<Lease>().filter(|lease| lease.metadata.namespace == LEASES);
    lease.map(|lease| Key::new("", lease.metadata.name.as_str())).into_iter().collect()
}

/// A pod that counts as ready concerns its node only where that is silent.
fn silent_node_of_pod(snapshot: &Snapshot, pod: &dyn Any) -> Vec<Key> {
    let find = || {
        let pod = pod.downcast_ref::<Pod>().filter(|pod| pod.is_ready())?;
        let node = snapshot.get::<Node>(&Key::new("", pod.spec.node_name.as_str()))?;
        node.is_silent().then(|| node.metadata.key())
    };
    find().into_iter().collect()
}

impl Node {
    /// Status of its `Ready` condition; empty where it has none.
    fn readiness(&self) -> &str {
        Condition::find(&self.status.conditions, "Ready").map_or("", |c| &c.status)
    }

    /// Whether nothing is heard of it.
    fn is_silent(&self) -> bool {
        self.readiness() == "Unknown"
    }
}

/// What is about a node is done in this order, one step at a time: each changes the object that the next one needs
/// as it is.
fn reconcile(snapshot: &Snapshot, item: &Item, memory: &mut Memory, now: Time) -> Outcome {
    let Some(node) = snapshot.get::<Node>(&item.key).filter(|node| !node.metadata.is_terminating()) else {
        return Outcome::nothing();
    };
    let lease = snapshot.get::<Lease>(&Key::new(LEASES, item.key.name.as_str()));
    let mut plan = Plan::default();
    match memory.get::<Health>().check(node, lease, now) {
        health::Verdict::Heard { silent_in } => plan.wake_in(silent_in),
        health::Verdict::Silent => {
            if let Some(conditions) = health::unknown(node, now) {
                tell(&mut plan, node, conditions);
                return plan.into();
            }
        }
    }
    if let Some(taints) = taints::wanted(node, now) {
        plan.act(ownership::patch(KIND, &node.metadata, json!({"spec": {"taints": taints}})));
    }
    if node.is_silent() {
        mark_pods(&mut plan, snapshot, node, now);
    }
    plan.into()
}

fn tell(plan: &mut Plan, node: &Node, conditions: Vec<Condition>) {
    let status = json!({"conditions": conditions});
    let action = ownership::patch_status(KIND, &node.metadata, status);
    let owner = Owner { kind: KIND, meta: &node.metadata, selector: &Selector::default() };
    let message = format!("Node {} status is now: NodeNotReady", node.metadata.name);
    plan.act_and_tell(action, owner.note(NoteType::Normal, "NodeNotReady", message));
}

/// The pods of a silent node are not ready, whatever they last said.
fn mark_pods(plan: &mut Plan, snapshot: &Snapshot, node: &Node, now: Time) {
    let pods = snapshot.table::<Pod>().iter().filter(|pod| pod.spec.node_name == node.metadata.name);
    for pod in pods.filter(|pod| pod.is_ready()) {
        plan.act(mark(pod, now));
    }
}

fn mark(pod: &Pod, now: Time) -> Action {
    let mut conditions = pod.status.conditions.clone();
    for ready in conditions.iter_mut().filter(|c| c.kind == "Ready") {
        ready.status = "False".to_owned();
        ready.last_transition_time = Some(format_time(now));
    }
    ownership::patch_status(POD, &pod.metadata, json!({"conditions": conditions}))
}

#[cfg(test)]
mod tests;
