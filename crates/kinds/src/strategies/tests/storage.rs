//! Volumes, claims, classes and drivers.

use super::*;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
     '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const IMMUTABLE: &str = "field is immutable";
const MODES: &str =
    "supported values: \"ReadOnlyMany\", \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\"";

fn volume(spec: Value) -> Value {
    let good = json!({ "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"] });
    json!({ "metadata": { "name": "v" }, "spec": changed(good, &spec) })
}

fn on_host(spec: Value) -> Value {
    changed(volume(json!({ "hostPath": { "path": "/a" } })), &json!({ "spec": spec }))
}

fn of_driver(spec: Value) -> Value {
    changed(
        volume(json!({ "csi": { "driver": "a.example", "volumeHandle": "h" } })),
        &json!({ "spec": spec }),
    )
}

/// An affinity to nodes with this label.
fn affinity(label: &str) -> Value {
    let expression = json!({ "key": label, "operator": "In", "values": ["a"] });
    json!({ "required": { "nodeSelectorTerms": [{ "matchExpressions": [expression] }] } })
}

#[test]
fn volumes_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("PersistentVolume", on_host(spec), expect);
    check(json!({}), &[]);
    for (path, expect) in [
        ("status.phase", "Pending"),
        ("spec.volumeMode", "Filesystem"),
        ("spec.persistentVolumeReclaimPolicy", "Retain"),
    ] {
        check_field("PersistentVolume", on_host(json!({})), path, json!(expect));
    }
    check(json!({ "accessModes": [] }), &["spec.accessModes: Required value"]);
    check(
        json!({ "accessModes": ["Any"] }),
        &[&format!("spec.accessModes: Unsupported value: \"Any\": {MODES}")],
    );
    check(
        json!({ "accessModes": ["ReadWriteOncePod", "ReadOnlyMany"] }),
        &["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
    );
    check(
        json!({ "capacity": null }),
        &[
            "spec.capacity: Required value",
            "spec.capacity: Unsupported value: null: supported values: \"storage\"",
        ],
    );
    check(
        json!({ "capacity": { "cpu": "1" } }),
        &[
            "spec.capacity: Unsupported value: {\"cpu\":\"1\",\"storage\":\"1Gi\"}: supported values: \"storage\"",
        ],
    );
    check(
        json!({ "capacity": { "storage": "-1" } }),
        &[
            "spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
            "spec.capacity[storage]: Invalid value: \"-1\": must be greater than zero",
        ],
    );
    check(
        json!({ "nodeAffinity": {} }),
        &["spec.nodeAffinity.required: Required value: must specify required node constraints"],
    );
    check(
        json!({ "nodeAffinity": { "required": {} } }),
        &[
            "spec.nodeAffinity.required.nodeSelectorTerms: Required value: must have at least one node selector term",
        ],
    );
    check(
        json!({ "hostPath": { "path": "/./.." , "type": "Socket" }, "persistentVolumeReclaimPolicy": "Recycle" }),
        &[
            "spec.hostPath.path: Invalid value: \"/./..\": must not contain '..'",
            "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
        ],
    );
    check(
        json!({ "storageClassName": "A" }),
        &[&format!("spec.storageClassName: Invalid value: \"A\": {SUBDOMAIN}")],
    );
    check(
        json!({ "volumeMode": "Tape", "persistentVolumeReclaimPolicy": "Burn" }),
        &[
            "spec.persistentVolumeReclaimPolicy: Unsupported value: \"Burn\": supported values: \"Delete\", \"Recycle\", \"Retain\"",
            "spec.volumeMode: Unsupported value: \"Tape\": supported values: \"Block\", \"Filesystem\"",
        ],
    );
    let csi = "spec.csi: Required value: has to be specified when using volumeAttributesClassName";
    check(json!({ "volumeAttributesClassName": "a" }), &[csi]);
    check_create(
        "PersistentVolume",
        of_driver(json!({ "volumeAttributesClassName": "" })),
        &["spec.volumeAttributesClassName: Required value: an empty string is disallowed"],
    );
}

#[test]
fn volumes_have_one_source() {
    check_create(
        "PersistentVolume",
        volume(json!({})),
        &["spec: Required value: must specify a volume type"],
    );
    check_create(
        "PersistentVolume",
        on_host(json!({ "fc": {}, "csi": {} })),
        &[
            "spec.fc: Forbidden: may not specify more than 1 volume type",
            "spec.csi: Forbidden: may not specify more than 1 volume type",
        ],
    );
}

/// Checks what is wrong with a source; the errors are those below it.
fn check_source(name: &str, source: Value, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|text| format!("spec.{name}{text}")).collect();
    let mut spec = json!({ "nodeAffinity": affinity("a") });
    spec[name] = source;
    check_create("PersistentVolume", volume(spec), &expect.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn sources_need_what_they_are_made_of() {
    let check = |name: &str, fields: &[&str]| {
        let expect: Vec<String> = fields.iter().map(|field| format!(".{field}: Required value")).collect();
        check_source(name, json!({}), &expect.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check("awsElasticBlockStore", &["volumeID"]);
    check("azureFile", &["secretName", "shareName"]);
    check("cephfs", &["monitors"]);
    check("cinder", &["volumeID"]);
    check("csi", &["driver", "volumeHandle"]);
    check("flexVolume", &["driver"]);
    check("gcePersistentDisk", &["pdName"]);
    check("glusterfs", &["endpoints", "path"]);
    check("hostPath", &["path"]);
    check("iscsi", &["targetPortal", "iqn"]);
    check("local", &["path"]);
    check("nfs", &["path", "server"]);
    check("photonPersistentDisk", &["pdID"]);
    check("portworxVolume", &["volumeID"]);
    check("rbd", &["monitors", "image"]);
    check("scaleIO", &["gateway", "system", "volumeName"]);
    check("storageos", &["volumeName"]);
    check("vsphereVolume", &["volumePath"]);
}

#[test]
fn sources_of_files_are_checked() {
    check_source(
        "nfs",
        json!({ "server": "s", "path": "a" }),
        &[".path: Invalid value: \"a\": must be an absolute path"],
    );
    check_source(
        "local",
        json!({ "path": "/a/.." }),
        &[".path: Invalid value: \"/a/..\": must not contain '..'"],
    );
    check_create(
        "PersistentVolume",
        volume(json!({ "local": { "path": "/a" } })),
        &["spec.nodeAffinity: Required value: Local volume requires node affinity"],
    );
    let glusterfs =
        |namespace: &str| json!({ "endpoints": "e", "path": "p", "endpointsNamespace": namespace });
    check_source(
        "glusterfs",
        glusterfs(""),
        &[
            ".endpointsNamespace: Invalid value: \"\": if the endpointnamespace is set, it must be a valid namespace name",
        ],
    );
    check_source(
        "glusterfs",
        glusterfs("a.b"),
        &[".endpointsNamespace: Invalid value: \"a.b\": must not contain dots"],
    );
    check_source("flocker", json!({}), &[": Required value: one of datasetName and datasetUUID is required"]);
    check_source(
        "flocker",
        json!({ "datasetName": "a/b", "datasetUUID": "u" }),
        &[
            ": Invalid value: \"resource\": datasetName and datasetUUID can not be specified simultaneously",
            ".datasetName: Invalid value: \"a/b\": must not contain '/'",
        ],
    );
    let pairs = "must be a host:port pair or multiple pairs separated by commas";
    let quobyte =
        |registry: &str, tenant: &str| json!({ "registry": registry, "volume": "v", "tenant": tenant });
    check_source("quobyte", quobyte("a:1,[::1]:2", ""), &[]);
    check_source("quobyte", quobyte("", ""), &[&format!(".registry: Required value: {pairs}")]);
    check_source(
        "quobyte",
        quobyte("a:1,b", ""),
        &[&format!(".registry: Invalid value: \"a:1,b\": {pairs}")],
    );
    check_source(
        "quobyte",
        quobyte("a:1", &"t".repeat(65)),
        &[".tenant: Required value: must be a UUID and may not exceed a length of 64 characters"],
    );
}

#[test]
fn sources_of_clouds_are_checked() {
    let partition = ".partition: Invalid value: 256: must be between 1 and 255, inclusive";
    check_source("gcePersistentDisk", json!({ "pdName": "d", "partition": 256 }), &[partition]);
    check_source("awsElasticBlockStore", json!({ "volumeID": "d", "partition": 0 }), &[]);
    check_source(
        "azureFile",
        json!({ "secretName": "s", "shareName": "s", "secretNamespace": "" }),
        &[".secretNamespace: Required value"],
    );
    let disk = |changes: Value| changed(json!({ "diskName": "d", "diskURI": "https://a" }), &changes);
    check_source("azureDisk", disk(json!({})), &[]);
    check_source(
        "azureDisk",
        disk(json!({ "cachingMode": "x", "kind": "y" })),
        &[
            ".cachingMode: Unsupported value: \"x\": supported values: \"None\", \"ReadOnly\", \"ReadWrite\"",
            ".kind: Unsupported value: \"y\": supported values: \"Dedicated\", \"Managed\", \"Shared\"",
        ],
    );
    check_source(
        "azureDisk",
        disk(json!({ "kind": "Managed" })),
        &[
            ".diskURI: Unsupported value: \"https://a\": supported values: \"/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}\"",
        ],
    );
    check_source(
        "azureDisk",
        disk(json!({ "diskURI": "a" })),
        &[
            ".diskURI: Unsupported value: \"a\": supported values: \"https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd\"",
        ],
    );
    let secret = [".secretRef.name: Required value", ".secretRef.namespace: Required value"];
    check_source("cinder", json!({ "volumeID": "v", "secretRef": {} }), &secret);
    check_source(
        "storageos",
        json!({ "volumeName": "a.b", "volumeNamespace": "c.d", "secretRef": {} }),
        &[
            ".volumeName: Invalid value: \"a.b\": must not contain dots",
            ".volumeNamespace: Invalid value: \"c.d\": must not contain dots",
            secret[0],
            secret[1],
        ],
    );
    let reserved = "kubernetes.io and k8s.io namespaces are reserved";
    check_source(
        "flexVolume",
        json!({ "driver": "d", "options": { "a.K8S.io/b": "", "k8s.io.example/c": "" } }),
        &[&format!(".options[a.K8S.io/b]: Invalid value: \"a.K8S.io/b\": {reserved}")],
    );
}

#[test]
fn sources_of_networks_are_checked() {
    let fc = |source: Value, expect: &[&str]| check_source("fc", source, expect);
    fc(json!({ "wwids": ["w"] }), &[]);
    fc(json!({}), &[".targetWWNs: Required value: must specify either targetWWNs or wwids, but not both"]);
    fc(
        json!({ "targetWWNs": ["t"], "wwids": ["w"] }),
        &[
            ".targetWWNs: Invalid value: [\"t\"]: targetWWNs and wwids can not be specified simultaneously",
            ".lun: Required value: lun is required if targetWWNs is specified",
        ],
    );
    let lun = ".lun: Invalid value: 256: must be between 0 and 255, inclusive";
    fc(json!({ "targetWWNs": ["t"], "lun": 256 }), &[lun]);

    let iscsi = |changes: Value, expect: &[&str]| {
        let good = json!({ "targetPortal": "p", "iqn": "iqn.2001-04.com.example:a:b", "lun": 0 });
        check_source("iscsi", changed(good, &changes), expect);
    };
    iscsi(json!({}), &[]);
    iscsi(json!({ "lun": 256 }), &[lun]);
    for good in ["eui.0123456789abcdef".to_owned(), format!("naa.{}", "0".repeat(32))] {
        iscsi(json!({ "iqn": good, "initiatorName": good }), &[]);
    }
    for bad in
        ["a", "iqn.2001-04.com", "iqn.2001-4.com:a", "iqn.2001-04.:a", "iqn.2001-04.c:a b", "eui.0", "naa."]
    {
        iscsi(json!({ "iqn": bad }), &[&format!(".iqn: Invalid value: \"{bad}\": must be valid format")]);
    }
    iscsi(json!({ "initiatorName": "a" }), &[".initiatorname: Invalid value: \"a\": must be valid format"]);
    iscsi(json!({ "chapAuthSession": true }), &[".secretRef: Required value"]);
    iscsi(json!({ "chapAuthSession": true, "secretRef": {} }), &[".secretRef.name: Required value"]);
    let long = "p".repeat(63);
    iscsi(json!({ "targetPortal": long }), &[]);
    iscsi(
        json!({ "targetPortal": long, "initiatorName": "eui.0123456789abcdef" }),
        &[&format!(
            ".targetportal: Invalid value: \"{long}\": Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified."
        )],
    );
}

#[test]
fn sources_of_drivers_are_checked() {
    let check = |changes: Value, expect: &[&str]| {
        let good = json!({ "driver": "a.example", "volumeHandle": "h" });
        check_source("csi", changed(good, &changes), expect);
    };
    check(json!({ "driver": "A.Example" }), &[]);
    check(json!({ "driver": "a_b" }), &[&format!(".driver: Invalid value: \"a_b\": {SUBDOMAIN}")]);
    check(json!({ "driver": "a".repeat(64) }), &[".driver: Too long: may not be more than 63 bytes"]);
    for secret in [
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ] {
        check(
            json!({ secret: {} }),
            &[&format!(".{secret}.name: Required value"), &format!(".{secret}.namespace: Required value")],
        );
        check(
            json!({ secret: { "name": "-", "namespace": "a.b" } }),
            &[
                &format!(".{secret}.name: Invalid value: \"-\": {SUBDOMAIN}"),
                &format!(".{secret}.namespace: Invalid value: \"a.b\": must not contain dots"),
            ],
        );
    }
}

#[test]
fn volumes_stay_where_they_are() {
    let check = |old: Value, changes: Value, expect: &[&str]| {
        check_update("PersistentVolume", old, json!({ "spec": changes }), expect);
    };
    let moved =
        "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation";
    check(on_host(json!({})), json!({ "hostPath": { "path": "/b" } }), &[moved]);
    check(on_host(json!({})), json!({ "hostPath": null, "nfs": { "server": "s", "path": "/a" } }), &[moved]);
    let expand =
        |name: &str| json!({ "csi": { "controllerExpandSecretRef": { "name": name, "namespace": "n" } } });
    check(of_driver(json!({})), expand("s"), &[]);
    check(of_driver(expand("s")), expand("t"), &[moved]);
    check(
        on_host(json!({})),
        json!({ "volumeMode": "Block" }),
        &[&format!("volumeMode: Invalid value: \"Block\": {IMMUTABLE}")],
    );
    check(on_host(json!({})), json!({ "nodeAffinity": affinity("a") }), &[]);
    let near = |label: &str| on_host(json!({ "nodeAffinity": affinity(label) }));
    let (zone, old_zone) = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone");
    check(near(old_zone), json!({ "nodeAffinity": affinity(zone) }), &[]);
    check(
        near(zone),
        json!({ "nodeAffinity": affinity(old_zone) }),
        &[&format!("nodeAffinity: Invalid value: {}: {IMMUTABLE}", affinity(old_zone))],
    );
    check(
        near(zone),
        json!({ "nodeAffinity": null }),
        &[&format!("nodeAffinity: Invalid value: null: {IMMUTABLE}")],
    );
    let classed = || of_driver(json!({ "volumeAttributesClassName": "a" }));
    check(classed(), json!({ "volumeAttributesClassName": "b" }), &[]);
    check(
        classed(),
        json!({ "volumeAttributesClassName": null }),
        &["spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden"],
    );
}

#[test]
fn what_is_old_about_volumes_is_said() {
    let check = |spec: Value, expect: &[&str]| check_warnings("PersistentVolume", volume(spec), expect);
    check(json!({ "csi": {} }), &[]);
    check(
        json!({ "persistentVolumeReclaimPolicy": "Recycle", "storageos": {}, "nodeAffinity": affinity("beta.kubernetes.io/os") }),
        &[
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use \"kubernetes.io/os\" instead",
            "spec.storageOS: deprecated in v1.22, non-functional in v1.25+",
        ],
    );
    for (source, expect) in [
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ] {
        check(json!({ source: {} }), &[&format!("spec.{source}: {expect}")]);
    }
    let annotated =
        json!({ "metadata": { "annotations": { "volume.beta.kubernetes.io/storage-class": "a" } } });
    let expect = "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use \"storageClassName\" attribute instead";
    check_warnings("PersistentVolume", annotated.clone(), &[expect]);
    check_warnings("PersistentVolumeClaim", annotated, &[expect]);
    let part = json!({ "spec": { "resources": { "requests": { "storage": "1500m" }, "limits": { "storage": "1" } } } });
    check_warnings(
        "PersistentVolumeClaim",
        part,
        &["spec.resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer"],
    );
}

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
