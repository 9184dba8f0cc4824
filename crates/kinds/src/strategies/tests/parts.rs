//! Writes to parts of objects, and writes of events by their own group.

use object::{FieldErrors, Time, Value};
use serde_json::json;

use super::{changed, created, row, texts, wrong};
use crate::rules::Read;
use crate::{Kind, Part, built_in};

const NOW: &str = "2024-05-06T07:08:09Z";
const ONLY: &str = "spec: Forbidden: only cpu and memory resources are mutable";

fn now() -> Time {
    NOW.parse().expect("a time")
}

/// What a write to a part stores, and what is wrong with it.
fn written(kind: &str, part: &Part, old: &Value, new: &Value) -> (Value, FieldErrors) {
    let row = row(kind);
    let mut taken = part.taken(new, old);
    row.strategy.prepare_part(part, &mut taken, old, now());
    let mut errors = if part.whole { wrong(&row, &taken) } else { FieldErrors::new() };
    errors.extend(match *part {
        Part::STATUS => row.strategy.validate_status(&taken, old),
        _ => row.strategy.validate_part(part, &taken, old),
    });
    (taken, errors)
}

/// Checks what is wrong with changes of a part of an object, which is complete.
fn check(kind: &str, part: &Part, old: &Value, changes: Value, expect: &[&str]) {
    let (stored, errors) = written(kind, part, old, &changed(old.clone(), &changes));
    assert_eq!(texts(errors), expect, "{stored}");
}

fn pod(spec: Value) -> Value {
    let containers = json!([
        { "name": "a", "image": "x", "resources": { "requests": { "cpu": "1" }, "limits": { "cpu": "1" } } },
    ]);
    created("Pod", json!({ "spec": changed(json!({ "containers": containers }), &spec) }))
}

fn mirrored(pod: &Value) -> Value {
    let notes = json!({ "kubernetes.io/config.mirror": "x" });
    changed(pod.clone(), &json!({ "metadata": { "annotations": notes }, "spec": { "nodeName": "n1" } }))
}

#[test]
fn every_part_is_of_its_kind() {
    let table = crate::built_in();
    let parts = |kind: &Kind| -> Vec<&str> {
        let parts = kind.subresources.iter().filter_map(|one| match one {
            crate::Subresource::Part(part) => Some(part.name),
            _ => None,
        });
        parts.collect()
    };
    let check = |group, kind, expect: &[&str]| {
        assert_eq!(parts(table.kind(group, kind).expect("a row")), expect);
    };
    check("", "Pod", &["status", "ephemeralcontainers", "resize"]);
    check("", "Namespace", &["status", "finalize"]);
    check("certificates.k8s.io", "CertificateSigningRequest", &["status", "approval"]);
}

#[test]
fn ephemeral_containers_are_added() {
    let ephemeral = |containers: Value| json!({ "spec": { "ephemeralContainers": containers } });
    let debugger = json!({ "name": "d", "image": "busybox", "imagePullPolicy": "Always" });
    let plain = pod(json!({}));
    let part = &Part::EPHEMERAL_CONTAINERS;
    check("Pod", part, &plain, ephemeral(json!([debugger])), &[]);
    let old = changed(plain.clone(), &ephemeral(json!([debugger])));
    let other = changed(debugger.clone(), &json!({ "image": "alpine" }));
    check(
        "Pod",
        part,
        &old,
        ephemeral(json!([other])),
        &["spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be changed\n"],
    );
    check(
        "Pod",
        part,
        &old,
        ephemeral(json!([])),
        &["spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be removed\n"],
    );
    let second = changed(debugger.clone(), &json!({ "name": "e", "targetContainerName": "a" }));
    check("Pod", part, &old, ephemeral(json!([second, debugger])), &[]);
    let bad = changed(
        debugger.clone(),
        &json!({
            "name": "a", "targetContainerName": "d", "ports": [{ "containerPort": 1, "protocol": "TCP" }],
            "resources": { "limits": { "cpu": "1" } }, "livenessProbe": { "exec": { "command": ["x"] } },
            "restartPolicy": "Always", "volumeMounts": [{ "name": "v", "mountPath": "/v", "subPath": "s" }],
        }),
    );
    let with_volume = pod(json!({ "volumes": [{ "name": "v", "emptyDir": {} }] }));
    let at = "spec.ephemeralContainers[0]";
    let set = "Forbidden: cannot be set for an Ephemeral Container";
    check(
        "Pod",
        part,
        &with_volume,
        ephemeral(json!([bad])),
        &[
            &format!("{at}.name: Duplicate value: \"a\""),
            &format!("{at}.targetContainerName: Not found: \"d\""),
            &format!("{at}.ports: {set}"),
            &format!("{at}.resources: {set}"),
            &format!("{at}.restartPolicy: {set}"),
            &format!("{at}.livenessProbe: {set}"),
            &format!("{at}.volumeMounts[0].subPath: {set}"),
        ],
    );
    let refused = "<nil>: Forbidden: static pods do not support ephemeral containers";
    check("Pod", part, &mirrored(&plain), ephemeral(json!([debugger])), &[refused]);
    let (stored, _) =
        written("Pod", part, &plain, &changed(plain.clone(), &json!({ "spec": { "hostname": "x" } })));
    assert_eq!(stored, plain, "all else stays");
}

#[test]
fn ephemeral_containers_come_by_their_own_path() {
    let list = json!([{ "name": "d", "image": "busybox" }]);
    super::check_create(
        "Pod",
        json!({ "spec": { "containers": [{ "name": "a", "image": "x" }], "ephemeralContainers": list } }),
        &["spec.ephemeralContainers: Forbidden: cannot be set on create"],
    );
    let template =
        json!({ "spec": { "containers": [{ "name": "a", "image": "x" }], "ephemeralContainers": list } });
    super::check_create(
        "PodTemplate",
        json!({ "template": template }),
        &["template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template"],
    );
}

/// Resources of a container.
fn asks(requests: Value, limits: Value) -> Value {
    json!({ "requests": requests, "limits": limits })
}

#[test]
fn processors_and_memory_are_resized() {
    let once = json!({ "name": "i", "image": "x", "imagePullPolicy": "Always", "resources": asks(json!({ "cpu": "1" }), json!({})) });
    let lasting = changed(once.clone(), &json!({ "name": "s", "restartPolicy": "Always" }));
    let old = pod(json!({ "initContainers": [once, lasting], "containers": [
        { "name": "a", "image": "x", "resources": asks(json!({ "cpu": "1", "example.com/d": "1" }), json!({ "cpu": "2", "example.com/d": "1" })) },
        { "name": "b", "image": "x" },
    ] }));
    let (init, usual) = (old.at("spec.initContainers").clone(), old.at("spec.containers").clone());
    let resized = |list: &Value, index: usize, resources: Value| {
        let mut list = list.clone();
        list[index]["resources"] = resources;
        list
    };
    let check = |changes: Value, expect: &[&str]| {
        check("Pod", &Part::RESIZE, &old, json!({ "spec": changes }), expect);
    };
    let device = json!({ "cpu": "2", "example.com/d": "1" });
    check(json!({ "containers": resized(&usual, 0, asks(device.clone(), device.clone())) }), &[]);
    check(
        json!({ "containers": resized(&usual, 1, asks(json!({ "memory": "1Gi" }), json!({ "memory": "2Gi" }))) }),
        &[],
    );
    check(json!({ "initContainers": resized(&init, 0, asks(json!({ "cpu": "3" }), json!({}))) }), &[]);
    check(json!({ "initContainers": resized(&init, 1, asks(json!({ "cpu": "3" }), json!({}))) }), &[]);
    check(json!({ "hostname": "x" }), &[]);
    let two = json!({ "cpu": "1", "example.com/d": "2" });
    check(json!({ "containers": resized(&usual, 0, asks(two.clone(), two)) }), &[ONLY]);
    check(
        json!({ "containers": resized(&usual, 0, asks(json!({ "example.com/d": "1" }), json!({ "example.com/d": "1" }))) }),
        &[
            "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
            "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
        ],
    );
    let disk = asks(json!({ "ephemeral-storage": "1Gi" }), json!({}));
    check(json!({ "containers": resized(&usual, 1, disk.clone()) }), &[ONLY]);
    check(
        json!({ "initContainers": resized(&init, 1, changed(init[1]["resources"].clone(), &disk)) }),
        &[
            "spec.initContainers[1]: Forbidden: only cpu and memory resources for init or sidecar containers are mutable",
        ],
    );
    let mut renamed = usual.clone();
    renamed[1]["name"] = "c".into();
    check(
        json!({ "containers": renamed }),
        &["spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize"],
    );
    check(
        json!({ "containers": [usual[0]] }),
        &["spec.containers: Forbidden: containers may not be added or removed on resize"],
    );
    let mut policy = usual.clone();
    policy[0]["resizePolicy"] = json!([{ "resourceName": "cpu", "restartPolicy": "RestartContainer" }]);
    check(json!({ "containers": policy }), &[ONLY]);
}

#[test]
fn an_init_container_is_not_restarted_for_its_size() {
    let policy = json!([{ "resourceName": "cpu", "restartPolicy": "RestartContainer" }]);
    let init = |cpu: &str| {
        let resources = asks(json!({ "cpu": cpu }), json!({}));
        json!([{ "name": "i", "image": "x", "imagePullPolicy": "Always", "resizePolicy": policy, "resources": resources }])
    };
    let old = pod(json!({ "initContainers": init("1") }));
    check("Pod", &Part::RESIZE, &old, json!({ "spec": { "containers": old.at("spec.containers") } }), &[]);
    let refused = "spec.initContainers[0]: Forbidden: non-sidecar init containers with a resize policy of \
                   RestartContainer cannot be resized";
    let mut new = init("2");
    new[0]["terminationMessagePath"] = old.at("spec.initContainers")[0]["terminationMessagePath"].clone();
    check("Pod", &Part::RESIZE, &old, json!({ "spec": { "initContainers": new } }), &[refused]);
}

#[test]
fn pods_are_resized_where_that_is_possible() {
    let old = pod(json!({}));
    let more = |cpu: &str| {
        let mut containers = old.at("spec.containers").clone();
        containers[0]["resources"] = asks(json!({ "cpu": cpu }), json!({ "cpu": cpu }));
        json!({ "spec": { "containers": containers } })
    };
    let check =
        |old: &Value, changes: Value, expect: &[&str]| check("Pod", &Part::RESIZE, old, changes, expect);
    check(&old, more("2"), &[]);
    check(&mirrored(&old), more("2"), &["<nil>: Forbidden: static pods cannot be resized"]);
    let windows = changed(old.clone(), &json!({ "spec": { "os": { "name": "windows" } } }));
    check(&windows, more("2"), &["<nil>: Forbidden: windows pods cannot be resized"]);
    let running = |resources: Value| {
        let status = json!({ "name": "a", "state": { "running": {} }, "resources": resources });
        changed(old.clone(), &json!({ "status": { "containerStatuses": [status] } }))
    };
    check(&running(json!({})), more("2"), &[]);
    check(
        &running(json!(null)),
        more("2"),
        &["spec: Forbidden: Pod running on node without support for resize"],
    );
    let exact = asks(json!({ "cpu": "1", "memory": "1Gi" }), json!({ "cpu": "1", "memory": "1Gi" }));
    let guaranteed = pod(json!({ "containers": [{ "name": "a", "image": "x", "resources": exact }] }));
    let mut containers = guaranteed.at("spec.containers").clone();
    containers[0]["resources"]["limits"]["cpu"] = "2".into();
    check(
        &guaranteed,
        json!({ "spec": { "containers": containers } }),
        &["spec: Invalid value: \"Guaranteed\": Pod QOS Class may not change as a result of resizing"],
    );
    let whole = pod(json!({ "resources": asks(json!({ "cpu": "1" }), json!({ "cpu": "2" })) }));
    let whole_is = |resources: Value| json!({ "spec": { "resources": resources } });
    check(&whole, whole_is(asks(json!({ "cpu": "2" }), json!({ "cpu": "2" }))), &[]);
    check(
        &whole,
        whole_is(json!({ "limits": null })),
        &["spec.resources.limits: Forbidden: pod-level resource limits cannot be removed"],
    );
    check(
        &whole,
        whole_is(json!(null)),
        &["spec.resources: Forbidden: pod-level resources cannot be removed"],
    );
    check(
        &whole,
        whole_is(json!({ "requests": { "hugepages-2Mi": "2Mi" }, "limits": { "hugepages-2Mi": "2Mi" } })),
        &["spec: Forbidden: only cpu and memory resources are mutable at pod-level"],
    );
}

#[test]
fn gated_pods_are_narrowed() {
    let terms = |terms: Value| json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms } } });
    let (a, b) = (
        json!({ "key": "a", "operator": "In", "values": ["1"] }),
        json!({ "key": "b", "operator": "Exists" }),
    );
    let old = json!({ "spec": {
        "containers": [{ "name": "a", "image": "x" }], "schedulingGates": [{ "name": "g" }],
        "nodeSelector": { "k": "v" }, "affinity": terms(json!([{ "matchExpressions": [a] }])),
    } });
    let check = |changes: Value, expect: &[&str]| {
        super::check_update("Pod", old.clone(), json!({ "spec": changes }), expect);
    };
    check(json!({ "nodeSelector": { "l": "w" } }), &[]);
    check(json!({ "affinity": terms(json!([{ "matchExpressions": [a, b] }])) }), &[]);
    check(
        json!({ "nodeSelector": { "k": "w" } }),
        &[
            "spec.nodeSelector: Invalid value: {\"k\":\"w\"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)",
        ],
    );
    let at = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    check(
        json!({ "affinity": terms(json!([{ "matchExpressions": [b] }])) }),
        &[&format!(
            "{at}[0]: Invalid value: {{\"matchExpressions\":[{b}]}}: only additions are allowed (no mutations or deletions)"
        )],
    );
    check(
        json!({ "affinity": terms(json!([{ "matchExpressions": [a] }, { "matchExpressions": [b] }])) }),
        &[&format!(
            "{at}: Invalid value: [{{\"matchExpressions\":[{a}]}},{{\"matchExpressions\":[{b}]}}]: no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        )],
    );
}

#[test]
fn what_a_pod_is_stays() {
    let old = json!({ "metadata": { "annotations": { "a": "1" } }, "spec": { "containers": [{ "name": "a", "image": "x" }] } });
    let check = |annotations: Value, expect: &[&str]| {
        super::check_update(
            "Pod",
            old.clone(),
            json!({ "metadata": { "annotations": annotations } }),
            expect,
        );
    };
    check(json!({ "a": "2" }), &[]);
    check(
        json!({ "kubernetes.io/config.mirror": "x" }),
        &[
            "metadata.annotations[kubernetes.io/config.mirror]: Invalid value: \"x\": must set spec.nodeName if mirror \
             pod annotation is set",
            "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not add mirror pod annotation",
        ],
    );
    let lists = json!({ "initContainers": [{ "name": "i", "image": "x" }] });
    super::check_update(
        "Pod",
        old.clone(),
        json!({ "spec": lists }),
        &["spec.initContainers: Forbidden: pod updates may not add or remove containers"],
    );
}

#[test]
fn a_pods_status_is_checked() {
    let old = pod(json!({ "restartPolicy": "Never" }));
    let check = |old: &Value, status: Value, expect: &[&str]| {
        check("Pod", &Part::STATUS, old, json!({ "status": status }), expect);
    };
    check(&old, json!({ "phase": "Running", "podIP": "10.0.0.1", "podIPs": [{ "ip": "10.0.0.1" }] }), &[]);
    check(
        &old,
        json!({ "qosClass": "Guaranteed" }),
        &["status.qosClass: Invalid value: \"Guaranteed\": field is immutable"],
    );
    check(
        &old,
        json!({ "conditions": [{ "type": "Ready", "status": "True" }, { "type": "a b", "status": "True" }] }),
        &[
            "metadata.conditions[1].Type: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        ],
    );
    check(
        &old,
        json!({ "podIPs": [{ "ip": "10.0.0.1" }, { "ip": "10.0.0.1" }], "hostIP": "10.0.0.2", "hostIPs": [{ "ip": "x" }] }),
        &[
            "status.podIPs: Invalid value: [{\"ip\":\"10.0.0.1\"},{\"ip\":\"10.0.0.1\"}]: may specify no more than one IP for each IP family",
            "status.podIPs[1]: Duplicate value: {\"ip\":\"10.0.0.1\"}",
            "status.hostIPs[0].ip: Invalid value: \"x\": must be equal to `hostIP`",
            "status.hostIPs[0]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        ],
    );
    let state = |state: Value| json!({ "containerStatuses": [{ "name": "a", "state": state }] });
    let done = |code: i64| state(json!({ "terminated": { "exitCode": code } }));
    let again =
        "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state";
    let ended = |policy: &str, code: i64| {
        let changes = json!({ "spec": { "restartPolicy": policy }, "status": done(code) });
        changed(old.clone(), &changes)
    };
    check(&ended("Never", 1), state(json!({ "running": {} })), &[again]);
    check(&ended("OnFailure", 0), state(json!({ "waiting": {} })), &[again]);
    check(&ended("OnFailure", 1), state(json!({ "running": {} })), &[]);
    check(&ended("Always", 0), state(json!({ "running": {} })), &[]);
    check(
        &old,
        json!({ "resourceClaimStatuses": [{ "name": "c" }] }),
        &[
            "status.resourceClaimStatuses[0].name: Invalid value: \"c\": must match the name of an entry in `spec.resourceClaims`",
        ],
    );
    let device = json!([{ "name": "example.com/d", "resources": [{ "resourceID": "1", "health": "Fine" }] }]);
    check(
        &old,
        json!({ "containerStatuses": [{ "name": "a", "state": {}, "allocatedResourcesStatus": device }] }),
        &[
            "status.containerStatuses[0].allocatedResourcesStatus[0].name: Invalid value: \"example.com/d\": must match one of the container's resource requests",
            "status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health: Unsupported value: \"Fine\": supported values: \"Healthy\", \"Unhealthy\", \"Unknown\"",
        ],
    );
}

#[test]
fn a_status_keeps_what_its_author_does_not_know() {
    let conditions = |seen: Value| json!([{ "type": "Ready", "status": "True", "observedGeneration": seen }]);
    let status = json!({ "status": { "qosClass": "Burstable", "observedGeneration": 3, "conditions": conditions(json!(2)) } });
    let old = changed(pod(json!({})), &status);
    let mut new = old.clone();
    new["status"] = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] });
    let (stored, errors) = written("Pod", &Part::STATUS, &old, &new);
    assert_eq!(texts(errors), [""; 0]);
    assert_eq!(stored.at("status.qosClass"), "Burstable");
    assert_eq!(
        (stored.int("status.observedGeneration"), stored.at("status.conditions")),
        (Some(3), &conditions(json!(2)))
    );
}

#[test]
fn statuses_of_nodes_and_services_are_checked() {
    let address = json!({ "type": "InternalIP", "address": "10.0.0.1" });
    check(
        "Node",
        &Part::STATUS,
        &json!({}),
        json!({ "status": { "capacity": { "cpu": "-1", "pods": "1500m" }, "addresses": [address, address] } }),
        &[
            "status.capacity.cpu: Invalid value: \"-1\": must be greater than or equal to 0",
            "status.capacity.pods: Invalid value: \"1500m\": must be an integer",
            &format!("status.addresses[1]: Duplicate value: {address}"),
        ],
    );
    let service = |kind: &str| json!({ "spec": { "type": kind } });
    let points = |points: Value| json!({ "status": { "loadBalancer": { "ingress": points } } });
    let good = json!([{ "ip": "192.0.2.1", "ipMode": "VIP" }, { "hostname": "lb.example" }]);
    let balanced = service("LoadBalancer");
    check("Service", &Part::STATUS, &balanced, points(good.clone()), &[]);
    let forbidden =
        "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'";
    check("Service", &Part::STATUS, &service("ClusterIP"), points(good), &[forbidden]);
    let at = "status.loadBalancer.ingress";
    check(
        "Service",
        &Part::STATUS,
        &balanced,
        points(
            json!([{ "ip": "x" }, { "hostname": "192.0.2.1", "ipMode": "VIP" }, { "ip": "192.0.2.1", "ipMode": "Odd" }]),
        ),
        &[
            &format!(
                "{at}[0].ip: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            ),
            &format!("{at}[0].ipMode: Required value: must be specified when `ip` is set"),
            &format!("{at}[1].ipMode: Forbidden: may not be specified when `ip` is not set"),
            &format!("{at}[1].hostname: Invalid value: \"192.0.2.1\": must be a DNS name, not an IP address"),
            &format!("{at}[2].ipMode: Unsupported value: \"Odd\": supported values: \"Proxy\", \"VIP\""),
        ],
    );
    let mut defaulted = changed(balanced, &points(json!([{ "ip": "192.0.2.1" }])));
    row("Service").strategy.default(&mut defaulted);
    assert_eq!(defaulted.items(at)[0].text("ipMode"), "VIP");
}

#[test]
fn a_namespace_is_finalized_by_known_names() {
    let old = json!({ "metadata": { "name": "n" }, "spec": { "finalizers": ["kubernetes"] } });
    let check = |finalizers: Value, expect: &[&str]| {
        check("Namespace", &Part::FINALIZE, &old, json!({ "spec": { "finalizers": finalizers } }), expect);
    };
    check(json!([]), &[]);
    check(json!(["example.com/hold"]), &[]);
    check(
        json!(["kubernetes", "hold"]),
        &[
            "spec.finalizers[1]: Invalid value: \"hold\": name is neither a standard finalizer name nor is it fully qualified",
        ],
    );
}

#[test]
fn who_approves_does_not_sign() {
    let kind = "CertificateSigningRequest";
    let times = json!({ "lastUpdateTime": NOW, "lastTransitionTime": NOW });
    let condition = |kind: &str| changed(json!({ "type": kind, "status": "True" }), &times);
    let conditions = |list: Value| json!({ "status": { "conditions": list } });
    let check = |old: Value, new: Value, expect: &[&str]| check(kind, &Part::APPROVAL, &old, new, expect);
    check(json!({}), conditions(json!([condition("Approved")])), &[]);
    check(
        json!({}),
        conditions(json!([condition("Approved"), condition("Denied")])),
        &[
            "status.conditions[1].type: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive",
        ],
    );
    check(
        conditions(json!([condition("Denied")])),
        conditions(json!([condition("Approved")])),
        &["status.conditions: Forbidden: updates may not remove a condition of type \"Denied\""],
    );
    check(
        json!({}),
        conditions(json!([{ "type": "Approved", "status": "False" }, { "status": "Perhaps" }])),
        &[
            "status.conditions[0].status: Unsupported value: \"False\": supported values: \"True\"",
            "status.conditions[1].type: Required value",
            "status.conditions[1].status: Unsupported value: \"Perhaps\": supported values: \"False\", \"True\", \"Unknown\"",
        ],
    );
    check(
        json!({}),
        conditions(json!([condition("Approved"), condition("Approved")])),
        &["status.conditions[1].type: Duplicate value: \"Approved\""],
    );
    let new = json!({ "status": { "certificate": "eA==", "conditions": [{ "type": "Approved", "status": "True" }] } });
    let (stored, errors) = written(kind, &Part::APPROVAL, &json!({}), &new);
    assert_eq!((texts(errors), &stored), (Vec::new(), &conditions(json!([condition("Approved")]))));
    let (stored, errors) = written(kind, &Part::STATUS, &stored, &new);
    assert_eq!(stored.at("status.conditions"), &json!([condition("Approved")]), "the times are kept");
    assert_eq!(
        texts(errors),
        [
            "status.certificate: Invalid value: \"<certificate data>\": must contain at least one CERTIFICATE PEM block"
        ]
    );
}

fn strict_event() -> Value {
    json!({
        "metadata": { "namespace": "default" }, "involvedObject": { "kind": "Pod", "name": "p", "namespace": "default" },
        "eventTime": "2024-05-06T07:08:09.000000Z", "reportingComponent": "example.com/c", "reportingInstance": "c-1",
        "action": "Making", "reason": "Made", "type": "Normal", "message": "made",
    })
}

#[test]
fn events_of_the_newer_form_say_who_did_what() {
    let check = |changes: Value, expect: &[&str]| {
        let event = changed(strict_event(), &changes);
        assert_eq!(texts(row("Event").strategy.validate(&event)), expect, "{event}");
    };
    check(json!({}), &[]);
    check(json!({ "involvedObject": { "namespace": "other" } }), &[]);
    check(
        json!({ "metadata": { "namespace": "other" }, "involvedObject": { "namespace": null } }),
        &["involvedObject.namespace: Invalid value: \"\": does not match event.namespace"],
    );
    check(
        json!({ "reportingInstance": null, "action": null, "reason": "r".repeat(129), "message": "m".repeat(1025) }),
        &[
            "reportingInstance: Required value",
            "action: Required value",
            "reason: Invalid value: \"\": can have at most 128 characters",
            "message: Invalid value: \"\": can have at most 1024 characters",
        ],
    );
    let bare = json!({ "metadata": { "namespace": "kube-system" }, "involvedObject": {} });
    assert_eq!(
        texts(row("Event").strategy.validate(&bare)),
        ["involvedObject.namespace: Invalid value: \"\": does not match event.namespace"]
    );
}

#[test]
fn events_are_checked_by_the_group_that_they_come_by() {
    let table = crate::built_in();
    let served = table.at("events.k8s.io", "v1", "events").expect("a row");
    let create = |changes: Value, expect: &[&str]| {
        let event = changed(strict_event(), &changes);
        assert_eq!(texts(served.strategy.validate_create(&event)), expect, "{event}");
        assert_eq!(texts(row("Event").strategy.validate_create(&event)), [""; 0], "the core group takes it");
    };
    create(json!({}), &[]);
    create(
        json!({ "eventTime": null, "type": "Odd", "series": { "count": 1 } }),
        &[
            "series.count: Invalid value: \"\": should be at least 2",
            "series.lastObservedTime: Required value",
            "eventTime: Required value",
            "type: Invalid value: \"\": has invalid value: Odd",
        ],
    );
    create(
        json!({ "firstTimestamp": NOW, "lastTimestamp": NOW, "count": 1, "source": { "component": "c" } }),
        &[
            "firstTimestamp: Invalid value: \"\": needs to be unset",
            "lastTimestamp: Invalid value: \"\": needs to be unset",
            "count: Invalid value: \"\": needs to be unset",
            "source: Invalid value: \"\": needs to be unset",
        ],
    );
    create(json!({ "count": 0, "source": {} }), &[]);
    let update = |changes: Value, expect: &[&str]| {
        let new = changed(strict_event(), &changes);
        assert_eq!(texts(served.strategy.validate_update(&new, &strict_event())), expect, "{new}");
    };
    update(
        json!({ "series": { "count": 2, "lastObservedTime": NOW }, "metadata": { "labels": { "a": "b" } } }),
        &[],
    );
    update(
        json!({ "series": { "count": 1, "lastObservedTime": NOW } }),
        &["series.count: Invalid value: \"\": should be at least 2"],
    );
    update(
        json!({ "message": "other", "reportingComponent": "c", "count": 2 }),
        &[
            "message: Invalid value: \"other\": field is immutable",
            "count: Invalid value: 2: field is immutable",
            "reportingController: Invalid value: \"c\": field is immutable",
        ],
    );
}

/// What of the metadata a write of the status leaves as it was, by kind; of all others it takes labels and annotations.
const KEPT: [(&str, &[&str]); 11] = [
    ("APIService", &["annotations", "labels"]),
    ("CustomResourceDefinition", &["annotations", "labels"]),
    ("Deployment", &["labels"]),
    ("DeviceTaintRule", &["annotations", "labels"]),
    ("FlowSchema", &["annotations", "labels"]),
    ("PodCertificateRequest", &["annotations", "labels"]),
    ("PriorityLevelConfiguration", &["annotations", "labels"]),
    ("ResourceClaim", &["annotations", "labels"]),
    ("StorageVersionMigration", &["annotations", "labels"]),
    ("ValidatingAdmissionPolicy", &["annotations", "labels"]),
    ("VolumeAttachment", &["annotations", "labels"]),
];

#[test]
fn a_status_keeps_the_metadata_of_some_kinds() {
    let now = object::parse_time("2030-01-01T00:00:00Z").expect("a time");
    let with = |text: &str| json!({"metadata": {"labels": {"a": text}, "annotations": {"a": text}}});
    for row in built_in().iter().filter(|row| row.subresource("status").is_some()) {
        let (old, mut new) = (with("old"), with("new"));
        row.strategy.prepare_part(&Part::STATUS, &mut new, &old, now);
        let kept: Vec<&str> = ["annotations", "labels"]
            .into_iter()
            .filter(|field| new["metadata"][field]["a"] == "old")
            .collect();
        let expect = KEPT.iter().find(|(kind, _)| *kind == row.kind).map_or(&[][..], |(_, kept)| kept);
        assert_eq!(kept, expect, "{row:?}");
    }
}
