//! Volumes.

use super::*;

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
pub(super) fn affinity(label: &str) -> Value {
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
        on_host(json!({ "fc": {}, "csi": {}, "cephfs": {} })),
        &[
            "spec.cephFS: Forbidden: may not specify more than 1 volume type",
            "spec.fc: Forbidden: may not specify more than 1 volume type",
            "spec.csi: Forbidden: may not specify more than 1 volume type",
        ],
    );
}

/// Checks what is wrong with a source; the errors are those below it.
fn check_source(name: &str, source: Value, expect: &[&str]) {
    check_source_at(name, name, source, expect);
}

/// Checks what is wrong with a source that errors call by another name.
fn check_source_at(name: &str, told: &str, source: Value, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|text| format!("spec.{told}{text}")).collect();
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
    check_source_at("gcePersistentDisk", "persistentDisk", json!({}), &[".pdName: Required value"]);
    check("glusterfs", &["endpoints", "path"]);
    check("hostPath", &["path"]);
    check("iscsi", &["targetPortal", "iqn"]);
    check("local", &["path"]);
    check_source(
        "nfs",
        json!({}),
        &[
            ".path: Required value",
            ".server: Required value",
            ".path: Invalid value: \"\": must be an absolute path",
        ],
    );
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
    let disk = json!({ "pdName": "d", "partition": 256 });
    check_source_at("gcePersistentDisk", "persistentDisk", disk, &[partition]);
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
