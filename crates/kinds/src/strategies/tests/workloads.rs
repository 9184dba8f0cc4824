//! Deployments, replica sets, budgets.

use super::*;

fn deployment(spec: Value) -> Value {
    let template = json!({
        "metadata": { "labels": { "app": "web" } },
        "spec": { "restartPolicy": "Always", "containers": [{ "name": "a", "image": "nginx:1" }] },
    });
    let spec =
        changed(json!({ "selector": { "matchLabels": { "app": "web" } }, "template": template }), &spec);
    json!({ "metadata": { "name": "web" }, "spec": spec })
}

#[test]
fn deployments_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("Deployment", deployment(spec), expect);
    check(json!({}), &[]);
    check(
        json!({ "template": { "metadata": { "labels": { "app": "db" } } } }),
        &[
            "spec.template.metadata.labels: Invalid value: {\"app\":\"db\"}: `selector` does not match template `labels`",
        ],
    );
    check(
        json!({ "selector": { "matchLabels": null } }),
        &["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
    );
    check(json!({ "selector": null }), &["spec.selector: Required value"]);
    check(
        json!({ "selector": { "matchExpressions": [{ "key": "app", "operator": "Is" }] } }),
        &["spec.selector.matchExpressions[0].operator: Invalid value: \"Is\": not a valid selector operator"],
    );
    check_create(
        "Deployment",
        json!({}),
        &["spec.selector: Required value", "spec.template.spec.containers: Required value"],
    );
    check(
        json!({ "template": { "spec": { "restartPolicy": "Never" } } }),
        &["spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\""],
    );
    check(
        json!({ "strategy": { "rollingUpdate": { "maxUnavailable": 0, "maxSurge": "0%" } } }),
        &["spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"],
    );
    check(
        json!({ "strategy": { "rollingUpdate": { "maxUnavailable": "101%" } } }),
        &[
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
        ],
    );
    check(
        json!({ "strategy": { "type": "Recreate", "rollingUpdate": {} } }),
        &["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    );
    check(
        json!({ "progressDeadlineSeconds": 5, "minReadySeconds": 5 }),
        &["spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"],
    );
}

#[test]
fn deployments_roll_a_quarter_at_a_time() {
    let rolling =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": "25%", "maxSurge": "25%" } });
    check_field("Deployment", deployment(json!({})), "spec.strategy", rolling);
    let recreate = json!({ "type": "Recreate" });
    check_field("Deployment", deployment(json!({ "strategy": recreate })), "spec.strategy", recreate);
}

#[test]
fn templates_leave_to_pods_what_is_theirs() {
    check_field("Deployment", deployment(json!({})), "spec.template.spec.enableServiceLinks", Value::Null);
    let pod = json!({ "spec": { "containers": [{ "name": "a", "image": "nginx" }] } });
    check_field("Pod", pod, "spec.enableServiceLinks", json!(true));
}

#[test]
fn zeros_are_absence_where_go_cannot_tell() {
    let port = json!({ "containerPort": 80, "hostPort": 0 });
    let probe = json!({ "tcpSocket": { "port": 80 }, "initialDelaySeconds": 0, "periodSeconds": 0, "terminationGracePeriodSeconds": 0 });
    let container =
        json!({ "name": "a", "image": "nginx", "stdin": false, "ports": [port], "readinessProbe": probe });
    let mut pod =
        json!({ "spec": { "containers": [container], "terminationGracePeriodSeconds": 0, "nodeName": "" } });
    let row = row("Pod");
    assert_eq!(object::conform(&row.schema, &mut pod), Ok(Vec::new()));
    defaults(&row, &mut pod);
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["ports"][0], json!({ "containerPort": 80, "protocol": "TCP" }));
    let probe = json!({
        "tcpSocket": { "port": 80 }, "periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1,
        "failureThreshold": 3, "terminationGracePeriodSeconds": 0,
    });
    assert_eq!((&container["readinessProbe"], container.get("stdin")), (&probe, None));
    assert_eq!(
        (&pod["spec"]["terminationGracePeriodSeconds"], pod["spec"].get("nodeName")),
        (&json!(0), None)
    );
}

#[test]
fn replica_sets_are_checked() {
    let bare = json!({ "template": { "spec": { "activeDeadlineSeconds": 5 } } });
    check_create(
        "ReplicaSet",
        deployment(bare),
        &[
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
        ],
    );
}

#[test]
fn budgets_are_checked() {
    let check =
        |spec: Value, expect: &[&str]| check_create("PodDisruptionBudget", json!({ "spec": spec }), expect);
    check(json!({ "minAvailable": "50%" }), &[]);
    check(
        json!({ "minAvailable": 1, "maxUnavailable": 1 }),
        &[
            "spec: Invalid value: {\"maxUnavailable\":1,\"minAvailable\":1}: minAvailable and maxUnavailable cannot be both set",
        ],
    );
}

#[test]
fn what_is_missing_is_told() {
    let containers = "spec.template.spec.containers: Required value";
    check_create("ReplicaSet", json!({}), &["spec.selector: Required value", containers]);
    check_create("Deployment", json!({ "spec": {} }), &["spec.selector: Required value", containers]);
    check_create("Pod", json!({}), &["spec.containers: Required value"]);
    check_create("Service", json!({}), &["spec.ports: Required value"]);
}
