//! Limits, quotas, leases, budgets, classes, namespaces, signing requests.

use super::*;

#[test]
fn limit_ranges_are_checked() {
    let check = |item: Value, expect: &[&str]| {
        let paths: Vec<String> = expect.iter().map(|text| format!("spec.limits[0].{text}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        check_create("LimitRange", json!({ "spec": { "limits": [item] } }), &paths);
    };
    check(json!({ "type": "Container", "max": { "cpu": "2" }, "min": { "cpu": "1" } }), &[]);
    check(
        json!({ "type": "x" }),
        &["type: Invalid value: \"x\": must be a standard limit type or fully qualified"],
    );
    check(
        json!({ "type": "Pod", "default": { "cpu": "1" }, "max": { "pods": "1" } }),
        &[
            "default: Forbidden: may not be specified when `type` is 'Pod'",
            "max[pods]: Invalid value: \"pods\": must be a standard resource for containers",
        ],
    );
    check(
        json!({ "type": "PersistentVolumeClaim" }),
        &[
            "limits: Required value: either minimum or maximum storage value is required, but neither was provided",
        ],
    );
    check(
        json!({ "type": "Container", "min": { "cpu": "3" }, "max": { "cpu": "2" }, "default": { "cpu": "1" }, "defaultRequest": { "cpu": "4" } }),
        &[
            "min[cpu]: Invalid value: \"3\": min value 3 is greater than max value 2",
            "defaultRequest[cpu]: Invalid value: \"4\": default request value 4 is greater than max value 2",
            "defaultRequest[cpu]: Invalid value: \"4\": default request value 4 is greater than default limit value 1",
            "default[cpu]: Invalid value: \"3\": min value 3 is greater than default value 1",
        ],
    );
    check(
        json!({ "type": "Pod", "min": { "cpu": "1" }, "max": { "cpu": "2" }, "maxLimitRequestRatio": { "cpu": "3", "memory": "500m" } }),
        &[
            "maxLimitRequestRatio[cpu]: Invalid value: \"3\": ratio 3 is greater than max/min = 2.000000",
            "maxLimitRequestRatio[memory]: Invalid value: \"500m\": ratio 500m is less than 1",
        ],
    );
    check(
        json!({ "type": "Container", "default": { "a.b/gpu": "2" }, "defaultRequest": { "a.b/gpu": "1" } }),
        &[
            "defaultRequest[a.b/gpu]: Invalid value: \"1\": default value 2 must equal to defaultRequest value 1 in a.b/gpu",
        ],
    );
}

#[test]
fn quotas_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("ResourceQuota", json!({ "spec": spec }), expect);
    check(
        json!({ "hard": { "pods": "4", "count/jobs.batch": "1", "limits.cpu": "2", "requests.storage": "1Gi" } }),
        &[],
    );
    check(
        json!({ "hard": { "apples": "1", "pods": "1500m", "storage": "1" } }),
        &[
            "spec.hard[apples]: Invalid value: \"apples\": must be a standard resource type or fully qualified",
            "spec.hard[apples]: Invalid value: \"apples\": must be a standard resource for quota",
            "spec.hard[pods]: Invalid value: \"1500m\": must be an integer",
            "spec.hard[storage]: Invalid value: \"storage\": must be a standard resource for quota",
        ],
    );
    check(
        json!({ "hard": { "cpu": "1" }, "scopes": ["BestEffort", "NotBestEffort", "x"] }),
        &[
            "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\",\"x\"]: unsupported scope applied to resource",
            "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\",\"x\"]: unsupported scope",
            "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\",\"x\"]: conflicting scopes",
        ],
    );
    let twice = json!({ "scopes": ["x", "y", "x"] });
    check(twice, &["spec.scopes: Invalid value: [\"x\",\"y\",\"x\"]: unsupported scope"]);
    let selector = |requirement: Value| json!({ "scopeSelector": { "matchExpressions": [requirement] } });
    check(selector(json!({ "scopeName": "PriorityClass", "operator": "In", "values": ["high"] })), &[]);
    check(
        selector(json!({ "scopeName": "x", "operator": "In" })),
        &[
            "spec.scopeSelector.matchExpressions.scopeName: Invalid value: \"x\": unsupported scope",
            "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
        ],
    );
    check(
        selector(json!({ "scopeName": "PriorityClass", "operator": "Exists", "values": ["a"] })),
        &[
            "spec.scopeSelector.matchExpressions.values: Invalid value: [\"a\"]: must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        ],
    );
    check_update(
        "ResourceQuota",
        json!({ "spec": { "scopes": ["BestEffort"] } }),
        json!({ "spec": { "scopes": [] } }),
        &["spec.scopes: Invalid value: []: field is immutable"],
    );
    check_status(
        "ResourceQuota",
        json!({}),
        json!({ "status": { "used": { "pods": "-1" } } }),
        &["status.used[pods]: Invalid value: \"-1\": must be greater than or equal to 0"],
    );
}

#[test]
fn leases_and_budgets_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("Lease", json!({ "spec": spec }), expect);
    check(json!({ "strategy": "OldestEmulationVersion", "preferredHolder": "a" }), &[]);
    check(
        json!({ "strategy": "Youngest" }),
        &[
            "spec.strategy.strategy: Unsupported value: \"Youngest\": supported values: \"OldestEmulationVersion\"",
        ],
    );
    check(
        json!({ "preferredHolder": "a" }),
        &["spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"],
    );
    check_status(
        "PodDisruptionBudget",
        json!({}),
        json!({ "status": { "currentHealthy": -1 } }),
        &["status.currentHealthy: Invalid value: -1: must be greater than or equal to 0"],
    );
}

#[test]
fn classes_of_priority_count_no_generation() {
    let made = created("PriorityClass", json!({ "value": 1 }));
    assert_eq!(made["metadata"]["generation"], 1);
    let row = row("PriorityClass");
    assert!(!row.policy.generation && !row.policy.create_on_update);
}

#[test]
fn classes_are_checked() {
    let reserved = "priority class names with 'system-' prefix are reserved for system use only. error:";
    let check = |name: &str, value: i64, text: &str| {
        let class = json!({ "metadata": { "name": name }, "value": value });
        check_create("PriorityClass", class, &[text]);
    };
    check(
        "a",
        1_000_000_001,
        "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
    );
    check(
        "system-node-critical",
        1,
        &format!(
            "metadata.name: Forbidden: {reserved} value of system-node-critical PriorityClass must be 2000001000"
        ),
    );
    let toleration = json!({ "key": "a", "operator": "Exists" });
    check_create(
        "RuntimeClass",
        json!({ "handler": "runc", "scheduling": { "tolerations": [toleration, toleration] } }),
        &["scheduling.tolerations[1]: Duplicate value: {\"key\":\"a\",\"operator\":\"Exists\"}"],
    );
}

#[test]
fn namespaces_and_accounts_are_checked() {
    check_create(
        "Namespace",
        json!({ "spec": { "finalizers": ["x"] } }),
        &[
            "spec.finalizers: Invalid value: \"x\": name is neither a standard finalizer name nor is it fully qualified",
        ],
    );
    check_status(
        "Namespace",
        json!({ "status": { "phase": "Active" } }),
        json!({ "status": { "phase": "Terminating" } }),
        &[
            "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
        ],
    );
    check_warnings(
        "ServiceAccount",
        json!({ "metadata": { "annotations": { "kubernetes.io/enforce-mountable-secrets": "true" } } }),
        &[
            "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets",
        ],
    );
    check_warnings(
        "Node",
        json!({ "spec": { "externalID": "x" } }),
        &["spec.externalID: this field is deprecated, and is unused by Kubernetes"],
    );
}

fn request(spec: Value) -> Value {
    // -----BEGIN CERTIFICATE REQUEST-----
    let pem = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0=";
    json!({ "spec": changed(json!({ "request": pem, "usages": ["client auth"], "signerName": "a.example/b" }), &spec) })
}

#[test]
fn signing_requests_are_checked() {
    let check =
        |spec: Value, expect: &[&str]| check_create("CertificateSigningRequest", request(spec), expect);
    check(json!({}), &[]);
    // of: me
    // -----BEGIN CERTIFICATE REQUEST-----
    check(json!({ "request": "b2Y6IG1lCi0tLS0tQkVHSU4gQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tDQp4Cg==" }), &[]);
    check(
        json!({ "request": "eA==", "usages": [], "signerName": "", "expirationSeconds": 599 }),
        &[
            "spec.request: Invalid value: \"eA==\": PEM block type must be CERTIFICATE REQUEST",
            "spec.usages: Required value",
            "spec.signerName: Required value",
            "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)",
        ],
    );
    check(
        json!({ "usages": ["client auth", "client auth"], "signerName": "a.example" }),
        &[
            "spec.usages[1]: Duplicate value: \"client auth\"",
            "spec.signerName: Invalid value: \"a.example\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
        ],
    );
    check(
        json!({ "signerName": "a/b" }),
        &[
            "spec.signerName: Invalid value: \"a\": should be a domain with at least two segments separated by dots",
        ],
    );
    check(
        json!({ "signerName": "kubernetes.io/legacy-unknown" }),
        &[
            "spec.signerName: Invalid value: \"kubernetes.io/legacy-unknown\": the legacy signerName is not allowed via this API version",
        ],
    );
}

#[test]
fn who_signs_does_not_approve() {
    let approved = json!({ "type": "Approved", "status": "True" });
    let status = |conditions: Value| json!({ "status": { "conditions": conditions } });
    let check = |old: Value, new: Value, expect: &[&str]| {
        check_status("CertificateSigningRequest", old, new, expect);
    };
    check(
        status(json!([approved])),
        json!({ "status": { "certificate": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t" } }),
        &[],
    );
    check(
        status(json!([])),
        status(json!([approved])),
        &["status.conditions: Forbidden: updates may not add a condition of type \"Approved\""],
    );
    check(
        status(json!([approved])),
        status(json!([])),
        &["status.conditions: Forbidden: updates may not remove a condition of type \"Approved\""],
    );
    let denied = json!({ "type": "Denied", "status": "False" });
    check(
        status(json!([approved, denied])),
        json!({}),
        &["status.conditions[1].status: Unsupported value: \"False\": supported values: \"True\""],
    );
    check(
        json!({ "status": { "certificate": "eA==" } }),
        json!({ "status": { "certificate": "eQ==" } }),
        &[
            "status.certificate: Invalid value: \"<certificate data>\": must contain at least one CERTIFICATE PEM block",
            "status.certificate: Forbidden: updates may not modify existing certificate content",
        ],
    );
}
