//! Claims to volumes.

use super::*;

fn claim(spec: Value) -> Value {
    let good = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "2Gi" } } });
    json!({ "spec": changed(good, &spec) })
}

#[test]
fn claims_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("PersistentVolumeClaim", claim(spec), expect);
    check(json!({}), &[]);
    check_field("PersistentVolumeClaim", claim(json!({})), "spec.volumeMode", json!("Filesystem"));
    check_field("PersistentVolumeClaim", claim(json!({})), "status", json!({ "phase": "Pending" }));
    check_create(
        "PersistentVolumeClaim",
        json!({ "spec": {} }),
        &[
            "spec.accessModes: Required value: at least 1 access mode is required",
            "spec.resources[storage]: Required value",
        ],
    );
    check(
        json!({ "accessModes": ["Any"] }),
        &[&format!("spec.accessModes: Unsupported value: \"Any\": {MODES}")],
    );
    check(
        json!({ "resources": { "requests": { "storage": "0" } } }),
        &["spec.resources[storage]: Invalid value: \"0\": must be greater than zero"],
    );
    check(
        json!({ "selector": { "matchExpressions": [{ "key": "a", "operator": "Exists", "values": ["b"] }] } }),
        &[
            "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ],
    );
    check(json!({ "storageClassName": "", "volumeAttributesClassName": "" }), &[]);
    check(
        json!({ "storageClassName": "A", "volumeAttributesClassName": "B", "volumeMode": "Tape" }),
        &[
            "spec.volumeMode: Unsupported value: \"Tape\": supported values: \"Block\", \"Filesystem\"",
            &format!("spec.storageClassName: Invalid value: \"A\": {SUBDOMAIN}"),
            &format!("spec.volumeAttributesClassName: Invalid value: \"B\": {SUBDOMAIN}"),
        ],
    );
}

#[test]
fn claims_say_what_they_are_made_from() {
    let source = |kind: &str, group: Value| {
        changed(json!({ "kind": kind, "name": "s" }), &json!({ "apiGroup": group }))
    };
    let of_claim = source("PersistentVolumeClaim", Value::Null);
    let snapshot = source("VolumeSnapshot", json!("snapshot.storage.k8s.io"));
    let other = source("Book", json!("example.com"));
    let check = |spec: Value, path: &str, expect: &Value| {
        check_field("PersistentVolumeClaim", claim(spec), path, expect.clone());
    };
    for known in [&of_claim, &snapshot] {
        check(json!({ "dataSource": known }), "spec.dataSourceRef", known);
        check(json!({ "dataSource": known }), "spec.dataSource", known);
    }
    check(json!({ "dataSource": other }), "spec.dataSource", &Value::Null);
    check(json!({ "dataSourceRef": other }), "spec.dataSource", &other);
    let far = changed(of_claim.clone(), &json!({ "namespace": "n" }));
    check(json!({ "dataSourceRef": far }), "spec.dataSourceRef", &Value::Null);

    let check = |spec: Value, expect: &[&str]| check_create("PersistentVolumeClaim", claim(spec), expect);
    let of_kind = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    check(
        json!({ "dataSource": other, "dataSourceRef": of_claim }),
        &["spec: Invalid value: \"spec.dataSource\": must match dataSourceRef"],
    );
    check(
        json!({ "dataSource": of_claim, "dataSourceRef": { "kind": "Book", "name": "" } }),
        &[
            "spec.dataSourceRef.name: Required value",
            &format!("spec.dataSourceRef: Invalid value: \"Book\": {of_kind}"),
            "spec: Invalid value: \"spec.dataSource\": must match dataSourceRef",
        ],
    );
    check(
        json!({ "dataSourceRef": source("Book", json!("-")) }),
        &[
            &format!("spec.dataSource.apiGroup: Invalid value: \"-\": {SUBDOMAIN}"),
            &format!("spec.dataSourceRef.apiGroup: Invalid value: \"-\": {SUBDOMAIN}"),
        ],
    );
    let far = json!({ "spec": { "dataSourceRef": { "namespace": "A" } } });
    let label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    check_update(
        "PersistentVolumeClaim",
        claim(json!({ "dataSource": of_claim })),
        far,
        &[
            &format!("spec.dataSourceRef.namespace: Invalid value: \"A\": {label}"),
            "spec: Invalid value: \"spec.dataSource\": may not be specified when dataSourceRef.namespace is specified",
            SETTLED,
        ],
    );
}

const SETTLED: &str = "spec: Forbidden: spec is immutable after creation except resources.requests and \
     volumeAttributesClassName for bound claims";

#[test]
fn claims_stay() {
    let check = |old: Value, changes: Value, expect: &[&str]| {
        check_update("PersistentVolumeClaim", claim(old), changes, expect);
    };
    let spec = |spec: Value| json!({ "spec": spec });
    check(json!({}), spec(json!({ "volumeName": "v" })), &[]);
    check(json!({ "volumeName": "v" }), spec(json!({ "volumeName": "w" })), &[SETTLED]);
    check(json!({}), spec(json!({ "storageClassName": "a" })), &[]);
    check(json!({ "storageClassName": "" }), spec(json!({ "storageClassName": "a" })), &[SETTLED]);
    check(json!({}), spec(json!({ "accessModes": ["ReadWriteMany"] })), &[SETTLED]);
    check(
        json!({}),
        spec(json!({ "volumeMode": "Block" })),
        &[SETTLED, &format!("volumeMode: Invalid value: \"Block\": {IMMUTABLE}")],
    );
    let class = "volumeAttributesClassName";
    let bound = |spec: Value| json!({ "spec": spec, "status": { "phase": "Bound" } });
    check(json!({}), spec(json!({ class: "a" })), &[SETTLED]);
    check(json!({}), bound(json!({ class: "a" })), &[]);
    check(
        json!({ class: "a" }),
        bound(json!({ class: null })),
        &[
            SETTLED,
            "spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden",
        ],
    );
    check(
        json!({ class: "a" }),
        bound(json!({ class: "" })),
        &[
            "spec.volumeAttributesClassName: Forbidden: update from non-nil value to an empty string is forbidden",
        ],
    );
}

#[test]
fn the_annotation_of_a_class_stays_or_becomes_the_field() {
    let name = "volume.beta.kubernetes.io/storage-class";
    let annotated = |class: Value| json!({ "metadata": { "annotations": { name: class } } });
    let check = |changes: Value, expect: &[&str]| {
        check_update(
            "PersistentVolumeClaim",
            changed(claim(json!({})), &annotated(json!("a"))),
            changes,
            expect,
        );
    };
    let with = |class: Value, field: &str| {
        changed(annotated(class), &json!({ "spec": { "storageClassName": field } }))
    };
    let kept = |now: &str| format!("metadata.annotations.{name}: Invalid value: \"{now}\": {IMMUTABLE}");
    check(annotated(json!("b")), &[&kept("b")]);
    check(annotated(Value::Null), &[&kept("")]);
    check(with(json!("a"), "a"), &[]);
    check(with(Value::Null, "a"), &[]);
    check(with(json!("a"), "b"), &[SETTLED]);
}

#[test]
fn claims_are_resized() {
    let check = |changes: Value, size: &str, expect: &[&str]| {
        let resized = json!({ "spec": { "resources": { "requests": { "storage": size } } } });
        check_update("PersistentVolumeClaim", claim(json!({})), changed(changes, &resized), expect);
    };
    let bound = json!({ "status": { "phase": "Bound", "capacity": { "storage": "1Gi" } } });
    check(json!({}), "3Gi", &[SETTLED]);
    check(bound.clone(), "3Gi", &[]);
    check(bound.clone(), "1.5Gi", &[]);
    let shrunk = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity";
    check(bound, "1Gi", &[shrunk]);
}

#[test]
fn the_status_of_a_claim_is_checked() {
    let check = |status: Value, expect: &[&str]| {
        check_status("PersistentVolumeClaim", claim(json!({})), json!({ "status": status }), expect);
    };
    check(
        json!({ "capacity": { "storage": "1Gi" }, "allocatedResources": { "storage": "1Gi", "example.com/a": "1" }, "allocatedResourceStatuses": { "storage": "NodeResizePending" } }),
        &[],
    );
    let size = "Invalid value: -1: must be a valid resource quantity";
    let storage = "supported values: \"storage\"";
    check(json!({ "capacity": { "storage": "-1" } }), &[&format!("status.capacity[storage]: {size}")]);
    check(
        json!({ "allocatedResources": { "cpu": "-1", "storage": "-1" } }),
        &[
            &format!("status.allocatedResources: Unsupported value: \"cpu\": {storage}"),
            &format!("status.allocatedResources[storage]: {size}"),
        ],
    );
    check(
        json!({ "allocatedResourceStatuses": { "kubernetes.io/a": "Resizing" } }),
        &[
            &format!("status.allocatedResourceStatus: Unsupported value: \"kubernetes.io/a\": {storage}"),
            "status.allocatedResourceStatus: Unsupported value: \"kubernetes.io/a\": supported values: \"ControllerResizeInProgress\", \"ControllerResizeInfeasible\", \"NodeResizeInProgress\", \"NodeResizeInfeasible\", \"NodeResizePending\"",
        ],
    );
}
