//! Rows of the Table, as kubectl shows them.

use object::{Value, parse_time};
use serde_json::json;

use super::{table_excerpt, table_row};
use crate::built_in;

const NOW: &str = "2026-01-02T00:00:00Z";

/// Checks the cells of an object after its name, with a bar between.
fn check(group: &str, kind: &str, object: Value, expect: &str) {
    let (table, now) = (built_in(), parse_time(NOW).expect("a time"));
    let kind = table.kind(group, kind).expect("a row");
    let show = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    let cells: Vec<String> = table_row(kind, &object, now).iter().map(show).collect();
    assert_eq!(cells.join(" | "), expect, "{object}");
    let excerpt = table_excerpt(kind).read(object.to_string().as_bytes()).expect("JSON");
    let of_excerpt: Vec<String> = table_row(kind, &excerpt, now).iter().map(show).collect();
    assert_eq!(of_excerpt, cells, "of what the columns are said to read of {object}");
}

fn meta() -> Value {
    json!({ "name": "web", "creationTimestamp": "2026-01-01T23:55:00Z" })
}

/// Checks the READY, STATUS and RESTARTS of a pod with one container `a`, after these changes.
fn check_pod(changes: Value, expect: &str) {
    let mut pod = json!({ "metadata": meta(), "spec": { "containers": [{ "name": "a" }] }, "status": { "phase": "Running" } });
    merge(&mut pod, &changes);
    check("", "Pod", pod, &format!("web | {expect} | 5m | <none> | <none> | <none> | <none>"));
}

fn merge(into: &mut Value, changes: &Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            changes.iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, changes) => *into = changes.clone(),
    }
}

fn state(state: Value, restarts: i64, ready: bool) -> Value {
    json!({ "name": "a", "state": state, "restartCount": restarts, "ready": ready })
}

#[test]
fn pods_say_how_they_are() {
    let status = |containers: Value| json!({ "status": { "containerStatuses": containers } });
    let running = || json!({ "running": {} });
    let waiting = |reason: &str| json!({ "waiting": { "reason": reason } });
    let ended = |code: i64, reason: &str| json!({ "terminated": { "exitCode": code, "reason": reason } });

    check_pod(json!({ "status": { "phase": "Pending" } }), "0/1 | Pending | 0");
    check_pod(
        json!({ "status": { "phase": "Pending", "conditions":
        [{ "type": "PodScheduled", "status": "False", "reason": "SchedulingGated" }] } }),
        "0/1 | SchedulingGated | 0",
    );
    check_pod(json!({ "status": { "phase": "Failed", "reason": "Evicted" } }), "0/1 | Evicted | 0");
    check_pod(status(json!([state(waiting("ContainerCreating"), 0, false)])), "0/1 | ContainerCreating | 0");
    check_pod(status(json!([state(waiting("ImagePullBackOff"), 0, false)])), "0/1 | ImagePullBackOff | 0");
    check_pod(status(json!([state(running(), 0, true)])), "1/1 | Running | 0");
    check_pod(status(json!([state(ended(0, "Completed"), 0, false)])), "0/1 | Completed | 0");
    check_pod(status(json!([state(ended(1, "Error"), 0, false)])), "0/1 | Error | 0");
    check_pod(status(json!([state(ended(3, ""), 0, false)])), "0/1 | ExitCode:3 | 0");
    let mut half = status(json!([state(running(), 0, true), state(ended(0, "Completed"), 0, false)]));
    check_pod(half.clone(), "1/1 | NotReady | 0");
    half["status"]["conditions"] = json!([{ "type": "Ready", "status": "True" }]);
    check_pod(half, "1/1 | Running | 0");

    let mut crashed = state(waiting("CrashLoopBackOff"), 3, false);
    crashed["lastState"] = json!({ "terminated": { "exitCode": 1, "finishedAt": "2026-01-01T23:55:00Z" } });
    check_pod(status(json!([crashed])), "0/1 | CrashLoopBackOff | 3 (5m ago)");

    let deleted = json!({ "metadata": { "deletionTimestamp": NOW } });
    check_pod(deleted.clone(), "0/1 | Terminating | 0");
    let mut lost = deleted;
    lost["status"] = json!({ "reason": "NodeLost" });
    check_pod(lost, "0/1 | Unknown | 0");
}

#[test]
fn pods_say_how_far_their_init_containers_are() {
    let init = |statuses: Value| {
        json!({
            "spec": { "initContainers": [{ "name": "i" }, { "name": "s", "restartPolicy": "Always" }] },
            "status": { "phase": "Pending", "initContainerStatuses": statuses },
        })
    };
    let one = |name: &str, state: Value| json!({ "name": name, "state": state, "restartCount": 1 });
    let done = json!({ "terminated": { "exitCode": 0 } });

    check_pod(init(json!([one("i", json!({ "running": {} }))])), "0/2 | Init:0/2 | 1");
    check_pod(
        init(json!([one("i", json!({ "waiting": { "reason": "PodInitializing" } }))])),
        "0/2 | Init:0/2 | 1",
    );
    check_pod(
        init(json!([one("i", json!({ "waiting": { "reason": "ErrImagePull" } }))])),
        "0/2 | Init:ErrImagePull | 1",
    );
    check_pod(
        init(json!([one("i", json!({ "terminated": { "exitCode": 2 } }))])),
        "0/2 | Init:ExitCode:2 | 1",
    );
    check_pod(
        init(json!([one("i", done.clone()), one("s", json!({ "running": {} }))])),
        "0/2 | Init:1/2 | 2",
    );
    let mut sidecar = one("s", json!({ "running": {} }));
    sidecar["started"] = true.into();
    sidecar["ready"] = true.into();
    check_pod(init(json!([one("i", done), sidecar])), "1/2 | Pending | 1");
}

#[test]
fn workloads_say_how_many_are_ready() {
    let spec = json!({
        "replicas": 3,
        "selector": { "matchLabels": { "app": "web" }, "matchExpressions": [
            { "key": "a", "operator": "In", "values": ["y", "x"] }, { "key": "z", "operator": "DoesNotExist" }] },
        "template": { "spec": { "containers": [{ "name": "a", "image": "one" }, { "name": "b", "image": "two" }] } },
    });
    let status = json!({ "replicas": 4, "readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2 });
    let object = json!({ "metadata": meta(), "spec": spec, "status": status });
    let wide = "a,b | one,two | a in (x,y),app=web,!z";
    check("apps", "Deployment", object.clone(), &format!("web | 2/3 | 1 | 2 | 5m | {wide}"));
    check("apps", "ReplicaSet", object, &format!("web | 3 | 4 | 2 | 5m | {wide}"));
    let budget =
        json!({ "metadata": meta(), "spec": { "maxUnavailable": 1 }, "status": { "disruptionsAllowed": 2 } });
    check("policy", "PodDisruptionBudget", budget, "web | N/A | 1 | 2 | 5m");
}

#[test]
fn services_say_where_they_are() {
    let service = |spec: Value, status: Value| json!({ "metadata": meta(), "spec": spec, "status": status });
    let ports =
        json!([{ "port": 80, "protocol": "TCP" }, { "port": 53, "nodePort": 30053, "protocol": "UDP" }]);
    check(
        "",
        "Service",
        service(
            json!({ "type": "ClusterIP", "clusterIPs": ["10.0.0.1"], "ports": ports, "selector": { "b": "2", "a": "1" } }),
            json!({}),
        ),
        "web | ClusterIP | 10.0.0.1 | <none> | 80/TCP,53:30053/UDP | 5m | a=1,b=2",
    );
    check(
        "",
        "Service",
        service(json!({ "type": "ExternalName", "externalName": "a.example" }), json!({})),
        "web | ExternalName | <none> | a.example | <none> | 5m | <none>",
    );
    let balanced = json!({ "type": "LoadBalancer", "clusterIPs": ["10.0.0.1"] });
    check(
        "",
        "Service",
        service(balanced.clone(), json!({})),
        "web | LoadBalancer | 10.0.0.1 | <pending> | <none> | 5m | <none>",
    );
    check(
        "",
        "Service",
        service(balanced, json!({ "loadBalancer": { "ingress": [{ "ip": "192.0.2.1" }] } })),
        "web | LoadBalancer | 10.0.0.1 | 192.0.2.1 | <none> | 5m | <none>",
    );
    let addresses =
        json!([{ "ip": "10.0.0.1" }, { "ip": "10.0.0.2" }, { "ip": "10.0.0.3" }, { "ip": "fd00::1" }]);
    let subsets = json!([{ "addresses": addresses, "ports": [{ "port": 80 }] }]);
    check(
        "",
        "Endpoints",
        json!({ "metadata": meta(), "subsets": subsets }),
        "web | 10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more... | 5m",
    );
    check(
        "discovery.k8s.io",
        "EndpointSlice",
        json!({ "metadata": meta(), "addressType": "IPv4", "ports": [{ "port": 80 }], "endpoints": [{ "addresses": ["10.0.0.1"] }] }),
        "web | IPv4 | 80 | 10.0.0.1 | 5m",
    );
    check(
        "discovery.k8s.io",
        "EndpointSlice",
        json!({ "metadata": meta(), "addressType": "IPv4" }),
        "web | IPv4 | <unset> | <unset> | 5m",
    );
}

#[test]
fn nodes_say_what_they_are() {
    let mut node = json!({
        "metadata": meta(),
        "status": {
            "conditions": [{ "type": "Ready", "status": "True" }],
            "nodeInfo": { "kubeletVersion": "v1.37.0", "osImage": "Debian" },
            "addresses": [{ "type": "InternalIP", "address": "192.0.2.1" }],
        },
    });
    let wide = "5m | v1.37.0 | 192.0.2.1 | <none> | Debian | <unknown> | <unknown>";
    check("", "Node", node.clone(), &format!("web | Ready | <none> | {wide}"));
    node["spec"] = json!({ "unschedulable": true });
    node["metadata"]["labels"] =
        json!({ "node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge" });
    check("", "Node", node, &format!("web | Ready,SchedulingDisabled | edge,worker | {wide}"));
}

#[test]
fn small_kinds_say_what_counts() {
    check(
        "",
        "Namespace",
        json!({ "metadata": meta(), "status": { "phase": "Active" } }),
        "web | Active | 5m",
    );
    check(
        "",
        "ConfigMap",
        json!({ "metadata": meta(), "data": { "a": "" }, "binaryData": { "b": "" } }),
        "web | 2 | 5m",
    );
    check("", "Secret", json!({ "metadata": meta(), "type": "Opaque" }), "web | Opaque | 0 | 5m");
    check("", "ServiceAccount", json!({ "metadata": meta() }), "web | 0 | 5m");
    check("", "LimitRange", json!({ "metadata": meta() }), "web | 2026-01-01T23:55:00Z");
    check(
        "coordination.k8s.io",
        "Lease",
        json!({ "metadata": meta(), "spec": { "holderIdentity": "me" } }),
        "web | me | 5m",
    );
    check(
        "scheduling.k8s.io",
        "PriorityClass",
        json!({ "metadata": meta(), "value": 7 }),
        "web | 7 | false | 5m | ",
    );
    let quota = json!({ "metadata": meta(), "status": { "hard": { "pods": "4", "cpu": "2", "limits.cpu": "3" }, "used": { "pods": "1" } } });
    check("", "ResourceQuota", quota, "web | cpu: 0/2, pods: 1/4 | limits.cpu: 0/3 | 5m");
    let binding = json!({ "metadata": meta(), "roleRef": { "kind": "Role", "name": "r" }, "subjects": [
        { "kind": "User", "name": "u" }, { "kind": "ServiceAccount", "namespace": "n", "name": "s" }] });
    check("rbac.authorization.k8s.io", "RoleBinding", binding, "web | Role/r | 5m | u |  | n/s");
}

#[test]
fn events_say_what_happened_to_whom() {
    let event = json!({
        "metadata": meta(),
        "type": "Normal",
        "reason": "Started",
        "involvedObject": { "kind": "Pod", "name": "web", "fieldPath": "spec.containers{a}" },
        "message": " up\n",
        "source": { "component": "kubelet", "host": "n1" },
        "firstTimestamp": "2026-01-01T22:00:00Z",
        "lastTimestamp": "2026-01-01T23:59:30Z",
        "count": 4,
    });
    check(
        "",
        "Event",
        event,
        "30s | Normal | Started | pod/web | spec.containers{a} | kubelet, n1 | up | 120m | 4 | web",
    );
    let bare = json!({ "metadata": meta(), "involvedObject": { "kind": "Node" } });
    check("", "Event", bare, "<unknown> |  |  | node |  |  |  | <unknown> | 1 | web");
}

#[test]
fn storage_says_who_has_what() {
    let volume = json!({
        "metadata": meta(),
        "spec": {
            "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain", "claimRef": { "namespace": "n", "name": "c" },
            "storageClassName": "fast", "volumeMode": "Filesystem",
        },
        "status": { "phase": "Bound" },
    });
    check(
        "",
        "PersistentVolume",
        volume,
        "web | 1Gi | RWO,RWX | Retain | Bound | n/c | fast | <unset> |  | 5m | Filesystem",
    );
    let claim = json!({ "metadata": meta(), "spec": {}, "status": { "phase": "Pending" } });
    check("", "PersistentVolumeClaim", claim, "web | Pending |  |  |  |  | <unset> | 5m | <unset>");
    let mut class = json!({ "metadata": meta(), "provisioner": "p" });
    class["metadata"]["annotations"] = json!({ "storageclass.kubernetes.io/is-default-class": "true" });
    check("storage.k8s.io", "StorageClass", class, "web (default) | p | Delete | Immediate | false | 5m");
}
