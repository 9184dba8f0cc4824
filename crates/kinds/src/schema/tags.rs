//! Protobuf tags: which fields have none, and messages of the newest kinds as clients write them.

use object::{Value, decode_proto, encode_proto};
use serde_json::json;

/// What protobuf does not carry. That of `version` is upstream's: it is JSON only. The others have tags that
/// are in no source of this table, and are better missing than guessed: no other field may join them.
const UNTAGGED: [&str; 16] = [
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerCondition.observedGeneration",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta.shardInfo",
    "io.k8s.apimachinery.pkg.apis.meta.v1.ShardInfo.selector",
    "io.k8s.apimachinery.pkg.version.Info.buildDate",
    "io.k8s.apimachinery.pkg.version.Info.compiler",
    "io.k8s.apimachinery.pkg.version.Info.emulationMajor",
    "io.k8s.apimachinery.pkg.version.Info.emulationMinor",
    "io.k8s.apimachinery.pkg.version.Info.gitCommit",
    "io.k8s.apimachinery.pkg.version.Info.gitTreeState",
    "io.k8s.apimachinery.pkg.version.Info.gitVersion",
    "io.k8s.apimachinery.pkg.version.Info.goVersion",
    "io.k8s.apimachinery.pkg.version.Info.major",
    "io.k8s.apimachinery.pkg.version.Info.minCompatibilityMajor",
    "io.k8s.apimachinery.pkg.version.Info.minCompatibilityMinor",
    "io.k8s.apimachinery.pkg.version.Info.minor",
    "io.k8s.apimachinery.pkg.version.Info.platform",
];

#[test]
fn every_field_has_a_tag_but_these() {
    let types = &super::types().types;
    let mut untagged: Vec<_> = types
        .iter()
        .flat_map(|kind| {
            // the envelope says what it is
            let said = |name: &str| !kind.gvk.is_empty() && matches!(name, "apiVersion" | "kind");
            let fields = kind.fields.iter().filter(move |f| f.pb.is_none() && !said(&f.name));
            fields.map(|f| format!("{}.{}", kind.name, f.name))
        })
        .collect();
    untagged.sort();
    assert_eq!(untagged, UNTAGGED);
}

/// A field of bytes: a text or a message.
fn field(tag: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let length = u8::try_from(content.len()).expect("a short field");
    [&[tag << 3 | 2, length][..], content].concat()
}

/// A document and its message, both ways.
fn check(name: &str, document: Value, message: &[Vec<u8>]) {
    let schema = super::schema(name);
    let message = message.concat();
    assert_eq!(decode_proto(&schema, &message), Ok(document.clone()), "{name}");
    assert_eq!(encode_proto(&schema, &document), message, "{name}");
}

#[test]
fn requests_of_pods_for_certificates() {
    let spec = [
        field(1, "example.com/a"),
        field(2, "web"),
        field(3, "pod uid"),
        field(4, "account"),
        field(5, "account uid"),
        field(6, "n1"),
        field(7, "node uid"),
        b"\x40\x80\xa3\x05".to_vec(),
        field(11, [field(1, "example.com/k"), field(2, "v")].concat()),
        field(12, "der"),
    ];
    let status = [
        field(1, field(1, "Issued")),
        field(2, "chain"),
        field(4, b"\x08\x01\x10\0"),
        field(5, b"\x08\x02\x10\0"),
        field(6, b"\x08\x03\x10\0"),
    ];
    check(
        "io.k8s.api.certificates.v1.PodCertificateRequest",
        json!({
            "metadata": {"name": "r"},
            "spec": {
                "signerName": "example.com/a", "podName": "web", "podUID": "pod uid", "serviceAccountName": "account",
                "serviceAccountUID": "account uid", "nodeName": "n1", "nodeUID": "node uid",
                "maxExpirationSeconds": 86400, "stubPKCS10Request": "ZGVy",
                "unverifiedUserAnnotations": {"example.com/k": "v"},
            },
            "status": {
                "conditions": [{"type": "Issued"}], "certificateChain": "chain", "notBefore": "1970-01-01T00:00:01Z",
                "beginRefreshAt": "1970-01-01T00:00:02Z", "notAfter": "1970-01-01T00:00:03Z",
            },
        }),
        &[field(1, field(1, "r")), field(2, spec.concat()), field(3, status.concat())],
    );
}

#[test]
fn taints_of_devices() {
    let selector = [field(2, "gpu.example.com"), field(3, ""), field(4, "gpu-0")];
    let spec = [field(1, selector.concat()), field(2, [field(1, "broken"), field(3, "NoExecute")].concat())];
    check(
        "io.k8s.api.resource.v1.DeviceTaintRule",
        json!({
            "metadata": {"name": "r"},
            "spec": {
                "deviceSelector": {"driver": "gpu.example.com", "pool": "", "device": "gpu-0"},
                "taint": {"key": "broken", "effect": "NoExecute"},
            },
            "status": {"conditions": [{"type": "EvictionInProgress"}]},
        }),
        &[
            field(1, field(1, "r")),
            field(2, spec.concat()),
            field(3, field(1, field(1, "EvictionInProgress"))),
        ],
    );
}

#[test]
fn migrations_of_storage_versions() {
    check(
        "io.k8s.api.storagemigration.v1.StorageVersionMigration",
        json!({
            "metadata": {"name": "m"},
            "spec": {"resource": {"group": "apps", "resource": "deployments"}},
            "status": {"conditions": [{"type": "Running"}], "resourceVersion": "7"},
        }),
        &[
            field(1, field(1, "m")),
            field(2, field(1, [field(1, "apps"), field(2, "deployments")].concat())),
            field(3, [field(1, field(1, "Running")), field(2, "7")].concat()),
        ],
    );
    check(
        "io.k8s.api.storagemigration.v1.StorageVersionMigrationList",
        json!({"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "m"}}]}),
        &[field(1, field(2, "9")), field(2, field(1, field(1, "m")))],
    );
}

/// Of a choice among empty messages, the one that is there; of numbers that may be left out, zero.
#[test]
fn empty_is_not_absent() {
    check(
        "io.k8s.api.batch.v1.JobSchedulingConfiguration",
        json!({"schedulingPolicy": {"basic": {}}, "disruptionMode": {"all": {}}}),
        &[field(1, field(1, "")), field(3, field(2, ""))],
    );
    check(
        "io.k8s.api.core.v1.KeyToPath",
        json!({"key": "k", "path": "p", "user": 0}),
        &[field(1, "k"), field(2, "p"), b"\x20\0".to_vec()],
    );
}
