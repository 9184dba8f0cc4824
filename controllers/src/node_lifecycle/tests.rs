use std::time::Duration;

use drive::laws::{Scenario, World, check_laws};
use object::{Value, format_micro_time};

use super::*;

fn at(second: i64) -> Time {
    Time::from_second(1_700_000_000 + second).unwrap()
}

fn node(ready: &str) -> Value {
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastHeartbeatTime": format_time(at(0))});
    let conditions = if ready.is_empty() {
        json!([])
    } else {
        json!([condition("Ready", ready), condition("DiskPressure", "False")])
    };
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {}, "status": {"conditions": conditions},
    })
}

fn lease() -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "n", "namespace": LEASES}, "spec": {"renewTime": format_micro_time(at(0))},
    })
}

fn pod(node: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("on-{node}"), "namespace": "d"},
        "spec": {"nodeName": node}, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// An agent that renews its lease at every look.
fn alive(world: &mut World) {
    for lease in world.all("Lease") {
        let now = format_micro_time(world.now);
        world.change(&lease, |lease| lease["spec"]["renewTime"] = now.into());
    }
}

fn check(
    name: &'static str,
    objects: Vec<Value>,
    others: fn(&mut World),
    ready: &str,
    taints: &[&str],
) -> World {
    let horizon = Duration::from_secs(300);
    let ignore = &["lastTransitionTime", "timeAdded", "renewTime"];
    let scenario = Scenario { horizon, others, ignore, ..Scenario::new(name, at(0), objects) };
    let end = check_laws(&CONTROLLER, &scenario);
    let node: Node = serde_json::from_value(end.all("Node").remove(0)).unwrap();
    assert_eq!(node.readiness(), ready, "{name}");
    let has: Vec<String> = node
        .spec
        .taints
        .iter()
        .map(|t| format!("{}:{}", t.key.rsplit('/').next().unwrap(), t.effect))
        .collect();
    assert_eq!(has, taints, "{name}");
    end
}

#[test]
fn silent_nodes_become_unknown() {
    let silent = ["unreachable:NoSchedule", "unreachable:NoExecute"];
    let end =
        check("silent", vec![node("True"), lease(), pod("n"), pod("other")], |_| {}, "Unknown", &silent);
    let ready = |name: &str| {
        let pods = end.all("Pod");
        let pod = pods.iter().find(|pod| pod["metadata"]["name"] == name).unwrap();
        pod["status"]["conditions"][0]["status"].clone()
    };
    assert_eq!((ready("on-n"), ready("on-other")), (json!("False"), json!("True")));
    let conditions = end.all("Node")[0]["status"]["conditions"].clone();
    assert_eq!(conditions[0]["message"], "Kubelet stopped posting node status.");
    assert_eq!(conditions[2]["message"], "Kubelet never posted node status.");
    check("alive", vec![node("True"), lease()], alive, "True", &[]);
    check("never heard of", vec![node("")], |_| {}, "Unknown", &silent);
}

#[test]
fn taints_follow_conditions() {
    check(
        "not ready",
        vec![node("False"), lease()],
        alive,
        "False",
        &["not-ready:NoSchedule", "not-ready:NoExecute"],
    );
    let mut cordoned = node("True");
    cordoned["spec"]["unschedulable"] = true.into();
    check("cordoned", vec![cordoned, lease()], alive, "True", &["unschedulable:NoSchedule"]);
    let mut back = node("True");
    back["spec"]["taints"] = json!([
        {"key": "mine", "effect": "NoSchedule"},
        {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"},
        {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
    ]);
    check("back", vec![back, lease()], alive, "True", &["mine:NoSchedule"]);
}
