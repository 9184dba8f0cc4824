//! Volumes of pods, and where containers have them.

use super::*;

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
     start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/// A pod with these volumes.
fn pod(volumes: Value) -> Value {
    let spec = json!({ "containers": [{ "name": "a", "image": "x" }], "volumes": volumes });
    json!({ "metadata": { "name": "p" }, "spec": spec })
}

/// Checks what is wrong with a volume; the errors are those below it.
fn check(volume: Value, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|text| format!("spec.volumes[0]{text}")).collect();
    let volume = changed(json!({ "name": "v" }), &volume);
    check_create("Pod", pod(json!([volume])), &expect.iter().map(String::as_str).collect::<Vec<_>>());
}

fn claim(spec: Value) -> Value {
    let good = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
    json!({ "ephemeral": { "volumeClaimTemplate": { "spec": changed(good, &spec) } } })
}

#[test]
fn volumes_are_of_one_type() {
    check(json!({ "emptyDir": {} }), &[]);
    check_field(
        "Pod",
        pod(json!([{ "name": "v" }])),
        "spec.volumes",
        json!([{ "name": "v", "emptyDir": {} }]),
    );
    let more = "Forbidden: may not specify more than 1 volume type";
    check(
        json!({ "emptyDir": {}, "cephfs": {}, "downwardAPI": {}, "image": { "reference": "x" } }),
        &[&format!(".cephFS: {more}"), &format!(".downwarAPI: {more}"), &format!(".image: {more}")],
    );
    check_create(
        "Pod",
        pod(json!([{ "name": "v", "emptyDir": {} }, { "name": "v", "emptyDir": {} }])),
        &["spec.volumes[1].name: Duplicate value: \"v\""],
    );
}

#[test]
fn volumes_of_clouds_and_networks_are_checked() {
    let check = |name: &str, source: Value, expect: &[&str]| check(json!({ name: source }), expect);
    let partition = "must be between 1 and 255, inclusive";
    check(
        "gcePersistentDisk",
        json!({ "partition": 256 }),
        &[
            ".persistentDisk.pdName: Required value",
            &format!(".persistentDisk.partition: Invalid value: 256: {partition}"),
        ],
    );
    check("awsElasticBlockStore", json!({}), &[".awsElasticBlockStore.volumeID: Required value"]);
    check("photonPersistentDisk", json!({}), &[".photonPersistentDisk.pdID: Required value"]);
    check("portworxVolume", json!({}), &[".portworxVolume.volumeID: Required value"]);
    check(
        "flocker",
        json!({}),
        &[".flocker: Required value: one of datasetName and datasetUUID is required"],
    );
    check(
        "quobyte",
        json!({ "registry": "a" }),
        &[
            ".quobyte.volume: Required value",
            ".quobyte.registry: Invalid value: \"a\": must be a host:port pair or multiple pairs separated by commas",
        ],
    );
    check(
        "fc",
        json!({}),
        &[".fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both"],
    );
    check(
        "flexVolume",
        json!({ "driver": "d", "options": { "k8s.io/a": "" } }),
        &[
            ".flexVolume.options[k8s.io/a]: Invalid value: \"k8s.io/a\": kubernetes.io and k8s.io namespaces are reserved",
        ],
    );
    check("cinder", json!({ "volumeID": "v", "secretRef": {} }), &[".cinder.secretRef.name: Required value"]);
    check(
        "storageos",
        json!({ "volumeName": "a.b", "secretRef": { "name": "s" } }),
        &[".storageos.volumeName: Invalid value: \"a.b\": must not contain dots"],
    );
    check(
        "gitRepo",
        json!({ "directory": "/.." }),
        &[
            ".gitRepo.repository: Required value",
            ".gitRepo.directory: Invalid value: \"/..\": must be a relative path",
            ".gitRepo.directory: Invalid value: \"/..\": must not contain '..'",
        ],
    );
    check(
        "nfs",
        json!({ "server": "s", "path": "a" }),
        &[".nfs.path: Invalid value: \"a\": must be an absolute path"],
    );
}

#[test]
fn volumes_of_iscsi_are_checked() {
    let check = |changes: Value, expect: &[&str]| {
        let good = json!({ "targetPortal": "p", "iqn": "iqn.2001-04.com.example:a", "lun": 0 });
        check(json!({ "iscsi": changed(good, &changes) }), expect);
    };
    check(json!({}), &[]);
    check(
        json!({ "iqn": "a", "initiatorName": "eui.0" }),
        &[
            ".iscsi.iqn: Invalid value: \"a\": must be valid format starting with iqn, eui, or naa",
            ".iscsi.initiatorname: Invalid value: \"eui.0\": must be valid format",
        ],
    );
    check(json!({ "chapAuthSession": true }), &[".iscsi.secretRef: Required value"]);
    check(json!({ "chapAuthSession": true, "secretRef": {} }), &[]);
    check(
        json!({ "targetPortal": "p".repeat(63), "initiatorName": "eui.0123456789abcdef" }),
        &[
            ".name: Invalid value: \"v\": Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.",
        ],
    );
}

#[test]
fn claims_of_volumes_are_checked() {
    check(claim(json!({})), &[]);
    let at = ".ephemeral.volumeClaimTemplate";
    check(json!({ "ephemeral": {} }), &[&format!("{at}: Required value")]);
    check(
        json!({ "ephemeral": { "volumeClaimTemplate": { "spec": {} } } }),
        &[
            &format!("{at}.spec.accessModes: Required value: at least 1 access mode is required"),
            &format!("{at}.spec.resources[storage]: Required value"),
        ],
    );
    let mut named = claim(json!({}));
    named["ephemeral"]["volumeClaimTemplate"]["metadata"] =
        json!({ "name": "x", "uid": "u", "labels": { "a b": "c" }, "annotations": { "d/": "" } });
    let name = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
                '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    check(
        named,
        &[
            &format!("{at}.metadata.annotations: Invalid value: \"d/\": name part must be non-empty"),
            &format!("{at}.metadata.annotations: Invalid value: \"d/\": {name}"),
            &format!("{at}.metadata.labels: Invalid value: \"a b\": {name}"),
            &format!("{at}.metadata.name: Forbidden: cannot be set"),
            &format!("{at}.metadata.uID: Forbidden: cannot be set"),
        ],
    );
    let made = changed(claim(json!({})), &json!({ "name": "v" }));
    let used = json!({ "name": "w", "persistentVolumeClaim": { "claimName": "p-v" } });
    let of_it = "must not reference a PVC that gets created for an ephemeral volume";
    check_create(
        "Pod",
        pod(json!([made, used])),
        &[&format!("spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: \"p-v\": {of_it}")],
    );
}

#[test]
fn volumes_of_drivers_and_images_are_checked() {
    check(
        json!({ "csi": { "driver": "a_b", "nodePublishSecretRef": { "name": "-" } } }),
        &[
            &format!(".csi.driver: Invalid value: \"a_b\": {SUBDOMAIN}"),
            &format!(".csi.name: Invalid value: \"-\": {SUBDOMAIN}"),
        ],
    );
    check(
        json!({ "image": { "pullPolicy": "X" } }),
        &[
            ".image.pullPolicy: Unsupported value: \"X\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
            ".image.reference: Required value",
        ],
    );
    let image = |reference: &str| pod(json!([{ "name": "v", "image": { "reference": reference } }]));
    let policy = |reference, expect: &str| {
        let stored = created("Pod", image(reference));
        assert_eq!(stored["spec"]["volumes"][0]["image"]["pullPolicy"], expect);
    };
    policy("x", "Always");
    policy("x:1", "IfNotPresent");
    let later = json!({ "template": { "spec": { "containers": [{ "name": "a", "image": "x" }], "volumes": [{ "name": "v", "image": {} }] } } });
    check_create("PodTemplate", later, &[]);
}

#[test]
fn files_of_volumes_are_checked() {
    let item = |path: &str, mode: i64| json!({ "key": "k", "path": path, "mode": mode });
    let mode = "must be a number between 0 and 0777 (octal), both inclusive";
    check(
        json!({ "secret": { "secretName": "s", "items": [item("..a", 0), item("/b", 512), item("../c", 0)] } }),
        &[
            ".secret.items[0].path: Invalid value: \"..a\": must not start with '..'",
            ".secret.items[1].path: Invalid value: \"/b\": must be a relative path",
            &format!(".secret.items[1].mode: Invalid value: 512: {mode}"),
            ".secret.items[2].path: Invalid value: \"../c\": must not contain '..'",
        ],
    );
    let downward = |item: Value| json!({ "downwardAPI": { "items": [item] } });
    let one = "one of fieldRef and resourceFieldRef is required";
    check(
        downward(json!({ "path": "" })),
        &[".downwardAPI.path: Required value", &format!(".downwardAPI: Required value: {one}")],
    );
    let both = "fieldRef and resourceFieldRef can not be specified simultaneously";
    let (field, resource) =
        (json!({ "fieldPath": "metadata.name" }), json!({ "containerName": "a", "resource": "limits.cpu" }));
    check(
        downward(json!({ "path": "a", "fieldRef": field, "resourceFieldRef": resource })),
        &[&format!(".downwardAPI: Invalid value: \"resource\": {both}")],
    );
    check(
        downward(json!({ "path": "a", "resourceFieldRef": { "resource": "limits.cpu" } })),
        &[".downwardAPI.resourceFieldRef.containerName: Required value"],
    );
    let fields = "\"metadata.annotations\", \"metadata.labels\", \"metadata.name\", \"metadata.namespace\", \"metadata.uid\"";
    let of = |path: &str| downward(json!({ "path": "a", "fieldRef": { "fieldPath": path } }));
    check(of("metadata.labels"), &[]);
    check(of("metadata.labels['a']"), &[]);
    check(
        of("status.podIP"),
        &[&format!(
            ".downwardAPI.fieldRef.fieldPath: Unsupported value: \"status.podIP\": supported values: {fields}"
        )],
    );
    check(
        of("spec"),
        &[
            ".downwardAPI.fieldRef.fieldPath: Invalid value: \"spec\": error converting fieldPath: field label not supported: spec",
        ],
    );
}

/// Checks what is wrong with the sources of a projected volume; the errors are those below it.
fn check_projected(sources: Value, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|text| format!(".projected{text}")).collect();
    let volume = json!({ "projected": { "sources": sources } });
    check(volume, &expect.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn files_of_a_projected_volume_differ() {
    let keys = |name: &str| json!({ "name": name, "items": [{ "key": "k", "path": "f" }] });
    let field = json!({ "path": "f", "fieldRef": { "fieldPath": "metadata.name" } });
    let twice = "conflicting duplicate paths";
    check_projected(
        json!([{ "secret": keys("s") }, { "configMap": keys("c") }, { "downwardAPI": { "items": [field] } }]),
        &[&format!(": Invalid value: \"c\": {twice}"), &format!(": Invalid value: \"f\": {twice}")],
    );
    check_projected(
        json!([{ "secret": keys("s"), "configMap": { "name": "c" } }]),
        &[".sources[0]: Forbidden: may not specify more than 1 volume type per source"],
    );
    check_projected(json!([{}]), &[]);
    let token =
        |changes: Value| json!([{ "serviceAccountToken": changed(json!({ "path": "t" }), &changes) }]);
    check_projected(token(json!({})), &[]);
    check_projected(token(json!({ "path": "" })), &[".path: Required value"]);
    check_projected(
        token(json!({ "path": "..t", "expirationSeconds": 599 })),
        &[
            ".sources[0].serviceAccountToken.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes",
            ".path: Invalid value: \"..t\": must not start with '..'",
        ],
    );
    check_projected(
        token(json!({ "expirationSeconds": 4_294_967_297_i64 })),
        &[
            ".sources[0].serviceAccountToken.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds",
        ],
    );
}

#[test]
fn projected_bundles_are_named_or_signed() {
    let check = |bundle: Value, expect: &[&str]| {
        let expect: Vec<String> =
            expect.iter().map(|text| format!(".sources[0].clusterTrustBundle{text}")).collect();
        let bundle = changed(json!({ "path": "f" }), &bundle);
        let expect = expect.iter().map(String::as_str).collect::<Vec<_>>();
        check_projected(json!([{ "clusterTrustBundle": bundle }]), &expect);
    };
    check(json!({ "name": "b" }), &[]);
    check(json!({ "name": "a.example:s:b" }), &[]);
    check(json!({ "signerName": "a.example/s", "labelSelector": {} }), &[]);
    check(json!({}), &[": Required value: either name or signerName must be specified"]);
    check(json!({ "name": "b", "path": "" }), &[".path: Required value"]);
    check(
        json!({ "name": "B", "labelSelector": {} }),
        &[
            &format!(".name: Invalid value: \"B\": not a valid clustertrustbundlename: {SUBDOMAIN}"),
            ".labelSelector: Invalid value: {}: labelSelector must be unset if name is specified",
        ],
    );
    check(
        json!({ "name": "b", "signerName": "a.example/s" }),
        &[
            ": Invalid value: {\"name\":\"b\",\"path\":\"f\",\"signerName\":\"a.example/s\"}: only one of name and signerName may be used",
        ],
    );
    check(
        json!({ "signerName": "s" }),
        &[
            ".signerName: Invalid value: \"s\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
        ],
    );
}

#[test]
fn projected_certificates_are_checked() {
    let check = |certificate: Value, expect: &[&str]| {
        let expect: Vec<String> =
            expect.iter().map(|text| format!(".sources[0].podCertificate{text}")).collect();
        let good = json!({ "signerName": "a.example/s", "keyType": "ED25519", "credentialBundlePath": "f" });
        let expect = expect.iter().map(String::as_str).collect::<Vec<_>>();
        check_projected(json!([{ "podCertificate": changed(good, &certificate) }]), &expect);
    };
    check(json!({}), &[]);
    check(
        json!({ "signerName": "", "keyType": "RSA", "maxExpirationSeconds": 1, "credentialBundlePath": "" }),
        &[
            ".signerName: Required value",
            ".keyType: Unsupported value: \"RSA\": supported values: \"RSA3072\", \"RSA4096\", \"ECDSAP256\", \"ECDSAP384\", \"ECDSAP521\", \"ED25519\"",
            ".maxExpirationSeconds: Invalid value: 1: if provided, maxExpirationSeconds must be >= 3600",
            ": Required value: specify at least one of credentialBundlePath, keyPath, and certificateChainPath",
        ],
    );
    check(
        json!({ "maxExpirationSeconds": 7_862_401, "userAnnotations": { "a": "" } }),
        &[
            ".userAnnotations: Invalid value: \"a\": must be a domain-prefixed key (such as \"acme.io/foo\")",
            ".maxExpirationSeconds: Invalid value: 7862401: if provided, maxExpirationSeconds must be <= 7862400",
        ],
    );
    check_projected(
        json!([{ "podCertificate": { "signerName": "a.example/s", "keyType": "ED25519", "keyPath": "f", "certificateChainPath": "f" } }]),
        &[": Invalid value: \"f\": conflicting duplicate paths"],
    );
}

/// Checks what is wrong with a container of a pod with a directory `v`, a claim `c` and a claim `d`; the errors are
/// those below the container.
fn check_container(container: Value, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|text| format!("spec.containers[0].{text}")).collect();
    let claim = |name: &str| json!({ "name": name, "persistentVolumeClaim": { "claimName": name } });
    let spec = json!({ "containers": [changed(json!({ "name": "a", "image": "x" }), &container)],
        "volumes": [{ "name": "v", "emptyDir": {} }, claim("c"), claim("d")] });
    check_create("Pod", json!({ "spec": spec }), &expect.iter().map(String::as_str).collect::<Vec<_>>());
}

fn check_mount(mount: Value, expect: &[&str]) {
    let mount = changed(json!({ "name": "v", "mountPath": "/a" }), &mount);
    check_container(json!({ "volumeMounts": [mount] }), expect);
}

#[test]
fn mounts_are_checked() {
    check_mount(json!({}), &[]);
    check_mount(
        json!({ "name": "" }),
        &["volumeMounts[0].name: Required value", "volumeMounts[0].name: Not found: \"\""],
    );
    check_mount(
        json!({ "subPath": "/..", "subPathExpr": "b" }),
        &[
            "volumeMounts.subPath: Invalid value: \"/..\": must be a relative path",
            "volumeMounts.subPath: Invalid value: \"/..\": must not contain '..'",
            "volumeMounts[0].subPathExpr: Invalid value: \"b\": subPathExpr and subPath are mutually exclusive",
        ],
    );
    check_mount(
        json!({ "mountPropagation": "Up" }),
        &[
            "volumeMounts.mountPropagation: Unsupported value: \"Up\": supported values: \"Bidirectional\", \"HostToContainer\", \"None\"",
        ],
    );
    check_mount(
        json!({ "mountPropagation": "Bidirectional" }),
        &[
            "volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers",
        ],
    );
    let at = "volumeMounts.recursiveReadOnly";
    check_mount(
        json!({ "recursiveReadOnly": "Y" }),
        &[&format!(
            "{at}: Unsupported value: \"Y\": supported values: \"Disabled\", \"Enabled\", \"IfPossible\""
        )],
    );
    check_mount(json!({ "recursiveReadOnly": "Enabled", "readOnly": true }), &[]);
    check_mount(
        json!({ "recursiveReadOnly": "IfPossible", "mountPropagation": "HostToContainer" }),
        &[
            &format!("{at}: Forbidden: may only be specified when readOnly is true"),
            &format!("{at}: Forbidden: may only be specified when mountPropagation is None or not specified"),
        ],
    );
}

#[test]
fn a_wrong_volume_is_no_volume() {
    let spec = json!({ "containers": [{ "name": "a", "image": "x", "volumeMounts": [{ "name": "V", "mountPath": "/a" }] }],
        "volumes": [{ "name": "V", "emptyDir": {} }] });
    check_create(
        "Pod",
        json!({ "spec": spec }),
        &[
            &format!("spec.volumes[0].name: Invalid value: \"V\": {LABEL}"),
            "spec.containers[0].volumeMounts[0].name: Not found: \"V\"",
        ],
    );
}

#[test]
fn devices_are_checked() {
    let device = |name: &str, path: &str| json!({ "name": name, "devicePath": path });
    let check =
        |devices: Value, expect: &[&str]| check_container(json!({ "volumeDevices": devices }), expect);
    check(json!([device("c", "/a"), device("d", "/b")]), &[]);
    check(
        json!([device("c", "/a"), device("c", "/a"), device("x", "/c/..")]),
        &[
            "volumeDevices[1].name: Invalid value: \"c\": must be unique",
            "volumeDevices[1].devicePath: Invalid value: \"/a\": must be unique",
            "volumeDevices[2].devicePath: Invalid value: \"/c/..\": can not contain backsteps ('..')",
            "volumeDevices[2].name: Not found: \"x\"",
        ],
    );
    check(
        json!([device("v", "/a")]),
        &[
            "volumeDevices[0].name: Invalid value: \"v\": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
        ],
    );
    check_container(
        json!({ "volumeDevices": [device("c", "/a")], "volumeMounts": [{ "name": "c", "mountPath": "/a" }] }),
        &[
            "volumeMounts[0].name: Invalid value: \"c\": must not already exist in volumeDevices",
            "volumeMounts[0].mountPath: Invalid value: \"/a\": must not already exist as a path in volumeDevices",
            "volumeDevices[0].name: Invalid value: \"c\": must not already exist in volumeMounts",
            "volumeDevices[0].devicePath: Invalid value: \"/a\": must not already exist as a path in volumeMounts",
        ],
    );
}
