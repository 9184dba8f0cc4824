//! Deployments, the sets of the group `apps`, replication controllers, budgets.

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
    check(
        json!({ "selector": null }),
        &[
            "spec.selector: Required value",
            "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`",
        ],
    );
    check(
        json!({ "selector": { "matchLabels": null, "matchExpressions": [{ "key": "app", "operator": "Is" }] } }),
        &[
            "spec.selector.matchExpressions[0].operator: Invalid value: \"Is\": not a valid selector operator",
            "spec.selector: Invalid value: {\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Is\"}]}: invalid label selector",
        ],
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
    check(json!({ "strategy": { "rollingUpdate": { "maxUnavailable": 0, "maxSurge": "200%" } } }), &[]);
    check(
        json!({ "strategy": { "type": "Slow" } }),
        &[
            "spec.strategy.type: Unsupported value: \"Slow\": supported values: \"Recreate\", \"RollingUpdate\"",
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
    let selector = "spec.selector: Required value";
    let labels =
        "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`";
    let containers = "spec.template.spec.containers: Required value";
    for kind in ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"] {
        check_create(kind, json!({}), &[selector, labels, containers]);
        check_create(kind, json!({ "spec": {} }), &[selector, labels, containers]);
    }
    check_create("ReplicationController", json!({}), &[selector, "spec.template: Required value"]);
    check_create("Pod", json!({}), &["spec.containers: Required value"]);
    check_create("Service", json!({}), &["spec.ports: Required value"]);
}

#[test]
fn selectors_stay_what_they_are() {
    let labels = json!({ "b": "c" });
    let changes = json!({ "spec": { "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels } } } });
    for kind in ["Deployment", "ReplicaSet", "DaemonSet"] {
        let expect = "spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"web\",\"b\":\"c\"}}: field is immutable";
        check_update(kind, deployment(json!({})), changes.clone(), &[expect]);
    }
    let changes = json!({ "spec": { "selector": labels, "template": { "metadata": { "labels": labels } } } });
    check_update("ReplicationController", controller(json!({})), changes, &[]);
}

#[test]
fn a_new_note_on_a_deployment_is_a_new_generation() {
    let old = changed(deployment(json!({})), &json!({ "metadata": { "generation": 3 } }));
    let check = |changes: Value, expect: i64| {
        let new = updated("Deployment", changed(old.clone(), &changes), &old);
        assert_eq!(new.at("metadata.generation"), expect, "{new}");
    };
    check(json!({ "metadata": { "labels": { "a": "b" }, "annotations": {} } }), 3);
    check(json!({ "metadata": { "annotations": { "a": "b" } } }), 4);
}

#[test]
fn daemon_sets_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("DaemonSet", deployment(spec), expect);
    let rolling = |rolling: Value| json!({ "updateStrategy": { "rollingUpdate": rolling } });
    check(json!({}), &[]);
    check(rolling(json!({ "maxUnavailable": 0, "maxSurge": "10%" })), &[]);
    check(
        json!({ "selector": { "matchLabels": null } }),
        &["spec.selector: Invalid value: {}: empty selector is invalid for daemonset"],
    );
    check(
        json!({ "template": { "spec": { "activeDeadlineSeconds": 5 } } }),
        &[
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported",
        ],
    );
    check(
        json!({ "updateStrategy": { "type": "Slow" } }),
        &[
            "spec.updateStrategy.type: Unsupported value: \"Slow\": supported values: \"RollingUpdate\", \"OnDelete\"",
        ],
    );
    let at = "spec.updateStrategy.rollingUpdate";
    check(
        rolling(json!({ "maxUnavailable": 1, "maxSurge": 1 })),
        &[&format!("{at}.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero")],
    );
    check(
        rolling(json!({ "maxUnavailable": 0 })),
        &[&format!("{at}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0")],
    );
    check(
        rolling(json!({ "maxUnavailable": 0, "maxSurge": "101%" })),
        &[&format!("{at}.maxSurge: Invalid value: \"101%\": must not be greater than 100%")],
    );
}

#[test]
fn daemon_sets_roll_one_node_at_a_time() {
    let rolling = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1, "maxSurge": 0 } });
    check_field("DaemonSet", deployment(json!({})), "spec.updateStrategy", rolling);
    let by_hand = json!({ "type": "OnDelete" });
    check_field(
        "DaemonSet",
        deployment(json!({ "updateStrategy": by_hand })),
        "spec.updateStrategy",
        by_hand,
    );
}

fn claim(name: &str) -> Value {
    let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
    json!({ "metadata": { "name": name }, "spec": spec })
}

#[test]
fn stateful_sets_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("StatefulSet", deployment(spec), expect);
    let strategy = |strategy: Value| json!({ "updateStrategy": strategy });
    check(json!({ "serviceName": "web" }), &[]);
    check(
        json!({ "podManagementPolicy": "Random" }),
        &["spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'"],
    );
    check(
        json!({ "serviceName": "a.b" }),
        &["spec.serviceName: Invalid value: \"a.b\": must not contain dots"],
    );
    check(
        json!({ "ordinals": { "start": -1 } }),
        &["spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0"],
    );
    check(
        json!({ "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Hide" } }),
        &[
            "spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: \"Hide\": supported values: \"Delete\", \"Retain\"",
        ],
    );
    check(
        strategy(json!({ "type": "Slow" })),
        &["spec.updateStrategy: Invalid value: {\"type\":\"Slow\"}: must be 'RollingUpdate' or 'OnDelete'"],
    );
    check(
        strategy(json!({ "type": "OnDelete", "rollingUpdate": {} })),
        &[
            "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":0}: only allowed for updateStrategy 'RollingUpdate'",
        ],
    );
    check(
        strategy(json!({ "rollingUpdate": { "partition": -1, "maxUnavailable": "0%" } })),
        &[
            "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0",
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": cannot be 0",
        ],
    );
    check(
        json!({ "selector": { "matchLabels": null } }),
        &["spec.selector: Invalid value: {}: empty selector is invalid for statefulset"],
    );
    check(
        json!({ "template": { "spec": { "activeDeadlineSeconds": 5 } } }),
        &[
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported",
        ],
    );
}

#[test]
fn claims_of_stateful_sets_are_volumes_of_their_pods() {
    let mount = json!([{ "name": "data", "mountPath": "/data" }]);
    let container = json!({ "name": "a", "image": "nginx:1", "volumeMounts": mount });
    let spec = json!({ "template": { "spec": { "containers": [container] } } });
    let claims = json!({ "volumeClaimTemplates": [claim("data")] });
    check_create("StatefulSet", deployment(changed(spec.clone(), &claims)), &[]);
    check_create(
        "StatefulSet",
        deployment(spec),
        &["spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"data\""],
    );
    let set = created("StatefulSet", deployment(claims));
    let claim = &set["spec"]["volumeClaimTemplates"][0];
    let filled = ["kind", "apiVersion", "status.phase", "spec.volumeMode"].map(|field| claim.text(field));
    assert_eq!(filled, ["PersistentVolumeClaim", "v1", "Pending", "Filesystem"]);
}

#[test]
fn stateful_sets_roll_one_pod_at_a_time() {
    let check =
        |spec: Value, field: &str, expect: Value| check_field("StatefulSet", deployment(spec), field, expect);
    let rolling =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 0, "maxUnavailable": 1 } });
    check(json!({}), "spec.updateStrategy", rolling);
    let plain = json!({ "type": "RollingUpdate" });
    check(json!({ "updateStrategy": plain }), "spec.updateStrategy", plain);
    check(json!({}), "spec.podManagementPolicy", json!("OrderedReady"));
    let retain = json!({ "whenDeleted": "Retain", "whenScaled": "Retain" });
    check(json!({}), "spec.persistentVolumeClaimRetentionPolicy", retain);
}

#[test]
fn no_claims_are_as_good_as_an_empty_list() {
    let set = deployment(json!({ "volumeClaimTemplates": [] }));
    check_update("StatefulSet", set, json!({ "spec": { "volumeClaimTemplates": null } }), &[]);
}

#[test]
fn stateful_sets_stay_as_they_are() {
    let check = |changes: Value, expect: &[&str]| {
        let set = deployment(json!({ "volumeClaimTemplates": [claim("data")] }));
        check_update("StatefulSet", set, json!({ "spec": changes }), expect);
    };
    check(
        json!({ "replicas": 3, "minReadySeconds": 5, "ordinals": { "start": 1 }, "revisionHistoryLimit": 2,
            "updateStrategy": { "type": "OnDelete", "rollingUpdate": null },
            "persistentVolumeClaimRetentionPolicy": { "whenScaled": "Delete" } }),
        &[],
    );
    let frozen = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    check(json!({ "serviceName": "db" }), &[frozen]);
    check(json!({ "podManagementPolicy": "Parallel" }), &[frozen]);
    check(json!({ "volumeClaimTemplates": [claim("more")] }), &[frozen]);
}

#[test]
fn stateful_sets_that_keep_all_revisions_are_warned_of() {
    let set = || deployment(json!({ "revisionHistoryLimit": -1 }));
    check_create("StatefulSet", set(), &[]);
    let warning = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended";
    check_warnings("StatefulSet", set(), &[warning]);
}

fn controller(spec: Value) -> Value {
    let mut object = deployment(json!({}));
    object["spec"]["selector"] = Value::Null;
    changed(object, &json!({ "spec": spec }))
}

#[test]
fn replication_controllers_are_checked() {
    let check =
        |spec: Value, expect: &[&str]| check_create("ReplicationController", controller(spec), expect);
    check(json!({}), &[]);
    check(json!({ "template": { "metadata": null } }), &["spec.selector: Required value"]);
    check(
        json!({ "selector": { "app": "db" } }),
        &[
            "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`",
        ],
    );
    check(
        json!({ "template": { "spec": { "activeDeadlineSeconds": 5, "restartPolicy": "Never" } } }),
        &[
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported",
        ],
    );
}

#[test]
fn replication_controllers_are_labelled_like_their_pods() {
    let labels = json!({ "app": "web" });
    for (field, expect) in
        [("spec.selector", labels.clone()), ("metadata.labels", labels), ("spec.replicas", json!(1))]
    {
        check_field("ReplicationController", controller(json!({})), field, expect);
    }
}

#[test]
fn counts_of_workloads_fit_together() {
    let check = |kind: &str, old: Value, changes: Value, expect: &[&str]| {
        check_status(kind, json!({ "status": old }), json!({ "status": changes }), expect);
    };
    let whole = "cannot be greater than status.replicas";
    for (kind, ready) in [
        ("Deployment", "readyReplicas"),
        ("ReplicaSet", "readyReplicas"),
        ("ReplicationController", "readyReplicas"),
        ("StatefulSet", "status.readyReplicas"),
    ] {
        check(kind, json!({}), json!({ "replicas": 2, "readyReplicas": 2, "availableReplicas": 1 }), &[]);
        check(
            kind,
            json!({}),
            json!({ "replicas": 1, "readyReplicas": 2, "availableReplicas": 3 }),
            &[
                &format!("status.readyReplicas: Invalid value: 2: {whole}"),
                &format!("status.availableReplicas: Invalid value: 3: {whole}"),
                &format!("status.availableReplicas: Invalid value: 3: cannot be greater than {ready}"),
            ],
        );
    }
    for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
        check(
            kind,
            json!({ "collisionCount": 2 }),
            json!({ "observedGeneration": -1, "collisionCount": null }),
            &[
                "status.observedGeneration: Invalid value: -1: must be greater than or equal to 0",
                "status.collisionCount: Invalid value: 0: cannot be decremented",
            ],
        );
    }
    check(
        "DaemonSet",
        json!({}),
        json!({ "numberReady": -1 }),
        &["status.numberReady: Invalid value: -1: must be greater than or equal to 0"],
    );
}
