//! Pods that nobody else cleans up: those of nodes that are gone, those that were deleted before they had a node,
//! and the oldest of too many finished ones.

use std::any::Any;
use std::time::Duration;

use cache::Snapshot;
use drive::{
    Action, Controller, Item, KindName, Map, Memory, Outcome, Plan, Precondition, Propagation, Query, Watch,
};
use object::{Key, Meta, Time};

use crate::pods::until;
use crate::taint_eviction::disrupt;
use crate::views::{Node, Pod};

const KIND: KindName = ("", "Pod");
const NODE: KindName = ("", "Node");
/// Finished pods that may stay.
const MAX_FINISHED: usize = 12_500;
/// Seconds between two counts of the finished pods.
const COUNT_PERIOD: i64 = 20;
/// Seconds for which a node must be gone.
const QUARANTINE: i64 = 40;

/// The controller. The item without a name stands for all finished pods.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "pod-garbage-collector-controller", kind: KIND, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![Watch::of::<Pod>(Map::Of(of_pod)), Watch::of::<Node>(Map::Of(of_node))]
}

fn of_pod(snapshot: &Snapshot, pod: &dyn Any) -> Vec<Key> {
    let Some(pod) = pod.downcast_ref::<Pod>() else { return Vec::new() };
    let mut keys = Vec::new();
    if trouble(snapshot, pod) != Trouble::None {
        keys.push(pod.metadata.key());
    }
    if pod.is_finished() {
        keys.push(Key::default());
    }
    keys
}

/// The pods of a node that is gone.
fn of_node(snapshot: &Snapshot, node: &dyn Any) -> Vec<Key> {
    let Some(node) =
        node.downcast_ref::<Node>().filter(|n| snapshot.get::<Node>(&n.metadata.key()).is_none())
    else {
        return Vec::new();
    };
    let pods = snapshot.table::<Pod>().iter().filter(|pod| pod.spec.node_name == node.metadata.name);
    pods.map(|pod| pod.metadata.key()).collect()
}

/// Why nobody else would clean a pod up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// Somebody would.
    None,
    /// Its node is gone.
    NodeGone,
    /// It was deleted before it had a node.
    NeverScheduled,
}

fn trouble(snapshot: &Snapshot, pod: &Pod) -> Trouble {
    match pod.spec.node_name.as_str() {
        "" if pod.metadata.is_terminating() => Trouble::NeverScheduled,
        "" => Trouble::None,
        node if snapshot.get::<Node>(&Key::new("", node)).is_none() => Trouble::NodeGone,
        _ => Trouble::None,
    }
}

fn reconcile(snapshot: &Snapshot, item: &Item, memory: &mut Memory, now: Time) -> Outcome {
    if item.key.name.is_empty() {
        return sweep(snapshot, memory, MAX_FINISHED, now);
    }
    let Some(pod) = snapshot.get::<Pod>(&item.key) else { return Outcome::nothing() };
    match trouble(snapshot, pod) {
        Trouble::None => {
            *memory.get::<Option<Time>>() = None;
            Outcome::nothing()
        }
        Trouble::NeverScheduled => Outcome::actions(vec![delete(pod)]),
        Trouble::NodeGone => bereave(pod, memory, now),
    }
}

/// Ends a pod whose node stays gone.
fn bereave(pod: &Pod, memory: &mut Memory, now: Time) -> Outcome {
    let mut plan = Plan::default();
    let since = *memory.get::<Option<Time>>().get_or_insert(now);
    if let Some(left) = until(since, QUARANTINE, now) {
        plan.wake_in(left);
        return plan.into();
    }
    let question = Query::Get { kind: NODE.into(), key: Key::new("", pod.spec.node_name.as_str()) };
    match memory.answer(&question) {
        None => return Outcome::Ask(vec![question]),
        Some(Some(node)) if !Meta::of(node).uid.is_empty() => return Outcome::nothing(),
        Some(_) => {}
    }
    if !pod.is_finished() {
        plan.act(disrupt(pod, "DeletionByPodGC", "PodGC: node no longer exists", Some("Failed"), now));
    }
    plan.act(delete(pod));
    plan.into()
}

fn delete(pod: &Pod) -> Action {
    Action::Delete {
        kind: KIND.into(),
        key: pod.metadata.key(),
        when: Precondition { uid: pod.metadata.uid.clone(), resource_version: None },
        propagation: Propagation::Background,
        grace: Some(0),
    }
}

/// Deletes the oldest finished pods where there are more than `limit`; counts at most every so often.
fn sweep(snapshot: &Snapshot, memory: &mut Memory, limit: usize, now: Time) -> Outcome {
    let last = memory.get::<Option<Time>>();
    if let Some(left) = last.and_then(|last| until(last, COUNT_PERIOD, now)) {
        let mut plan = Plan::default();
        plan.wake_in(left.max(Duration::from_secs(1)));
        return plan.into();
    }
    *last = Some(now);
    let mut finished: Vec<&Pod> = snapshot
        .table::<Pod>()
        .iter()
        .filter(|pod| pod.is_finished() && !pod.metadata.is_terminating())
        .collect();
    finished.sort_by_key(|pod| (pod.metadata.creation_timestamp, pod.metadata.key()));
    let surplus = finished.len().saturating_sub(limit);
    Outcome::actions(finished.into_iter().take(surplus).map(delete).collect())
}

#[cfg(test)]
mod tests {
    use drive::laws::{Scenario, World, check_laws};
    use object::{Value, format_time};
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Time {
        Time::from_second(1_700_000_000 + second).unwrap()
    }

    fn pod(name: &str, node: &str, phase: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "d"},
            "spec": {"nodeName": node}, "status": {"phase": phase},
        })
    }

    fn check(objects: Vec<Value>, left: &[&str]) {
        let horizon = Duration::from_secs(200);
        let scenario = Scenario { horizon, ..Scenario::new("pods", at(0), objects) };
        let end = check_laws(&CONTROLLER, &scenario);
        let names: Vec<String> = end.all("Pod").iter().map(|pod| Meta::of(pod).name).collect();
        assert_eq!(names, left);
    }

    #[test]
    fn pods_without_a_node_go() {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}});
        let mut going = pod("going", "", "Pending");
        going["metadata"]["deletionTimestamp"] = format_time(at(0)).into();
        check(
            vec![node, pod("a", "n", "Running"), pod("b", "gone", "Running"), pod("c", "", "Pending")],
            &["a", "c"],
        );
        check(vec![going, pod("c", "", "Pending")], &["c"]);
    }

    #[test]
    fn the_oldest_finished_pods_go() {
        let aged = |name: &str, phase: &str, second: i64| {
            let mut pod = pod(name, "n", phase);
            pod["metadata"]["creationTimestamp"] = format_time(at(second)).into();
            pod
        };
        let pods = vec![
            aged("a", "Failed", 3),
            aged("b", "Succeeded", 1),
            aged("c", "Running", 0),
            aged("d", "Failed", 2),
        ];
        let world = World::new(at(0), pods);
        let snapshot = world.snapshot(&watches());
        let Outcome::Do { actions, .. } = sweep(&snapshot, &mut Memory::default(), 1, at(9)) else {
            panic!()
        };
        let names: Vec<&str> = actions
            .iter()
            .map(|action| match action {
                Action::Delete { key, .. } => key.name.as_str(),
                _ => panic!(),
            })
            .collect();
        assert_eq!(names, ["b", "d"]);
    }
}
