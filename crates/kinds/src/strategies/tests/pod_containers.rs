//! Containers: ports, variables, hooks, restarts, resources.

use super::pods::{check_container, pod};
use super::*;

const AT: &str = "spec.containers[0]";

/// Checks what is wrong with a container of these fields; `expect` has what follows its path.
fn check(fields: Value, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|text| format!("{AT}{text}")).collect();
    let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
    check_container(fields, &expect);
}

/// Checks what is wrong with a pod of this spec.
fn check_pod(spec: Value, expect: &[&str]) {
    check_create("Pod", pod(spec), expect);
}

#[test]
fn ports_are_checked() {
    check(json!({ "ports": [{ "containerPort": 80, "hostPort": 0 }] }), &[]);
    check(
        json!({ "ports": [{ "containerPort": 0 }, { "containerPort": 70000 }, { "containerPort": 1, "hostPort": -1 }] }),
        &[
            ".ports[0].containerPort: Required value",
            ".ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            ".ports[2].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive",
        ],
    );
    let ports = |own: u16, host: u16| json!([{ "containerPort": own, "hostPort": host, "protocol": "TCP" }]);
    let container = |name: &str, own: u16| json!({ "name": name, "image": "x", "ports": ports(own, 8) });
    check_pod(
        json!({ "hostNetwork": true, "containers": [container("a", 1)] }),
        &[
            "spec.containers[0].ports[0].hostPort: Invalid value: 8: must match `containerPort` when `hostNetwork` is true",
        ],
    );
    let twice = [&ports(1, 9)[0], &ports(2, 9)[0]];
    check_pod(
        json!({ "containers": [container("a", 1)], "initContainers": [container("b", 1),
            { "name": "c", "image": "x", "restartPolicy": "Always", "ports": twice }] }),
        &["spec.initContainers[0].ports[1].hostPort: Duplicate value: \"TCP//9\""],
    );
    let open = json!({ "hostNetwork": true, "containers": [{ "name": "a", "image": "x", "ports": [{ "containerPort": 1 }] }] });
    check_create("PodTemplate", json!({ "template": { "spec": open } }), &[]);
}

#[test]
fn variables_refer_to_what_there_is() {
    let check = |from: Value, expect: &[&str]| {
        let expect: Vec<String> = expect.iter().map(|text| format!(".env[0].valueFrom{text}")).collect();
        let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
        super::pod_containers::check(json!({ "env": [{ "name": "A", "valueFrom": from }] }), &expect);
    };
    let amount = |resource: &str, divisor: &str| json!({ "resourceFieldRef": { "resource": resource, "divisor": divisor } });
    check(amount("limits.cpu", "1000m"), &[]);
    check(amount("requests.hugepages-2Mi", "1Mi"), &[]);
    check(
        amount("limits.foo", "3"),
        &[
            ".resourceFieldRef.resource: Unsupported value: \"limits.foo\": supported values: \"limits.cpu\", \
           \"limits.ephemeral-storage\", \"limits.memory\", \"requests.cpu\", \"requests.ephemeral-storage\", \
           \"requests.memory\"",
        ],
    );
    check(
        amount("limits.cpu", "3"),
        &[
            ".resourceFieldRef.divisor: Invalid value: \"limits.cpu\": only divisor's values 1m and 1 are supported with \
           the cpu resource",
        ],
    );
    for (resource, what) in [
        ("requests.memory", "memory"),
        ("limits.ephemeral-storage", "local ephemeral storage"),
        ("limits.hugepages-2Mi", "hugepages"),
    ] {
        check(
            amount(resource, "2"),
            &[&format!(
                ".resourceFieldRef.divisor: Invalid value: {resource:?}: only divisor's values 1, 1k, 1M, 1G, 1T, 1P, \
                 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the {what} resource"
            )],
        );
    }
    check(
        json!({ "fieldRef": { "fieldPath": "metadata.labels" } }),
        &[
            ".fieldRef.fieldPath: Unsupported value: \"metadata.labels\": supported values: \"metadata.name\", \
           \"metadata.namespace\", \"metadata.uid\", \"spec.nodeName\", \"spec.serviceAccountName\", \"status.hostIP\", \
           \"status.hostIPs\", \"status.podIP\", \"status.podIPs\"",
        ],
    );
    check(
        json!({ "fieldRef": { "apiVersion": "v2", "fieldPath": "spec.nodeName" } }),
        &[
            ".fieldRef.fieldPath: Invalid value: \"spec.nodeName\": error converting fieldPath: unsupported pod version: v2",
        ],
    );
    check(
        json!({ "fieldRef": { "fieldPath": "metadata.labels['a b']" } }),
        &[&format!(".fieldRef: Invalid value: \"a b\": {}", object::qualified_name("a b")[0])],
    );
    check(
        json!({ "configMapKeyRef": { "name": "", "key": "k" } }),
        &[&format!(".configMapKeyRef.name: Invalid value: \"\": {SUBDOMAIN}")],
    );
    check(
        json!({ "configMapKeyRef": { "name": "a", "key": "k" }, "secretKeyRef": { "name": "a", "key": "k" } }),
        &[": Invalid value: \"\": may not have more than one field specified at a time"],
    );
    let file = |volume: &str, path: &str| json!({ "fileKeyRef": { "volumeName": volume, "path": path, "key": "K" } });
    check(file("v", "a/b"), &[]);
    check(
        file("w", "../b"),
        &[
            ".fileKeyRef.path: Invalid value: \"../b\": must not contain '..'",
            ".fileKeyRef.volumeName: Not found: \"w\"",
        ],
    );
}

#[test]
fn lists_of_variables_are_checked() {
    check(json!({ "envFrom": [{ "configMapRef": { "name": "a-" } }] }), &[]);
    check(
        json!({ "envFrom": [{}, { "secretRef": { "name": "A" } }, { "secretRef": {} }] }),
        &[
            ".envFrom: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`",
            &format!(".envFrom[1].secretRef.name: Invalid value: \"A\": {SUBDOMAIN}"),
            ".envFrom[2].secretRef.name: Required value",
        ],
    );
}

#[test]
fn hooks_and_probes_are_checked() {
    let sleep = |seconds: i64| json!({ "lifecycle": { "preStop": { "sleep": { "seconds": seconds } } } });
    check(sleep(30), &[]);
    for seconds in [31, -1] {
        check(
            sleep(seconds),
            &[&format!(
                ".lifecycle.preStop.sleep: Invalid value: {seconds}: must be non-negative and less than \
                 terminationGracePeriodSeconds (30)"
            )],
        );
    }
    let headers = json!([{ "name": "a b", "value": "c" }]);
    check(
        json!({ "livenessProbe": { "httpGet": { "port": 1, "httpHeaders": headers } } }),
        &[
            ".livenessProbe.httpGet.httpHeaders: Invalid value: \"a b\": a valid HTTP header must consist of alphanumeric \
           characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
        ],
    );
    let probe = json!({ "tcpSocket": { "port": 1 }, "terminationGracePeriodSeconds": 0 });
    check(
        json!({ "readinessProbe": probe }),
        &[
            ".readinessProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0",
            ".readinessProbe.terminationGracePeriodSeconds: Invalid value: 0: must not be set for readinessProbes",
        ],
    );
}

#[test]
fn restarts_are_checked() {
    check(
        json!({ "restartPolicyRules": [{ "action": "Restart", "exitCodes": { "operator": "In", "values": [1] } }] }),
        &[".restartPolicy: Required value: must specify restartPolicy when restart rules are used"],
    );
    let many: Vec<u16> = (0..256).collect();
    check(
        json!({ "restartPolicy": "Never", "restartPolicyRules": [
            { "action": "RestartAllContainers", "exitCodes": { "operator": "NotIn", "values": [] } },
            { "action": "X" },
            { "action": "Restart", "exitCodes": { "operator": "Is", "values": many } },
        ] }),
        &[
            ".restartPolicyRules[1].action: Unsupported value: \"X\": supported values: \"Restart\", \
             \"RestartAllContainers\"",
            ".restartPolicyRules[1].exitCodes: Required value: must be specified",
            ".restartPolicyRules[2].exitCodes.operator: Unsupported value: \"Is\": supported values: \"In\", \"NotIn\"",
            ".restartPolicyRules[2].exitCodes.values: Too many: 256: must have at most 255 items",
        ],
    );
    check_pod(
        json!({ "initContainers": [{ "name": "i", "image": "x", "restartPolicy": "Sometimes" }] }),
        &[
            "spec.initContainers[0].restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \
           \"Never\", \"OnFailure\"",
        ],
    );
}

#[test]
fn resizes_are_checked() {
    let policy =
        |resource: &str, restart: &str| json!({ "resourceName": resource, "restartPolicy": restart });
    check(
        json!({ "resizePolicy": [policy("foo", "x"), policy("cpu", "NotRequired"), policy("cpu", "")] }),
        &[
            ".resizePolicy: Unsupported value: \"foo\": supported values: \"cpu\", \"memory\"",
            ".resizePolicy: Unsupported value: \"x\": supported values: \"NotRequired\", \"RestartContainer\"",
            ".resizePolicy[2]: Duplicate value: \"cpu\"",
            ".resizePolicy: Required value",
        ],
    );
    let container = json!({ "name": "a", "image": "x", "resizePolicy": [policy("cpu", "RestartContainer")] });
    check_pod(
        json!({ "restartPolicy": "Never", "containers": [container] }),
        &[
            "spec.containers[0].resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when pod \
           `restartPolicy` is 'Never'",
        ],
    );
    check_pod(
        json!({ "initContainers": [changed(container.clone(), &json!({ "name": "i" }))] }),
        &[
            "spec.initContainers[0].resizePolicy[0].restartPolicy: Invalid value: \"RestartContainer\": must not be set \
           to 'RestartContainer' for non-sidecar initContainers",
        ],
    );
}

/// Checks what is wrong with what a container asks for.
fn check_resources(requests: Value, limits: Value, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|text| format!(".resources{text}")).collect();
    let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
    check(json!({ "resources": { "requests": requests, "limits": limits } }), &expect);
}

#[test]
fn amounts_are_checked() {
    check_resources(json!({ "cpu": "1" }), json!({ "cpu": "1", "hugepages-2Mi": "4Mi" }), &[]);
    check_resources(
        json!({ "cpu": "1", "hugepages-2Mi": "2Mi" }),
        json!({}),
        &[".limits: Required value: Limit must be set for non overcommitable resources"],
    );
    check_resources(
        json!({}),
        json!({ "hugepages-2Mi": "2Mi" }),
        &[": Forbidden: HugePages require cpu or memory"],
    );
    check_resources(
        json!({ "cpu": "1" }),
        json!({ "hugepages-2Mi": "1" }),
        &[
            ".limits[hugepages-2Mi]: Invalid value: \"1\": 1 is not positive integer multiple of hugepages-2Mi",
            ".requests[hugepages-2Mi]: Invalid value: \"1\": 1 is not positive integer multiple of hugepages-2Mi",
        ],
    );
    let unit = "is not positive integer multiple of hugepages-x";
    check_resources(
        json!({ "cpu": "1" }),
        json!({ "hugepages-x": "2Mi" }),
        &[
            &format!(".limits[hugepages-x]: Invalid value: \"2Mi\": 2Mi {unit}"),
            &format!(".requests[hugepages-x]: Invalid value: \"2Mi\": 2Mi {unit}"),
        ],
    );
    let vendor = "[requests.foo/bar]: Invalid value: \"requests.foo/bar\": doesn't follow extended resource name standard";
    check_resources(
        json!({}),
        json!({ "requests.foo/bar": "1" }),
        &[&format!(".limits{vendor}"), &format!(".requests{vendor}")],
    );
    let whole = "[example.com/gpu]: Invalid value: \"1500m\": must be an integer";
    check_resources(
        json!({}),
        json!({ "example.com/gpu": "1.5" }),
        &[&format!(".limits{whole}"), &format!(".requests{whole}")],
    );
    let pods = "[pods]: Invalid value: \"pods\": must be a standard resource for containers";
    check_resources(
        json!({}),
        json!({ "pods": "1" }),
        &[&format!(".limits{pods}"), &format!(".requests{pods}")],
    );
    check_pod(
        json!({ "overhead": { "cpu": "-1" } }),
        &["spec.overhead.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0"],
    );
}

#[test]
fn containers_name_claims_of_their_pod() {
    let check = |claims: Value, names: &[&str], expect: &[&str]| {
        let of_pod: Vec<Value> =
            names.iter().map(|name| json!({ "name": name, "resourceClaimName": "c" })).collect();
        let containers = json!([{ "name": "a", "image": "x", "resources": { "claims": claims } }]);
        let expect: Vec<String> =
            expect.iter().map(|text| format!("spec.containers[0].resources.claims{text}")).collect();
        let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
        check_pod(json!({ "containers": containers, "resourceClaims": of_pod }), &expect);
    };
    check(json!([{ "name": "g", "request": "r" }, { "name": "g", "request": "s" }]), &["g"], &[]);
    check(
        json!([{ "name": "x" }]),
        &[],
        &["[0]: Not found: \"x\": must be one of the names in pod.spec.resourceClaims which is empty"],
    );
    check(
        json!([{ "name": "x" }, {}]),
        &["h", "g"],
        &[
            "[0]: Not found: \"x\": must be one of the names in pod.spec.resourceClaims: g, h",
            "[1]: Required value",
        ],
    );
    check(
        json!([{ "name": "g", "request": "r" }, { "name": "g", "request": "r" }, { "name": "g" }, { "name": "g", "request": "s" }]),
        &["g"],
        &["[1]: Duplicate value: \"g/r\"", "[2]: Duplicate value: \"g\"", "[3]: Duplicate value: \"g\""],
    );
}

#[test]
fn a_pod_has_what_its_containers_have() {
    let check = |whole: Value, own: Value, expect: &[&str]| {
        let container = json!({ "name": "a", "image": "x", "resources": own });
        let containers = json!([container, changed(container.clone(), &json!({ "name": "b" }))]);
        check_pod(json!({ "resources": whole, "containers": containers }), expect);
    };
    check(
        json!({ "requests": { "cpu": "2" }, "limits": { "cpu": "3" } }),
        json!({ "requests": { "cpu": "1" } }),
        &[],
    );
    check(
        json!({ "requests": { "cpu": "2" }, "limits": { "cpu": "1" } }),
        json!({}),
        &["spec.resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"],
    );
    check(
        json!({ "requests": { "cpu": "1" } }),
        json!({ "requests": { "cpu": "1" } }),
        &[
            "spec.resources.requests[cpu]: Invalid value: \"1\": must be greater than or equal to aggregate container \
           requests of 2",
        ],
    );
    check(
        json!({ "limits": { "memory": "1Gi" } }),
        json!({ "requests": { "memory": "1Mi" }, "limits": { "memory": "2Gi" } }),
        &[
            "spec.resources.containers[0][memory].limits: Invalid value: \"2Gi\": must be less than or equal to pod \
             limits of 1Gi",
            "spec.resources.containers[1][memory].limits: Invalid value: \"2Gi\": must be less than or equal to pod \
             limits of 1Gi",
        ],
    );
    check(
        json!({ "requests": { "ephemeral-storage": "1" }, "claims": [] }),
        json!({}),
        &[
            "spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level",
            "spec.resources.requests[ephemeral-storage]: Unsupported value: \"ephemeral-storage\": supported values: \
             \"cpu\", \"hugepages-\", \"memory\"",
        ],
    );
    let pages = json!({ "cpu": "1", "hugepages-2Mi": "4Mi" });
    check(
        json!({ "requests": { "cpu": "2", "hugepages-2Mi": "6Mi" }, "limits": { "hugepages-2Mi": "6Mi" } }),
        json!({ "requests": pages, "limits": pages }),
        &[
            "spec.resources.requests[hugepages-2Mi]: Invalid value: \"6Mi\": must be greater than or equal to aggregate \
             container requests of 8Mi",
            "spec.resources.limits[hugepages-2Mi]: Invalid value: \"6Mi\": must be greater than or equal to aggregate \
             container limits of 8Mi",
        ],
    );
}

#[test]
fn templates_are_checked_as_pods_are() {
    let check = |template: Value, expect: &[&str]| {
        let base = json!({ "spec": { "containers": [{ "name": "a", "image": "x" }] } });
        check_create("PodTemplate", json!({ "template": changed(base, &template) }), expect);
    };
    check(
        json!({ "spec": { "containers": [{ "name": "a", "image": " x" }], "terminationGracePeriodSeconds": -1 } }),
        &[],
    );
    check(
        json!({ "metadata": { "annotations": { "kubernetes.io/config.mirror": "x" } } }),
        &[
            "template.annotations[kubernetes.io/config.mirror]: Invalid value: \"x\": must set spec.nodeName if mirror pod \
           annotation is set",
        ],
    );
    check(
        json!({ "spec": { "securityContext": { "seccompProfile": { "type": "Localhost" } } } }),
        &[
            "template.spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type \
           is Localhost",
        ],
    );
}
