//! Pods.

use super::*;
use crate::admission::service_account;

pub(super) fn pod(spec: Value) -> Value {
    let base = json!({
        "metadata": { "name": "web", "namespace": "n" },
        "spec": { "restartPolicy": "Always", "containers": [{ "name": "a", "image": "nginx:1" }] },
    });
    changed(base, &json!({ "spec": spec }))
}

/// Checks what is wrong with a pod whose one container has these fields as well.
pub(super) fn check_container(fields: Value, expect: &[&str]) {
    let container = changed(json!({ "name": "a", "image": "nginx:1" }), &fields);
    let volumes = json!([{ "name": "v", "emptyDir": {} }]);
    check_create("Pod", pod(json!({ "containers": [container], "volumes": volumes })), expect);
}

#[test]
fn what_a_pod_does_not_say_is_filled_in() {
    let check = |spec: Value, path: &str, expect: Value| check_field("Pod", pod(spec), path, expect);
    check(json!({}), "status", json!({ "phase": "Pending", "qosClass": "BestEffort" }));
    check(json!({}), "spec.serviceAccountName", json!("default"));
    check(json!({}), "spec.serviceAccount", json!("default"));
    check(json!({ "terminationGracePeriodSeconds": -1 }), "spec.terminationGracePeriodSeconds", json!(1));
    check(json!({ "volumes": [{ "name": "v" }] }), "spec.volumes", json!([{ "name": "v", "emptyDir": {} }]));
    check(
        json!({ "tolerations": [{ "operator": "Exists" }] }),
        "spec.tolerations",
        json!([{ "operator": "Exists" }]),
    );
    let limits = json!({ "cpu": "1", "memory": "1Gi" });
    let container = json!({ "name": "a", "image": "nginx", "ports": [{ "containerPort": 80 }] });
    let containers = json!([changed(container, &json!({ "resources": { "limits": limits } }))]);
    check(json!({ "containers": containers }), "status.qosClass", json!("Guaranteed"));
    let object = created("Pod", pod(json!({ "hostNetwork": true, "containers": containers })));
    let container = &object["spec"]["containers"][0];
    assert_eq!(container.at("imagePullPolicy"), "Always");
    assert_eq!(container.at("resources.requests"), &limits);
    assert_eq!(container["ports"], json!([{ "containerPort": 80, "hostPort": 80, "protocol": "TCP" }]));
    let some = json!([{ "name": "a", "image": "nginx", "resources": { "requests": { "cpu": "1" } } }]);
    check(json!({ "containers": some }), "status.qosClass", json!("Burstable"));
}

#[test]
fn containers_are_checked() {
    check_container(json!({}), &[]);
    check_container(
        json!({ "image": " nginx" }),
        &[
            "spec.containers[0].image: Invalid value: \" nginx\": must not have leading or trailing whitespace",
        ],
    );
    check_container(
        json!({ "ports": [{ "name": "x", "containerPort": 1 }, { "name": "x", "containerPort": 2 }] }),
        &["spec.containers[0].ports[1].name: Duplicate value: \"x\""],
    );
    check_container(
        json!({ "ports": [{ "containerPort": 1, "hostPort": 8, "protocol": "TCP" }, { "containerPort": 2, "hostPort": 8, "protocol": "TCP" }] }),
        &["spec.containers[0].ports[1].hostPort: Duplicate value: \"TCP//8\""],
    );
    check_container(
        json!({ "volumeMounts": [{ "name": "x", "mountPath": "/a" }, { "name": "v", "mountPath": "/a" }] }),
        &[
            "spec.containers[0].volumeMounts[0].name: Not found: \"x\"",
            "spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/a\": must be unique",
        ],
    );
    check_container(
        json!({ "resources": { "requests": { "cpu": "2" }, "limits": { "cpu": "1" } } }),
        &[
            "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
        ],
    );
    check_container(
        json!({ "resources": { "requests": { "memory": "-1", "tea": "1" } } }),
        &[
            "spec.containers[0].resources.requests[memory]: Invalid value: \"-1\": must be greater than or equal to 0",
            "spec.containers[0].resources.requests[tea]: Invalid value: \"tea\": must be a standard resource type or \
             fully qualified",
            "spec.containers[0].resources.requests[tea]: Invalid value: \"tea\": must be a standard resource for containers",
        ],
    );
    check_container(
        json!({ "livenessProbe": {} }),
        &["spec.containers[0].livenessProbe: Required value: must specify a handler type"],
    );
    check_container(
        json!({ "livenessProbe": { "exec": { "command": ["x"] }, "tcpSocket": { "port": 0 }, "successThreshold": 2 } }),
        &[
            "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
            "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ],
    );
    check_container(
        json!({ "env": [{ "name": "A", "valueFrom": {} }, { "name": "B", "value": "x", "valueFrom": { "fieldRef": { "fieldPath": "spec.x" } } }] }),
        &[
            "spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, \
             `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
            "spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.x\": error converting \
             fieldPath: field label not supported: spec.x",
            "spec.containers[0].env[1].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty",
        ],
    );
    check_container(
        json!({ "env": [{ "name": "A", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['a/b']" } } }] }),
        &[],
    );
    check_container(
        json!({ "securityContext": { "privileged": true, "allowPrivilegeEscalation": false } }),
        &["spec.containers[0].securityContext: Invalid value: \
           {\"allowPrivilegeEscalation\":false,\"privileged\":true}: cannot set `allowPrivilegeEscalation` to false and \
           `privileged` to true"],
    );
}

#[test]
fn specs_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("Pod", pod(spec), expect);
    check(
        json!({ "initContainers": [{ "name": "a", "image": "x", "livenessProbe": {} }] }),
        &[
            "spec.initContainers[0].name: Duplicate value: \"a\"",
            "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
        ],
    );
    check(
        json!({ "volumes": [{ "name": "v", "emptyDir": {}, "secret": { "secretName": "s" } }, { "name": "v", "hostPath": { "path": "/a/../b" } }] }),
        &[
            "spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type",
            "spec.volumes[1].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
        ],
    );
    check(
        json!({ "activeDeadlineSeconds": 0 }),
        &["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
    );
    check(
        json!({ "tolerations": [{ "operator": "Exists", "effect": "NoExecute", "value": "x" }, { "key": "a", "tolerationSeconds": 1 }] }),
        &[
            "spec.tolerations[0].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
            "spec.tolerations[1].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
        ],
    );
    let affinity = |expression: Value| {
        let terms = json!([{ "matchExpressions": [expression] }]);
        json!({ "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms } } } })
    };
    let at = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]";
    check(
        affinity(json!({ "key": "a", "operator": "In" })),
        &[&format!("{at}.values: Required value: must be specified when `operator` is 'In' or 'NotIn'")],
    );
    check(
        affinity(json!({ "key": "a", "operator": "Is" })),
        &[&format!("{at}.operator: Invalid value: \"Is\": not a valid selector operator")],
    );
    check(
        json!({ "dnsPolicy": "None" }),
        &[
            "spec.dnsConfig: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None",
        ],
    );
}

#[test]
fn little_of_a_pod_may_change() {
    let frozen = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,\
        `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
        tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    let check = |changes: Value, expect: &[&str]| {
        let tolerations = json!([{ "key": "a", "operator": "Exists" }]);
        let old = pod(json!({ "activeDeadlineSeconds": 9, "tolerations": tolerations }));
        check_update("Pod", old, json!({ "spec": changes }), expect);
    };
    let containers = |image: &str| {
        created(
            "Pod",
            pod(
                json!({ "containers": [{ "name": "a", "image": image, "imagePullPolicy": "IfNotPresent" }] }),
            ),
        )["spec"]["containers"]
            .clone()
    };
    check(json!({ "containers": containers("nginx:2") }), &[]);
    check(
        json!({ "containers": [] }),
        &[
            "spec.containers: Required value",
            "spec.containers: Forbidden: pod updates may not add or remove containers",
        ],
    );
    check(json!({ "hostname": "x" }), &[frozen]);
    check(json!({ "activeDeadlineSeconds": 5 }), &[]);
    check(
        json!({ "activeDeadlineSeconds": 10 }),
        &["spec.activeDeadlineSeconds: Invalid value: 10: must be less than or equal to previous value"],
    );
    check(
        json!({ "tolerations": [] }),
        &[
            "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
        ],
    );
}

#[test]
fn a_pod_on_a_node_gets_time_to_end() {
    let check = |changes: Value, asked, expect| {
        let pod = changed(pod(json!({ "nodeName": "n1", "terminationGracePeriodSeconds": 30 })), &changes);
        assert_eq!(row("Pod").strategy.grace(&pod, asked), Some(expect), "{pod}");
    };
    check(json!({}), None, 30);
    check(json!({}), Some(5), 5);
    check(json!({}), Some(-1), 1);
    check(json!({ "spec": { "nodeName": null } }), None, 0);
    check(json!({ "status": { "phase": "Succeeded" } }), Some(5), 0);
}

#[test]
fn a_pod_gets_what_its_account_gives() {
    const AT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let run = |spec: Value, account: Value| {
        let mut pod = created("Pod", pod(spec));
        service_account::run_as(&mut pod, &account, "abcde");
        let defaulted = pod.clone();
        defaults(&row("Pod"), &mut pod);
        assert_eq!(pod, defaulted, "all that defaults would add is there");
        assert_eq!(texts(wrong(&row("Pod"), &pod)), [""; 0]);
        pod
    };
    let given = run(json!({ "initContainers": [{ "name": "i", "image": "x" }] }), json!({}));
    let mount = json!([{ "name": "kube-api-access-abcde", "readOnly": true, "mountPath": AT }]);
    assert_eq!(given["spec"]["containers"][0]["volumeMounts"], mount);
    assert_eq!(given["spec"]["initContainers"][0]["volumeMounts"], mount);
    let volume = &given["spec"]["volumes"][0];
    assert_eq!(volume["name"], "kube-api-access-abcde");
    assert_eq!(volume.at("projected.defaultMode"), 420);
    assert_eq!(
        volume.at("projected.sources").get(0),
        Some(&json!({ "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } }))
    );

    let bare = |spec: Value, account: Value| assert!(!run(spec, account).has("spec.volumes"));
    let (yes, no) =
        (json!({ "automountServiceAccountToken": true }), json!({ "automountServiceAccountToken": false }));
    bare(no.clone(), yes.clone());
    bare(json!({}), no.clone());
    assert!(run(yes, no).has("spec.volumes"), "the pod's own word counts first");

    let mounts = json!([{ "name": "v", "mountPath": AT }]);
    let containers = json!([{ "name": "a", "image": "x", "volumeMounts": mounts }]);
    let own =
        run(json!({ "containers": containers, "volumes": [{ "name": "v", "emptyDir": {} }] }), json!({}));
    assert_eq!(own.items("spec.volumes").len(), 1, "what is mounted there stays");
    let brought = run(json!({ "volumes": [{ "name": "kube-api-access-own", "emptyDir": {} }] }), json!({}));
    assert_eq!(brought.items("spec.volumes").len(), 1);
    assert_eq!(brought["spec"]["containers"][0]["volumeMounts"][0]["name"], "kube-api-access-own");

    let secrets = json!({ "imagePullSecrets": [{ "name": "s" }] });
    assert_eq!(run(json!({}), secrets.clone()).at("spec.imagePullSecrets"), &json!([{ "name": "s" }]));
    let own = json!([{ "name": "own" }]);
    assert_eq!(run(json!({ "imagePullSecrets": own }), secrets).at("spec.imagePullSecrets"), &own);
}
