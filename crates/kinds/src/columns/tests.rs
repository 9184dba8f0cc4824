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
    check("apps", "StatefulSet", object.clone(), "web | 2/3 | 5m | a,b | one,two");
    check("apps", "ReplicaSet", object.clone(), &format!("web | 3 | 4 | 2 | 5m | {wide}"));
    let mut controller = object;
    controller["spec"]["selector"] = json!({ "app": "web" });
    check("", "ReplicationController", controller, "web | 3 | 4 | 2 | 5m | a,b | one,two | app=web");
    let daemons = json!({
        "metadata": meta(),
        "spec": { "selector": { "matchLabels": { "app": "web" } },
            "template": { "spec": { "containers": [], "nodeSelector": { "disk": "ssd" } } } },
        "status": { "desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3,
            "updatedNumberScheduled": 2, "numberAvailable": 1 },
    });
    check("apps", "DaemonSet", daemons, "web | 5 | 4 | 3 | 2 | 1 | disk=ssd | 5m |  |  | app=web");
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

#[test]
fn ways_to_services_say_where_they_lead() {
    let group = "networking.k8s.io";
    let rule = |host: &str| json!({ "host": host });
    let ingress = |spec: Value, status: Value| json!({ "metadata": meta(), "spec": spec, "status": status });
    check(group, "Ingress", ingress(json!({}), json!({})), "web | <none> | * |  | 80 | 5m");
    let spec = json!({ "ingressClassName": "a", "rules": [rule("x"), rule("y"), rule(""), rule("z"), rule("")], "tls": [{}] });
    let status = json!({ "loadBalancer": { "ingress": [{ "ip": "192.0.2.2" }, { "hostname": "a.example" }, { "ip": "192.0.2.2" }] } });
    check(
        group,
        "Ingress",
        ingress(spec, status),
        "web | a | x,y,z + 2 more... | 192.0.2.2,a.example | 80, 443 | 5m",
    );
    let class = |parameters: Value| json!({ "metadata": meta(), "spec": { "controller": "c", "parameters": parameters } });
    check(group, "IngressClass", class(Value::Null), "web | c | <none> | 5m");
    let parameters = json!({ "apiGroup": "g", "kind": "K", "name": "n" });
    check(group, "IngressClass", class(parameters), "web | c | K.g/n | 5m");
    let policy = |selector: Value| json!({ "metadata": meta(), "spec": { "podSelector": selector } });
    check(group, "NetworkPolicy", policy(json!({})), "web | <none> | 5m");
    check(group, "NetworkPolicy", policy(json!({ "matchLabels": { "a": "b" } })), "web | a=b | 5m");
    let address = |parent: Value| json!({ "metadata": meta(), "spec": { "parentRef": parent } });
    check(group, "IPAddress", address(Value::Null), "web | <none> | 5m");
    let service = json!({ "resource": "services", "namespace": "n", "name": "s" });
    check(group, "IPAddress", address(service), "web | services/n/s | 5m");
    let gateway = json!({ "group": "G.example", "resource": "gateways", "name": "g" });
    check(group, "IPAddress", address(gateway), "web | gateways.g.example/g | 5m");
    let range = json!({ "metadata": meta(), "spec": { "cidrs": ["10.0.0.0/24", "fd00::/108"] } });
    check(group, "ServiceCIDR", range, "web | 10.0.0.0/24,fd00::/108 | 5m");
}

#[test]
fn drivers_say_what_they_do() {
    let group = "storage.k8s.io";
    let driver = |spec: Value| json!({ "metadata": meta(), "spec": spec });
    let plain = "web | true | false | false | <unset> | false | <none> | 5m";
    check(group, "CSIDriver", driver(json!({})), plain);
    let spec = json!({
        "attachRequired": false, "podInfoOnMount": true, "storageCapacity": true, "requiresRepublish": true,
        "tokenRequests": [{ "audience": "a" }, { "audience": "b" }], "volumeLifecycleModes": ["Persistent", "Ephemeral"],
    });
    let rich = "web | false | true | true | a,b | true | Persistent,Ephemeral | 5m";
    check(group, "CSIDriver", driver(spec), rich);
    check(group, "CSINode", driver(json!({ "drivers": [{}, {}] })), "web | 2 | 5m");
    let room = json!({ "metadata": meta(), "storageClassName": "fast", "capacity": "1Gi" });
    check(group, "CSIStorageCapacity", room, "web | fast | 1Gi");
    check(group, "CSIStorageCapacity", json!({ "metadata": meta() }), "web |  | <unset>");
    let attachment = json!({
        "metadata": meta(), "status": { "attached": true },
        "spec": { "attacher": "a", "nodeName": "n", "source": { "persistentVolumeName": "v" } },
    });
    check(group, "VolumeAttachment", attachment, "web | a | v | n | true | 5m");
    check(group, "VolumeAttributesClass", json!({ "metadata": meta(), "driverName": "a" }), "web | a | 5m");
    let bound = json!({ "metadata": meta(), "spec": { "volumeName": "v" }, "status": { "phase": "Bound" } });
    check("", "PersistentVolumeClaim", bound, "web | Bound | v | 0 |  |  | <unset> | 5m | <unset>");
    let migration = |of: Value| json!({ "metadata": meta(), "spec": { "resource": of } });
    let group = "storagemigration.k8s.io";
    check(group, "StorageVersionMigration", migration(json!({ "resource": "pods" })), "web | pods");
    let deployments = json!({ "resource": "deployments", "group": "apps" });
    check(group, "StorageVersionMigration", migration(deployments), "web | deployments.apps");
}

#[test]
fn jobs_say_how_far_they_are() {
    let check_job = |spec: Value, status: Value, expect: &str| {
        let job = json!({ "metadata": meta(), "spec": spec, "status": status });
        check("batch", "Job", job, &format!("web | {expect} | 5m |  |  | <none>"));
    };
    let condition = |kind: &str| json!([{ "type": kind, "status": "True" }]);
    check_job(json!({ "completions": 3 }), json!({ "succeeded": 1 }), "Running | 1/3 | ");
    check_job(json!({ "parallelism": 1 }), json!({}), "Running | 0/1 | ");
    check_job(json!({ "parallelism": 2 }), json!({}), "Running | 0/1 of 2 | ");
    let start = "2026-01-01T23:58:00Z";
    check_job(json!({ "completions": 1 }), json!({ "startTime": start }), "Running | 0/1 | 2m");
    let done = json!({ "startTime": start, "completionTime": "2026-01-01T23:58:09Z", "succeeded": 1,
        "conditions": condition("Complete") });
    check_job(json!({ "completions": 1 }), done, "Complete | 1/1 | 9s");
    for kind in ["Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet"] {
        let status = json!({ "conditions": condition(kind) });
        check_job(json!({ "completions": 1 }), status, &format!("{kind} | 0/1 | "));
    }
    let spec = json!({ "completions": 1, "selector": { "matchLabels": { "a": "b" } } });
    let mut deleted =
        json!({ "metadata": meta(), "spec": spec, "status": { "conditions": condition("Suspended") } });
    deleted["metadata"]["deletionTimestamp"] = NOW.into();
    check("batch", "Job", deleted, "web | Terminating | 0/1 |  | 5m |  |  | a=b");
}

#[test]
fn cron_jobs_say_when_they_ran() {
    let pod = json!({ "containers": [{ "name": "a", "image": "one" }] });
    let job = json!({ "spec": { "template": { "spec": pod } } });
    let mut cron_job =
        json!({ "metadata": meta(), "spec": { "schedule": "@daily", "suspend": false, "jobTemplate": job } });
    let wide = "5m | a | one | <none>";
    check(
        "batch",
        "CronJob",
        cron_job.clone(),
        &format!("web | @daily | <none> | False | 0 | <none> | {wide}"),
    );
    cron_job["spec"]["timeZone"] = "Europe/Paris".into();
    cron_job["spec"]["suspend"] = true.into();
    cron_job["status"] = json!({ "active": [{}], "lastScheduleTime": "2026-01-01T23:59:00Z" });
    check("batch", "CronJob", cron_job, &format!("web | @daily | Europe/Paris | True | 1 | 60s | {wide}"));
}

#[test]
fn autoscalers_say_what_they_go_by() {
    let check_targets = |metrics: Value, current: Value, expect: &str| {
        let target = json!({ "kind": "Deployment", "name": "db" });
        let object = json!({
            "metadata": meta(),
            "spec": { "scaleTargetRef": target, "maxReplicas": 3, "metrics": metrics },
            "status": { "currentReplicas": 2, "currentMetrics": current },
        });
        let cells = format!("web | Deployment/db | {expect} | <unset> | 3 | 2 | 5m");
        check("autoscaling", "HorizontalPodAutoscaler", object, &cells);
    };
    let metric = |kind: &str, field: &str, target: Value| json!({ "type": kind, field: { "name": "cpu", "target": target } });
    let now = |field: &str, current: Value| json!({ field: { "current": current } });
    let share = metric("Resource", "resource", json!({ "averageUtilization": 80 }));
    let raw = metric("ContainerResource", "containerResource", json!({ "averageValue": "100m" }));
    let pods = metric("Pods", "pods", json!({ "averageValue": "5" }));
    check_targets(json!([]), json!([]), "<none>");
    check_targets(json!([share]), json!([]), "cpu: <unknown>/80%");
    let current = json!([
        now("resource", json!({ "averageUtilization": 7 })),
        now("containerResource", json!({ "averageValue": "50m" })),
    ]);
    check_targets(json!([share, raw]), current, "cpu: 7%/80%, cpu: 50m/100m");
    let external = metric("External", "external", json!({ "averageValue": "5" }));
    let object = metric("Object", "object", json!({ "value": "1k" }));
    let current =
        json!([now("external", json!({ "averageValue": "3" })), now("object", json!({ "value": "2k" }))]);
    check_targets(json!([external, object]), current, "3/5 (avg), 2k/1k");
    let current = json!([now("pods", json!({ "averageValue": "4" }))]);
    check_targets(json!([pods, share, raw]), current, "4/5, cpu: <unknown>/80% + 1 more...");
}

#[test]
fn devices_say_who_has_them() {
    let check_claim = |claim: Value, state: &str| {
        let mut object = json!({ "metadata": meta() });
        merge(&mut object, &claim);
        check("resource.k8s.io", "ResourceClaim", object, &format!("web | {state} | 5m"));
    };
    let allocated = json!({ "status": { "allocation": {}, "reservedFor": [{ "name": "a" }] } });
    check_claim(json!({}), "pending");
    check_claim(allocated.clone(), "allocated,reserved");
    check_claim(json!({ "metadata": { "deletionTimestamp": NOW } }), "deleted");
    check("resource.k8s.io", "ResourceClaimTemplate", json!({ "metadata": meta() }), "web | 5m");
    check("resource.k8s.io", "DeviceClass", json!({ "metadata": meta() }), "web | 5m");
    check("resource.k8s.io", "DeviceTaintRule", json!({ "metadata": meta() }), "web | 5m");
    let spec = json!({ "nodeName": "n1", "driver": "d.example", "pool": { "name": "p" } });
    let slice = json!({ "metadata": meta(), "spec": spec });
    check("resource.k8s.io", "ResourceSlice", slice, "web | n1 | d.example | p | 5m");
}

#[test]
fn flows_say_what_they_get() {
    const FLOW: &str = "flowcontrol.apiserver.k8s.io";
    let spec = json!({ "priorityLevelConfiguration": { "name": "level" }, "matchingPrecedence": 7 });
    let mut schema = json!({ "metadata": meta(), "spec": spec });
    check(FLOW, "FlowSchema", schema.clone(), "web | level | 7 | <none> | 5m | ?");
    schema["spec"]["distinguisherMethod"] = json!({ "type": "ByUser" });
    schema["status"] = json!({ "conditions": [{ "type": "Dangling", "status": "False" }] });
    check(FLOW, "FlowSchema", schema, "web | level | 7 | ByUser | 5m | False");
    let queuing = json!({ "queues": 64, "handSize": 8, "queueLengthLimit": 50 });
    let limited = json!({ "nominalConcurrencyShares": 30, "limitResponse": { "queuing": queuing } });
    let level = json!({ "metadata": meta(), "spec": { "type": "Limited", "limited": limited } });
    check(FLOW, "PriorityLevelConfiguration", level, "web | Limited | 30 | 64 | 8 | 50 | 5m");
    let level = json!({ "metadata": meta(), "spec": { "type": "Exempt" } });
    let none = "<none> | <none> | <none> | <none>";
    check(FLOW, "PriorityLevelConfiguration", level, &format!("web | Exempt | {none} | 5m"));
}

#[test]
fn extensions_say_what_they_do() {
    const ADMISSION: &str = "admissionregistration.k8s.io";
    let hooks = json!({ "metadata": meta(), "webhooks": [{}, {}] });
    check(ADMISSION, "ValidatingWebhookConfiguration", hooks.clone(), "web | 2 | 5m");
    check(ADMISSION, "MutatingWebhookConfiguration", hooks, "web | 2 | 5m");
    let spec = json!({ "validations": [{}], "mutations": [{}, {}], "paramKind": { "apiVersion": "v1", "kind": "ConfigMap" } });
    let policy = json!({ "metadata": meta(), "spec": spec });
    check(ADMISSION, "ValidatingAdmissionPolicy", policy.clone(), "web | 1 | v1/ConfigMap | 5m");
    check(ADMISSION, "MutatingAdmissionPolicy", policy, "web | 2 | v1/ConfigMap | 5m");
    for (reference, shown) in [
        (json!(null), "<unset>"),
        (json!({ "name": "a" }), "*/a"),
        (json!({ "name": "a", "namespace": "n" }), "n/a"),
        (json!({ "selector": { "matchLabels": { "a": "b" } } }), "a=b"),
    ] {
        let binding = json!({ "metadata": meta(), "spec": { "policyName": "p", "paramRef": reference } });
        let expect = format!("web | p | {shown} | 5m");
        check(ADMISSION, "ValidatingAdmissionPolicyBinding", binding.clone(), &expect);
        check(ADMISSION, "MutatingAdmissionPolicyBinding", binding, &expect);
    }
    let definition = json!({ "metadata": meta() });
    check("apiextensions.k8s.io", "CustomResourceDefinition", definition, "web | 2026-01-01T23:55:00Z");
    let local = json!({ "metadata": meta() });
    check("apiregistration.k8s.io", "APIService", local, "web | Local | Unknown | 5m");
    let conditions = json!([{ "type": "Available", "status": "False", "reason": "ServiceNotFound" }]);
    let remote = json!({ "metadata": meta(), "spec": { "service": { "namespace": "n", "name": "s" } }, "status": { "conditions": conditions } });
    check("apiregistration.k8s.io", "APIService", remote, "web | n/s | False (ServiceNotFound) | 5m");
    let healthy = json!([{ "type": "Healthy", "status": "True", "message": "ok" }]);
    let component = json!({ "metadata": meta(), "conditions": healthy });
    check("", "ComponentStatus", component, "web | Healthy | ok | ");
}

#[test]
fn certificates_say_who_signs() {
    const GROUP: &str = "certificates.k8s.io";
    let bundle = |spec: Value| json!({ "metadata": meta(), "spec": spec });
    check(GROUP, "ClusterTrustBundle", bundle(json!({})), "web | <none>");
    check(GROUP, "ClusterTrustBundle", bundle(json!({ "signerName": "a.example/b" })), "web | a.example/b");
    let spec =
        json!({ "podName": "p", "serviceAccountName": "s", "nodeName": "n", "signerName": "a.example/b" });
    let mut request = json!({ "metadata": meta(), "spec": spec });
    check(GROUP, "PodCertificateRequest", request.clone(), "web | p | s | n | a.example/b | Pending | 5m");
    request["status"] = json!({ "conditions": [{ "type": "Issued", "status": "True" }] });
    check(GROUP, "PodCertificateRequest", request, "web | p | s | n | a.example/b | Issued | 5m");
}
