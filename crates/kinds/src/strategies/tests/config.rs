//! Configuration, access and cluster.

use super::*;

#[test]
fn config_maps_are_checked() {
    check_create(
        "ConfigMap",
        json!({ "data": { "a": "x" }, "binaryData": { "a": "eA==" } }),
        &["data[a]: Invalid value: \"a\": duplicate of key present in binaryData"],
    );
    let big = "x".repeat(1024 * 1024 + 1);
    check_create(
        "ConfigMap",
        json!({ "data": { "a": big } }),
        &["[]: Too long: may not be more than 1048576 bytes"],
    );
    let frozen = json!({ "data": { "a": "x" }, "immutable": true });
    let text = "field is immutable when `immutable` is set";
    check_update(
        "ConfigMap",
        frozen.clone(),
        json!({ "data": { "a": "y" } }),
        &[&format!("data: Forbidden: {text}")],
    );
    check_update(
        "ConfigMap",
        frozen,
        json!({ "immutable": false }),
        &[&format!("immutable: Forbidden: {text}")],
    );
}

#[test]
fn secrets_are_checked() {
    let secret = |kind: &str, data: Value| json!({ "type": kind, "data": data });
    check_field(
        "Secret",
        json!({ "data": { "a": "eA==" }, "stringData": { "b": "y" } }),
        "data",
        json!({ "a": "eA==", "b": "eQ==" }),
    );
    check_field("Secret", json!({ "stringData": { "b": "y" } }), "stringData", Value::Null);
    check_create("Secret", secret("Opaque", json!({})), &[]);
    check_create(
        "Secret",
        secret("kubernetes.io/tls", json!({ "tls.crt": "" })),
        &["data[tls.key]: Required value"],
    );
    check_create(
        "Secret",
        secret("kubernetes.io/service-account-token", json!({})),
        &["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
    );
    check_create(
        "Secret",
        secret("kubernetes.io/dockerconfigjson", json!({ ".dockerconfigjson": "e30=" })),
        &[],
    );
}

#[test]
fn namespaces_and_nodes_are_prepared() {
    let namespace = json!({ "metadata": { "name": "n" } });
    check_field(
        "Namespace",
        namespace.clone(),
        "metadata.labels",
        json!({ "kubernetes.io/metadata.name": "n" }),
    );
    check_field("Namespace", namespace.clone(), "spec.finalizers", json!(["kubernetes"]));
    check_field("Namespace", namespace, "status.phase", json!("Active"));
    let node = json!({ "spec": { "podCIDR": "10.1.0.0/24" } });
    check_field("Node", node.clone(), "spec.podCIDRs", json!(["10.1.0.0/24"]));
    check_update(
        "Node",
        node,
        json!({ "spec": { "podCIDR": "10.2.0.0/24", "podCIDRs": ["10.2.0.0/24"] } }),
        &["spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid"],
    );
    let taint = json!({ "key": "a", "effect": "NoSchedule" });
    check_create(
        "Node",
        json!({ "spec": { "taints": [taint, taint] } }),
        &["spec.taints[1]: Duplicate value: {\"effect\":\"NoSchedule\",\"key\":\"a\"}"],
    );
}

#[test]
fn roles_and_bindings_are_checked() {
    check_create(
        "Role",
        json!({ "rules": [{ "apiGroups": [""], "resources": ["pods"] }, { "verbs": ["get"], "nonResourceURLs": ["/"] }] }),
        &[
            "rules[0].verbs: Required value: verbs must contain at least one value",
            "rules[1].nonResourceURLs: Invalid value: [\"/\"]: namespaced rules cannot apply to non-resource URLs",
        ],
    );
    check_create("ClusterRole", json!({ "rules": [{ "verbs": ["get"], "nonResourceURLs": ["/"] }] }), &[]);
    let group = "rbac.authorization.k8s.io";
    let binding =
        |subject: Value| json!({ "roleRef": { "kind": "ClusterRole", "name": "r" }, "subjects": [subject] });
    check_field(
        "RoleBinding",
        binding(json!({ "kind": "User", "name": "u" })),
        "subjects",
        json!([{ "kind": "User", "name": "u", "apiGroup": group }]),
    );
    check_create(
        "ClusterRoleBinding",
        binding(json!({ "kind": "ServiceAccount", "name": "s" })),
        &["subjects[0].namespace: Required value"],
    );
    check_update(
        "RoleBinding",
        binding(json!({ "kind": "User", "name": "u" })),
        json!({ "roleRef": { "name": "x" } }),
        &[&format!(
            "roleRef: Invalid value: {{\"apiGroup\":\"{group}\",\"kind\":\"ClusterRole\",\"name\":\"x\"}}: cannot change roleRef"
        )],
    );
}

#[test]
fn endpoints_are_checked() {
    let slice = |fields: Value| changed(json!({ "addressType": "IPv4" }), &fields);
    check_create(
        "EndpointSlice",
        slice(
            json!({ "endpoints": [{ "addresses": [] }, { "addresses": ["fd00::1"] }], "ports": [{ "name": "" }, { "name": "" }] }),
        ),
        &[
            "endpoints[0].addresses: Required value: must contain at least 1 address",
            "endpoints[1].addresses[0]: Invalid value: \"fd00::1\": must be an IPv4 address",
            "ports[1].name: Duplicate value: \"\"",
        ],
    );
    check_create(
        "Endpoints",
        json!({ "subsets": [{ "ports": [{ "port": 1 }] }] }),
        &["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
    );
}

#[test]
fn classes_and_limits_are_checked() {
    let class = |name: &str, value: i64| json!({ "metadata": { "name": name }, "value": value });
    check_create(
        "PriorityClass",
        class("system-x", 2_000_000_000),
        &[
            "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-x is not a known system priority class",
        ],
    );
    check_create("PriorityClass", class("system-node-critical", 2_000_001_000), &[]);
    check_update(
        "PriorityClass",
        class("a", 1),
        json!({ "value": 2 }),
        &["value: Forbidden: may not be changed in an update."],
    );
    let limits = |item: Value| json!({ "spec": { "limits": [item] } });
    check_field(
        "LimitRange",
        limits(json!({ "type": "Container", "max": { "cpu": "2" } })),
        "spec.limits",
        limits(json!({ "type": "Container", "max": { "cpu": "2" }, "default": { "cpu": "2" }, "defaultRequest": { "cpu": "2" } }))["spec"]["limits"].clone(),
    );
    check_create(
        "ResourceQuota",
        json!({ "spec": { "hard": { "pods": "-1" } } }),
        &["spec.hard[pods]: Invalid value: \"-1\": must be greater than or equal to 0"],
    );
}

#[test]
fn small_kinds_are_checked() {
    check_create(
        "Lease",
        json!({ "spec": { "leaseDurationSeconds": 0 } }),
        &["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
    );
    let event = |namespace: &str| json!({ "metadata": { "namespace": "n" }, "involvedObject": { "namespace": namespace } });
    check_create("Event", event("n"), &[]);
    check_create(
        "Event",
        event("m"),
        &["involvedObject.namespace: Invalid value: \"m\": does not match event.namespace"],
    );
    check_create(
        "ControllerRevision",
        json!({ "revision": 1 }),
        &["data: Required value: data is mandatory"],
    );
    check_create(
        "SubjectAccessReview",
        json!({ "spec": { "resourceAttributes": {} } }),
        &["spec.user: Invalid value: \"\": at least one of user or group must be specified"],
    );
}

#[test]
fn questions_are_asked_well() {
    let own = "SelfSubjectAccessReview";
    let local = "LocalSubjectAccessReview";
    let asked = |attributes: Value| json!({ "spec": { "user": "ann", "resourceAttributes": attributes } });
    let selects = |field: &str, selector: Value| asked(json!({ field: selector }));
    let requirement = json!({ "key": "a b", "operator": "In" });
    let operators = json!({ "requirements": [{ "key": "a", "operator": "Above" }] });
    check_create(own, asked(json!({})), &[]);
    check_create(
        own,
        json!({ "spec": {} }),
        &["spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or \
           resourceAttributes must be specified"],
    );
    check_create(
        own,
        json!({ "spec": { "resourceAttributes": {}, "nonResourceAttributes": { "path": "/" } } }),
        &[
            "spec.nonResourceAttributes: Invalid value: {\"path\":\"/\"}: cannot be specified in combination with \
           resourceAttributes",
        ],
    );
    let mut named = asked(json!({}));
    named["metadata"] = json!({ "name": "x", "uid": "u" });
    check_create(
        own,
        named.clone(),
        &["metadata: Invalid value: {\"name\":\"x\",\"uid\":\"u\"}: must be empty"],
    );
    check_create(
        local,
        named,
        &["metadata: Invalid value: {\"name\":\"x\",\"uid\":\"u\"}: must be empty except for namespace"],
    );
    let mut elsewhere = asked(json!({ "namespace": "b" }));
    elsewhere["metadata"] = json!({ "namespace": "a" });
    let at = "spec.resourceAttributes.namespace";
    check_create(local, elsewhere, &[&format!("{at}: Invalid value: \"b\": must match metadata.namespace")]);
    check_create(
        local,
        json!({ "spec": { "user": "ann", "nonResourceAttributes": {} } }),
        &["spec.nonResourceAttributes: Invalid value: {}: disallowed on this kind of request"],
    );
    check_create(
        own,
        selects("fieldSelector", json!({ "rawSelector": "a=b", "requirements": operators["requirements"] })),
        &[
            "spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: \"a=b\": may not specified at the same \
           time as requirements",
        ],
    );
    let at = "spec.resourceAttributes.labelSelector";
    check_create(
        own,
        selects("labelSelector", json!({})),
        &[&format!(
            "{at}.requirements: Required value: when {at} is specified, requirements or rawSelector is required"
        )],
    );
    check_create(own, selects("labelSelector", operators), &[]);
    check_create(
        own,
        selects("fieldSelector", json!({ "requirements": [requirement] })),
        &[
            "spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when \
           `operator` is 'In' or 'NotIn'",
        ],
    );
}
