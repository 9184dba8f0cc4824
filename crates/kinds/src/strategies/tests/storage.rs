//! Classes and drivers of storage, attachments and migrations.

use super::volumes::affinity;
use super::*;

#[test]
fn storage_classes_are_checked() {
    let class = |fields: Value| changed(json!({ "provisioner": "a.example/b" }), &fields);
    let check = |fields: Value, expect: &[&str]| check_create("StorageClass", class(fields), expect);
    check_field("StorageClass", class(json!({})), "reclaimPolicy", json!("Delete"));
    check_field("StorageClass", class(json!({})), "volumeBindingMode", json!("Immediate"));
    check(json!({ "provisioner": "A.Example/B" }), &[]);
    check(json!({ "provisioner": null }), &["provisioner: Required value"]);
    check(
        json!({ "provisioner": "/a" }),
        &["provisioner: Invalid value: \"/a\": prefix part must be non-empty"],
    );
    check(
        json!({ "reclaimPolicy": "Recycle", "volumeBindingMode": "Later" }),
        &[
            "reclaimPolicy: Unsupported value: \"Recycle\": supported values: \"Delete\", \"Retain\"",
            "volumeBindingMode: Unsupported value: \"Later\": supported values: \"Immediate\", \"WaitForFirstConsumer\"",
        ],
    );
    check(
        json!({ "parameters": { "": "a" } }),
        &["parameters: Invalid value: \"\": field can not be empty."],
    );
    check(
        json!({ "parameters": { "a": "x".repeat(256 * 1024) } }),
        &["parameters: Too long: may not be more than 262144 bytes"],
    );
    let many: serde_json::Map<String, Value> = (0..513).map(|i| (i.to_string(), json!(""))).collect();
    check(json!({ "parameters": many }), &["parameters: Too long: may not be more than 512 bytes"]);
    let change =
        |changes: Value, expect: &[&str]| check_update("StorageClass", class(json!({})), changes, expect);
    change(json!({ "allowVolumeExpansion": true }), &[]);
    change(
        json!({ "provisioner": "q", "parameters": { "a": "b" }, "reclaimPolicy": "Retain", "volumeBindingMode": "WaitForFirstConsumer" }),
        &[
            &format!("volumeBindingMode: Invalid value: \"WaitForFirstConsumer\": {IMMUTABLE}"),
            "parameters: Forbidden: updates to parameters are forbidden.",
            "provisioner: Forbidden: updates to provisioner are forbidden.",
            "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
        ],
    );
}

#[test]
fn topologies_of_storage_classes_differ() {
    let class = |terms: Value| json!({ "provisioner": "p", "allowedTopologies": terms });
    let term = |expressions: Value| json!({ "matchLabelExpressions": expressions });
    let of = |key: &str, values: Value| json!({ "key": key, "values": values });
    let check = |terms: Value, expect: &[&str]| {
        let expect: Vec<String> = expect.iter().map(|text| format!("allowedTopologies[{text}")).collect();
        check_create("StorageClass", class(terms), &expect.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let (one, two) = (of("a", json!(["x"])), of("b", json!(["y", "z"])));
    check(json!([term(json!([one, two])), term(json!([one]))]), &[]);
    check(
        json!([term(json!([one, two])), term(json!([of("b", json!(["z", "y"])), one]))]),
        &["1].matchLabelExpressions: Duplicate value: \"\""],
    );
    check(json!([{}]), &["0].matchLabelExpressions: Duplicate value: \"\""]);
    check(
        json!([term(json!([
            of("a", json!([])),
            of("b", json!(["x", "x"])),
            of("a", json!(["x"])),
            of("-", json!(["x"]))
        ]))]),
        &[
            "0].matchLabelExpressions[0].values: Required value",
            "0].matchLabelExpressions[1].values[1]: Duplicate value: \"x\"",
            "0].matchLabelExpressions[3].key: Invalid value: \"-\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            "0].matchLabelExpressions[2].key: Duplicate value: \"a\"",
        ],
    );
    check_warnings(
        "StorageClass",
        class(json!([term(json!([of("failure-domain.beta.kubernetes.io/zone", json!(["x"]))]))])),
        &[
            "allowedTopologies[0].matchLabelExpressions[0].key: deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
        ],
    );
}

#[test]
fn classes_of_attributes_are_checked() {
    let class =
        |fields: Value| changed(json!({ "driverName": "a.example", "parameters": { "iops": "9" } }), &fields);
    let check = |fields: Value, expect: &[&str]| check_create("VolumeAttributesClass", class(fields), expect);
    check(json!({ "driverName": null }), &["driverName: Required value"]);
    check(
        json!({ "parameters": null }),
        &["parameters: Required value: must contain at least one key/value pair"],
    );
    check(
        json!({ "parameters": { "": "a" } }),
        &["parameters: Invalid value: \"\": field can not be empty."],
    );
    check_update(
        "VolumeAttributesClass",
        class(json!({})),
        json!({ "driverName": "b.example", "parameters": { "iops": "8" } }),
        &[
            "driverName: Forbidden: updates to driverName are forbidden.",
            "parameters: Forbidden: updates to parameters are forbidden.",
        ],
    );
}

#[test]
fn drivers_are_checked() {
    let driver = |spec: Value| json!({ "spec": spec });
    let check = |spec: Value, expect: &[&str]| check_create("CSIDriver", driver(spec), expect);
    for (path, expect) in [
        ("spec.attachRequired", json!(true)),
        ("spec.podInfoOnMount", json!(false)),
        ("spec.storageCapacity", json!(false)),
        ("spec.requiresRepublish", json!(false)),
        ("spec.seLinuxMount", json!(false)),
        ("spec.fsGroupPolicy", json!("ReadWriteOnceWithFSType")),
        ("spec.volumeLifecycleModes", json!(["Persistent"])),
    ] {
        check_field("CSIDriver", driver(json!({})), path, expect);
    }
    check(
        json!({ "fsGroupPolicy": "All", "volumeLifecycleModes": ["Eternal"] }),
        &[
            "spec.fsGroupPolicy: Unsupported value: \"All\": supported values: \"File\", \"None\", \"ReadWriteOnceWithFSType\"",
            "spec.volumeLifecycleModes: Unsupported value: \"Eternal\": supported values: \"Ephemeral\", \"Persistent\"",
        ],
    );
    check(
        json!({ "nodeAllocatableUpdatePeriodSeconds": 9 }),
        &[
            "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds",
        ],
    );
    check(
        json!({ "tokenRequests": [{ "audience": "a", "expirationSeconds": 600 }, { "audience": "a" }, { "audience": "", "expirationSeconds": 599 }, { "audience": "b", "expirationSeconds": 4_294_967_297_i64 }] }),
        &[
            "spec.tokenRequests[1].audience: Duplicate value: \"a\"",
            "spec.tokenRequests[2].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes",
            "spec.tokenRequests[3].expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds",
        ],
    );
    check(json!({ "serviceAccountTokenInSecrets": true, "tokenRequests": [{ "audience": "a" }] }), &[]);
    check(
        json!({ "serviceAccountTokenInSecrets": true }),
        &[
            "spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is set but no tokenRequests are specified",
        ],
    );
    check_update("CSIDriver", driver(json!({})), json!({ "spec": { "requiresRepublish": true } }), &[]);
    check_update(
        "CSIDriver",
        driver(json!({})),
        json!({ "spec": { "attachRequired": false, "volumeLifecycleModes": ["Ephemeral"] } }),
        &[
            &format!("spec.attachedRequired: Invalid value: false: {IMMUTABLE}"),
            &format!("spec.volumeLifecycleModes: Invalid value: [\"Ephemeral\"]: {IMMUTABLE}"),
        ],
    );
}

#[test]
fn drivers_of_nodes_are_checked() {
    let node = |drivers: Value| json!({ "spec": { "drivers": drivers } });
    let driver = |fields: Value| changed(json!({ "name": "a.example", "nodeID": "n" }), &fields);
    let check = |fields: Value, expect: &[&str]| {
        let expect: Vec<String> = expect.iter().map(|text| format!("spec.drivers[0]{text}")).collect();
        let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
        check_create("CSINode", node(json!([driver(fields)])), &expect);
    };
    check(json!({ "allocatable": { "count": 0 }, "topologyKeys": ["a.example/zone"] }), &[]);
    check(json!({ "name": null, "nodeID": "" }), &[".name: Required value", ".nodeID: Required value"]);
    check(json!({ "name": "a_b" }), &[&format!(".name: Invalid value: \"a_b\": {SUBDOMAIN}")]);
    let long = "n".repeat(257);
    check(
        json!({ "nodeID": long }),
        &[&format!(".nodeID: Invalid value: \"{long}\": must be 256 characters or less")],
    );
    check(
        json!({ "allocatable": { "count": -1 } }),
        &[".allocatable.count: Invalid value: -1: must be greater than or equal to 0"],
    );
    check(
        json!({ "topologyKeys": ["a", "a", "/b"] }),
        &[": Duplicate value: \"a\"", ": Invalid value: \"/b\": prefix part must be non-empty"],
    );
    check_create(
        "CSINode",
        node(json!([driver(json!({})), driver(json!({}))])),
        &["spec.drivers[1].name: Duplicate value: \"a.example\""],
    );
    let room = |count: i64| driver(json!({ "allocatable": { "count": count } }));
    check_update("CSINode", node(json!([room(1)])), node(json!([room(2)])), &[]);
    check_update(
        "CSINode",
        node(json!([room(1)])),
        node(json!([driver(json!({ "name": "b.example" }))])),
        &[],
    );
    check_update(
        "CSINode",
        node(json!([room(1)])),
        node(json!([driver(json!({ "nodeID": "m" }))])),
        &[&format!("spec.drivers: Invalid value: {{\"name\":\"a.example\",\"nodeID\":\"m\"}}: {IMMUTABLE}")],
    );
}

#[test]
fn the_room_that_is_left_is_checked() {
    let check = |capacity: Value, expect: &[&str]| check_create("CSIStorageCapacity", capacity, expect);
    check(
        json!({ "storageClassName": "" }),
        &[&format!("storageClassName: Invalid value: \"\": {SUBDOMAIN}")],
    );
    check(
        json!({ "storageClassName": "a", "capacity": "-1" }),
        &["capacity: Invalid value: \"-1\": must be greater than or equal to 0"],
    );
    let topology = json!({ "matchExpressions": [{ "key": "beta.kubernetes.io/arch", "operator": "Near" }], "matchLabels": { "beta.kubernetes.io/os": "linux" } });
    let there = json!({ "storageClassName": "a", "nodeTopology": topology });
    check(
        there.clone(),
        &[
            "nodeTopology.matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator",
        ],
    );
    check_warnings(
        "CSIStorageCapacity",
        there,
        &[
            "nodeTopology.matchExpressions[0].key: beta.kubernetes.io/arch is deprecated since v1.14; use \"kubernetes.io/arch\" instead",
            "nodeTopology.matchLabels.beta.kubernetes.io/os: deprecated since v1.14; use \"kubernetes.io/os\" instead",
        ],
    );
    check_update(
        "CSIStorageCapacity",
        json!({ "storageClassName": "a" }),
        json!({ "storageClassName": "b", "nodeTopology": {}, "capacity": "1" }),
        &[
            &format!("nodeTopology: Invalid value: {{}}: {IMMUTABLE}"),
            &format!("storageClassName: Invalid value: \"b\": {IMMUTABLE}"),
        ],
    );
}

fn attachment(source: Value) -> Value {
    json!({ "spec": { "attacher": "a.example", "nodeName": "n", "source": source } })
}

#[test]
fn attachments_are_checked() {
    let named = || attachment(json!({ "persistentVolumeName": "v" }));
    let check = |changes: Value, expect: &[&str]| {
        check_create("VolumeAttachment", changed(named(), &json!({ "spec": changes })), expect);
    };
    check(
        json!({ "attacher": "", "nodeName": null }),
        &["spec.attacher: Required value", "spec.nodeName: Required value"],
    );
    check(
        json!({ "attacher": "a_b", "nodeName": "-" }),
        &[
            &format!("spec.attacher: Invalid value: \"a_b\": {SUBDOMAIN}"),
            &format!("spec.nodeName: Invalid value: \"-\": {SUBDOMAIN}"),
        ],
    );
    let one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    check(
        json!({ "source": { "persistentVolumeName": null } }),
        &[&format!("spec.source: Required value: {one}")],
    );
    check(json!({ "source": { "inlineVolumeSpec": {} } }), &[&format!("spec.source: Forbidden: {one}")]);
    check(
        json!({ "source": { "persistentVolumeName": "" } }),
        &["spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName"],
    );
    check(
        json!({ "source": { "persistentVolumeName": "A" } }),
        &[&format!("spec.source.persistentVolumeName: Invalid value: \"A\": {SUBDOMAIN}")],
    );
    check_update(
        "VolumeAttachment",
        named(),
        json!({ "spec": { "nodeName": "m" } }),
        &[&format!(
            "spec: Invalid value: {{\"attacher\":\"a.example\",\"nodeName\":\"m\",\"source\":{{\"persistentVolumeName\":\"v\"}}}}: {IMMUTABLE}"
        )],
    );
}

#[test]
fn attached_volumes_without_an_object_are_of_drivers() {
    let check = |changes: Value, expect: &[&str]| {
        let good = json!({ "accessModes": ["ReadWriteOnce"], "csi": { "driver": "a.example", "volumeHandle": "h" } });
        let expect: Vec<String> =
            expect.iter().map(|text| format!("spec.source.inlineVolumeSpec.{text}")).collect();
        let object = attachment(json!({ "inlineVolumeSpec": changed(good, &changes) }));
        check_create("VolumeAttachment", object, &expect.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check(json!({}), &[]);
    let inline = "in the context of inline volumes";
    let not = format!("may not be specified {inline}");
    check(
        json!({ "claimRef": { "name": "c" }, "capacity": { "storage": "1" }, "nodeAffinity": affinity("a"), "storageClassName": "a" }),
        &[
            &format!("claimRef: Forbidden: {not}"),
            &format!("capacity: Forbidden: {not}"),
            &format!("nodeAffinity: Forbidden: {not}"),
            &format!("storageClassName: Forbidden: {not}"),
        ],
    );
    check(
        json!({ "csi": null, "hostPath": { "path": "/a" } }),
        &[&format!("csi: Required value: has to be specified {inline}")],
    );
    check(
        json!({ "persistentVolumeReclaimPolicy": "Delete", "volumeMode": "Block" }),
        &[
            &format!("persistentVolumeReclaimPolicy: Forbidden: may only be Retain {inline}"),
            &format!("volumeMode: Forbidden: may not specify volumeMode other than Filesystem {inline}"),
        ],
    );
}

#[test]
fn the_status_of_an_attachment_is_checked() {
    let check = |status: Value, expect: &[&str]| {
        check_status("VolumeAttachment", json!({}), json!({ "status": status }), expect);
    };
    let long = "may not be more than 262144 bytes";
    check(json!({ "attached": true, "attachError": { "message": "x", "errorCode": 5 } }), &[]);
    check(
        json!({ "attachmentMetadata": { "a": "x".repeat(256 * 1024) } }),
        &[&format!("status.attachmentMetadata: Too long: {long}")],
    );
    check(
        json!({ "attachError": { "errorCode": -1 }, "detachError": { "message": "x".repeat(1025) } }),
        &[
            "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive",
            &format!("status.detachError.message: Too long: {long}"),
        ],
    );
}

#[test]
fn migrations_are_checked() {
    let migration = |of: Value| json!({ "spec": { "resource": of } });
    let check = |of: Value, expect: &[&str]| check_create("StorageVersionMigration", migration(of), expect);
    check(json!({ "resource": "pods" }), &[]);
    check(json!({}), &["spec.resource.resource: Required value: resource is required to be set"]);
    check(
        json!({ "resource": "1a", "group": "-" }),
        &[
            "spec.resource.resource: Invalid value: \"1a\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
            &format!("spec.resource.group: Invalid value: \"-\": {SUBDOMAIN}"),
        ],
    );
    check_update(
        "StorageVersionMigration",
        migration(json!({ "resource": "pods" })),
        migration(json!({ "resource": "secrets" })),
        &[&format!("spec: Invalid value: {{\"resource\":{{\"resource\":\"secrets\"}}}}: {IMMUTABLE}")],
    );
}

/// A condition of a migration.
fn condition(kind: &str, status: &str) -> Value {
    json!({ "type": kind, "status": status, "reason": "R", "message": "", "lastTransitionTime": "2026-01-02T00:00:00Z" })
}

#[test]
fn migrations_end_once() {
    let shown = |conditions: &Value, detail: &str| {
        format!("status.conditions: Invalid value: {conditions}: {detail}")
    };
    let check = |before: Value, now: Value, details: &[&str]| {
        let of = |conditions: &Value| json!({ "status": { "conditions": conditions } });
        let expect: Vec<String> = details.iter().map(|detail| shown(&now, detail)).collect();
        let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
        check_status("StorageVersionMigration", of(&before), of(&now), &expect);
    };
    let (done, failed, running) =
        (condition("Succeeded", "True"), condition("Failed", "True"), condition("Running", "True"));
    check(json!([running]), json!([done, condition("Running", "False")]), &[]);
    check(
        json!([]),
        json!([done, failed]),
        &["Both success and failed conditions cannot be true at the same time"],
    );
    check(
        json!([]),
        json!([done, running]),
        &["Running condition cannot be true when success condition is true"],
    );
    check(
        json!([]),
        json!([failed, running]),
        &["Running condition cannot be true when failed condition is true"],
    );
    check(json!([done]), json!([]), &["Success condition cannot be set to false once it is true"]);
    check(json!([failed]), json!([]), &["Failed condition cannot be set to false once it is true"]);
}

#[test]
fn the_status_of_a_migration_is_checked() {
    let check = |changes: Value, expect: &[&str]| {
        let old = json!({ "status": { "resourceVersion": "7" } });
        check_status("StorageVersionMigration", old, json!({ "status": changes }), expect);
    };
    check(
        json!({ "resourceVersion": "8" }),
        &[&format!("status.resourceVersion: Invalid value: \"8\": {IMMUTABLE}")],
    );
    check(
        json!({ "resourceVersion": "07" }),
        &[
            "status.resourceVersion: Invalid value: \"07\": resource version is not well formed: 07",
            &format!("status.resourceVersion: Invalid value: \"07\": {IMMUTABLE}"),
        ],
    );
    let one = |changes: Value| json!({ "conditions": [changed(condition("A", "True"), &changes)] });
    let at = "status.conditions[0]";
    check(
        one(json!({ "status": "Yes", "lastTransitionTime": null, "reason": null, "observedGeneration": -1 })),
        &[
            &format!(
                "{at}.status: Unsupported value: \"Yes\": supported values: \"False\", \"True\", \"Unknown\""
            ),
            &format!("{at}.observedGeneration: Invalid value: -1: must be greater than or equal to zero"),
            &format!("{at}.lastTransitionTime: Required value: must be set"),
            &format!("{at}.reason: Required value: must be set"),
        ],
    );
    check(
        one(json!({ "reason": "a-b" })),
        &[&format!(
            "{at}.reason: Invalid value: \"a-b\": a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"
        )],
    );
    check(
        one(json!({ "reason": "r".repeat(1025), "message": "m".repeat(32 * 1024 + 1) })),
        &[
            &format!("{at}.reason: Too long: may not be more than 1024 bytes"),
            &format!("{at}.message: Too long: may not be more than 32768 bytes"),
        ],
    );
    check(
        json!({ "conditions": [condition("A", "True"), condition("A", "False")] }),
        &["status.conditions[1].type: Duplicate value: \"A\""],
    );
}
