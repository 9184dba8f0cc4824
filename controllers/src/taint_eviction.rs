//! Eviction by taints: pods leave a node with a `NoExecute` taint that they do not tolerate, or no longer.

use std::any::Any;
use std::time::Duration;

use cache::Snapshot;
use drive::{Controller, Item, KindName, Map, Memory, NoteType, Outcome, Plan, Watch};
use object::{Key, Time, format_time, parse_time};
use serde_json::json;

use crate::ownership::{self, Owner};
use crate::pods::until;
use crate::selector::Selector;
use crate::views::{Condition, Node, Pod, Taint, Toleration};

const KIND: KindName = ("", "Pod");
const NO_EXECUTE: &str = "NoExecute";

/// The controller.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "taint-eviction-controller", kind: KIND, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![Watch::of::<Pod>(Map::Of(tainted)), Watch::of::<Node>(Map::Of(pods_on_tainted))]
}

/// A pod is looked at where its node has such a taint.
fn tainted(snapshot: &Snapshot, pod: &dyn Any) -> Vec<Key> {
    let find = || {
        let pod = pod.downcast_ref::<Pod>()?;
        let node = snapshot.get::<Node>(&Key::new("", pod.spec.node_name.as_str()))?;
        expelling(node).next().is_some().then(|| pod.metadata.key())
    };
    find().into_iter().collect()
}

fn pods_on_tainted(snapshot: &Snapshot, node: &dyn Any) -> Vec<Key> {
    let Some(node) = node.downcast_ref::<Node>().filter(|node| expelling(node).next().is_some()) else {
        return Vec::new();
    };
    let pods = snapshot.table::<Pod>().iter().filter(|pod| pod.spec.node_name == node.metadata.name);
    pods.map(|pod| pod.metadata.key()).collect()
}

fn expelling(node: &Node) -> impl Iterator<Item = &Taint> {
    node.spec.taints.iter().filter(|taint| taint.effect == NO_EXECUTE)
}

impl Toleration {
    /// Whether it tolerates a taint.
    fn tolerates(&self, taint: &Taint) -> bool {
        let effect = self.effect.is_empty() || self.effect == taint.effect;
        let key = self.key.is_empty() || self.key == taint.key;
        let value = match self.operator.as_str() {
            "" | "Equal" => self.value == taint.value && !self.key.is_empty(),
            operator => operator == "Exists",
        };
        effect && key && value
    }
}

/// How long a pod may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    /// It tolerates all there is.
    Forever,
    /// This long.
    For(Duration),
    /// It must go.
    Over,
}

fn reconcile(snapshot: &Snapshot, item: &Item, memory: &mut Memory, now: Time) -> Outcome {
    let Some(pod) = snapshot.get::<Pod>(&item.key).filter(|pod| pod.is_active()) else {
        return Outcome::nothing();
    };
    let Some(node) = snapshot.get::<Node>(&Key::new("", pod.spec.node_name.as_str())) else {
        return Outcome::nothing();
    };
    let first_seen = *memory.get::<Option<Time>>().get_or_insert(now);
    let stays = expelling(node).map(|taint| stay(pod, taint, first_seen, now));
    let mut plan = Plan::default();
    match stays.min_by_key(rank).unwrap_or(Stay::Forever) {
        Stay::Forever => {}
        Stay::For(left) => plan.wake_in(left),
        Stay::Over => evict(&mut plan, pod, now),
    }
    if expelling(node).next().is_none() {
        *memory.get::<Option<Time>>() = None;
    }
    plan.into()
}

fn rank(stay: &Stay) -> Duration {
    match stay {
        Stay::Over => Duration::ZERO,
        Stay::For(left) => *left,
        Stay::Forever => Duration::MAX,
    }
}

/// How long a pod may stay in spite of a taint: as its first toleration says, from when the taint was added.
fn stay(pod: &Pod, taint: &Taint, first_seen: Time, now: Time) -> Stay {
    let Some(toleration) = pod.spec.tolerations.iter().find(|t| t.tolerates(taint)) else {
        return Stay::Over;
    };
    let Some(seconds) = toleration.toleration_seconds else { return Stay::Forever };
    let since = taint.time_added.as_deref().and_then(parse_time).unwrap_or(first_seen);
    until(since, seconds.max(0), now).map_or(Stay::Over, Stay::For)
}

/// Says why, then deletes.
fn evict(plan: &mut Plan, pod: &Pod, now: Time) {
    let message = "Taint manager: deleting due to NoExecute taint";
    plan.act(disrupt(pod, "DeletionByTaintManager", message, None, now));
    let owner = Owner { kind: KIND, meta: &pod.metadata, selector: &Selector::default() };
    let note = owner.note(
        NoteType::Normal,
        "TaintManagerEviction",
        format!("Marking for deletion Pod {}", pod.metadata.key()),
    );
    plan.act_and_tell(ownership::delete(KIND, &pod.metadata), note);
}

/// Notes on a pod by what it is about to be ended.
pub(crate) fn disrupt(
    pod: &Pod,
    reason: &str,
    message: &str,
    phase: Option<&str>,
    now: Time,
) -> drive::Action {
    let mut conditions = pod.status.conditions.to_vec();
    conditions.retain(|c| c.kind != "DisruptionTarget");
    conditions.push(Condition {
        kind: "DisruptionTarget".to_owned(),
        status: "True".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_time: Some(format_time(now)),
        ..Default::default()
    });
    let mut status = json!({"conditions": conditions});
    if let Some(phase) = phase {
        status["phase"] = phase.into();
    }
    ownership::patch_status(KIND, &pod.metadata, status)
}

#[cfg(test)]
mod tests {
    use drive::laws::{Scenario, check_laws};
    use object::Value;

    use super::*;

    fn at(second: i64) -> Time {
        Time::from_second(1_700_000_000 + second).unwrap()
    }

    /// Whether a pod with these tolerations is still there `seconds` after its node got these taints.
    fn check(tolerations: Value, taints: Value, seconds: u64, stays: bool) {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "d"},
            "spec": {"nodeName": "n", "tolerations": tolerations}, "status": {"phase": "Running"},
        });
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {"taints": taints}});
        let horizon = Duration::from_secs(seconds);
        let scenario = Scenario { horizon, ..Scenario::new("taint", at(0), vec![pod, node]) };
        let end = check_laws(&CONTROLLER, &scenario);
        assert_eq!(!end.all("Pod").is_empty(), stays, "{scenario:?}", scenario = scenario.objects);
    }

    #[test]
    fn pods_leave_when_their_time_is_over() {
        let taint = json!([{"key": "k", "effect": "NoExecute", "timeAdded": format_time(at(-10))}]);
        let forever = json!([{"key": "k", "operator": "Exists"}]);
        let minutes =
            json!([{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]);
        check(json!([]), json!([]), 999, true);
        check(json!([]), taint.clone(), 0, false);
        check(json!([]), json!([{"key": "k", "effect": "NoSchedule"}]), 999, true);
        check(forever, taint.clone(), 999, true);
        check(minutes.clone(), taint.clone(), 280, true);
        check(minutes.clone(), taint.clone(), 290, false);
        check(minutes, json!([{"key": "k", "effect": "NoExecute"}]), 299, true);
        check(json!([{"key": "k", "operator": "Equal", "value": "x"}]), taint.clone(), 0, false);
        check(json!([{"operator": "Exists"}]), taint, 999, true);
    }
}
