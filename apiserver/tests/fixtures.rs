//! A small valid object of each stored kind: what the schema cannot tell is stated here.

use kinds::Kind;
use object::Value;
use serde_json::json;

/// A request for the name `a`, as PEM in base64.
const SIGNING_REQUEST: &str = concat!(
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISE1HNENBUUF3RERFS01BZ0dBMVVFQXd3QllU",
    "QlpNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQQpCSWZSY3lpdTVubXVHaThMQXFLQ3pQbFFjNWRyT2Rr",
    "TFhrY1gwa3ZXUXpJZEhZSG8yUE1XSTN6YWx4Y001dGlrCldXR1dySmhxOG9DYWVHVGRoL3cwaXJPZ0FEQUtCZ2dx",
    "aGtqT1BRUURBZ05KQURCR0FpRUE4TURnWVZQSjJVclIKbzg3b3hCN01Mam05em1qUDdYdkdnR0U4dCtQcW5jY0NJ",
    "UURqK01iSUVNMlNRdmc1NWtFTHNUNUc3VjhLOFZzegpKZUxRTm9mdm13bTdjUT09Ci0tLS0tRU5EIENFUlRJRklD",
    "QVRFIFJFUVVFU1QtLS0tLQo="
);

/// The same for a pod, in base64.
const POD_REQUEST: &str = concat!(
    "MIHIMHACAQAwDjEMMAoGA1UEAwwDcG9kMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6eVvrlhG0XncYD49L1zFm1FnNMcVd31J",
    "6glG1elY3Nd+o8nowY8aHWuCWwCExfxEIx7GMNi7jccL/m1eOPCecaAAMAoGCCqGSM49BAMCA0gAMEUCIQCOmwkqezR7Lzme0FK1",
    "iZ/UrsJB8I80aX3uJ18sdxvibQIgIvQBh0n/tS44KB0O8oQhOCwFZ3ZQBtGnxyHZrH/kMio=",
);

/// A certificate of an authority.
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBcDCCARegAwIBAgIUDitIJJ5z6PwsgUTodiWE2W58N2kwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTI4MjIzMDAyWhgPMjEyNjExMDQyMjMwMDJa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAES/uQMg5J
HeV2yq97LfeF/lwG+Qvrr7THZ/FnoOdl1JdpCq8+5rre5Yqs7FTAaLwx3JfJfifZ
Q474mHKQLEt9M6NTMFEwHQYDVR0OBBYEFEazHjvJ3EFa3ltuj+ZaAbXjH62TMB8G
A1UdIwQYMBaAFEazHjvJ3EFa3ltuj+ZaAbXjH62TMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDRwAwRAIgRCTpgANdAvrtEirabnp9HQzFD2duFnp9uS/Pgl0/
7B4CIH6T/PQI4rJLcgAVQbnidZJf5X3lvwmx76IZlAGv8+0i
-----END CERTIFICATE-----
";

/// A valid object of a kind, in the namespace `default` where it needs one; its name is [`name`]'s.
pub(crate) fn object(kind: &Kind, plain: &str) -> Value {
    let mut object = body(kind, plain);
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.clone().into();
    object["metadata"]["name"] = name(kind, plain).into();
    if kind.namespaced() {
        object["metadata"]["namespace"] = "default".into();
    }
    object
}

/// The name of a kind's object for a plain name: of some kinds it says what the object is. Names sort as the plain ones.
pub(crate) fn name(kind: &Kind, plain: &str) -> String {
    match kind.kind.as_str() {
        "IPAddress" => {
            let number = plain.bytes().fold(0_u32, |sum, byte| sum * 31 + u32::from(byte)) % 60_000;
            format!("10.1.{}.{}", number / 250 + 10, number % 250)
        }
        "CustomResourceDefinition" => format!("{plain}s.example.com"),
        "APIService" => format!("v1.{plain}.example.com"),
        _ => plain.to_owned(),
    }
}

fn template() -> Value {
    json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "main", "image": "a:1"}]}})
}

fn workload() -> Value {
    json!({"spec": {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": template()}})
}

fn job() -> Value {
    let mut template = template();
    template["spec"]["restartPolicy"] = "Never".into();
    json!({"template": template})
}

fn device() -> Value {
    json!({"devices": {"requests": [{"name": "one", "exactly": {"deviceClassName": "gpu"}}]}})
}

fn policy() -> Value {
    json!({"resourceRules": [{
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
    }]})
}

fn webhooks() -> Value {
    let rules =
        json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]);
    json!({"webhooks": [{
        "name": "hook.example.com", "clientConfig": {"url": "https://hook.example.com/"}, "rules": rules,
        "sideEffects": "None", "admissionReviewVersions": ["v1"],
    }]})
}

fn definition(plain: &str) -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object"}});
    json!({"spec": {
        "group": "example.com", "scope": "Namespaced",
        "names": {"plural": format!("{plain}s"), "kind": "Thing"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
    }})
}

fn body(kind: &Kind, plain: &str) -> Value {
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    let role = |kind: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "view"});
    match kind.kind.as_str() {
        "Pod" => json!({"spec": template()["spec"]}),
        "PodTemplate" => json!({"template": template()}),
        "Deployment" | "ReplicaSet" => workload(),
        "DaemonSet" => json!({"spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template()}}),
        "StatefulSet" => {
            let mut set = workload();
            set["spec"]["serviceName"] = "a".into();
            set
        }
        "ReplicationController" => json!({"spec": {"selector": {"app": "a"}, "template": template()}}),
        "Job" => json!({"spec": job()}),
        "CronJob" => json!({"spec": {"schedule": "0 * * * *", "jobTemplate": {"spec": job()}}}),
        "HorizontalPodAutoscaler" => json!({"spec": {
            "maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"},
        }}),
        "Ingress" => json!({"spec": {"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}}),
        "IngressClass" => json!({"spec": {"controller": "example.com/ingress"}}),
        "NetworkPolicy" => json!({"spec": {"podSelector": {}}}),
        "IPAddress" => {
            json!({"spec": {"parentRef": {"resource": "services", "namespace": "default", "name": "a"}}})
        }
        "ServiceCIDR" => json!({"spec": {"cidrs": ["10.99.0.0/16"]}}),
        "CSINode" => json!({"spec": {"drivers": [{"name": "disk.example.com", "nodeID": "n1"}]}}),
        "CSIDriver" => json!({"spec": {}}),
        "CSIStorageCapacity" => json!({"storageClassName": "fast"}),
        "VolumeAttachment" => json!({"spec": {
            "attacher": "disk.example.com", "nodeName": "n1", "source": {"persistentVolumeName": "v"},
        }}),
        "VolumeAttributesClass" => json!({"driverName": "example.com", "parameters": {"iops": "5"}}),
        "StorageVersionMigration" => json!({"spec": {"resource": {"group": "", "resource": "pods"}}}),
        "ResourceClaim" => json!({"spec": device()}),
        "ResourceClaimTemplate" => json!({"spec": {"spec": device()}}),
        "DeviceTaintRule" => json!({"spec": {
            "deviceSelector": {"driver": "gpu.example.com"}, "taint": {"key": "broken", "effect": "NoSchedule"},
        }}),
        "ClusterTrustBundle" => json!({"spec": {"trustBundle": AUTHORITY}}),
        "PodCertificateRequest" => json!({"spec": {
            "signerName": "example.com/none", "podName": "a", "podUID": "1", "serviceAccountName": "default",
            "serviceAccountUID": "2", "nodeName": "n1", "nodeUID": "3", "stubPKCS10Request": POD_REQUEST,
        }}),
        "DeviceClass" => json!({"spec": {}}),
        "ResourceSlice" => json!({"spec": {
            "driver": "gpu.example.com", "nodeName": "n1",
            "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
        }}),
        "FlowSchema" => json!({"spec": {
            "priorityLevelConfiguration": {"name": "global-default"}, "matchingPrecedence": 500,
        }}),
        "PriorityLevelConfiguration" => json!({"spec": {
            "type": "Limited", "limited": {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}},
        }}),
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => webhooks(),
        "ValidatingAdmissionPolicy" => json!({"spec": {
            "matchConstraints": policy(), "validations": [{"expression": "true"}],
        }}),
        "ValidatingAdmissionPolicyBinding" => json!({"spec": {
            "policyName": "p", "validationActions": ["Deny"],
        }}),
        "MutatingAdmissionPolicy" => json!({"spec": {
            "matchConstraints": policy(), "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}],
        }}),
        "MutatingAdmissionPolicyBinding" => json!({"spec": {"policyName": "p"}}),
        "CustomResourceDefinition" => definition(plain),
        "APIService" => json!({"spec": {
            "group": format!("{plain}.example.com"), "version": "v1", "groupPriorityMinimum": 100,
            "versionPriority": 10,
        }}),
        "ControllerRevision" => json!({"revision": 1, "data": {"metadata": {}}}),
        "Service" => json!({"spec": {"ports": [{"port": 80}], "selector": {"app": "a"}}}),
        "EndpointSlice" => json!({"addressType": "IPv4"}),
        "Event" if kind.group == "events.k8s.io" => json!({
            "regarding": {"kind": "Pod", "name": "a", "namespace": "default"}, "reason": "Made", "action": "Making",
            "eventTime": "2020-01-01T00:00:00.000000Z", "reportingController": "example.com/c",
            "reportingInstance": "c-1", "type": "Normal", "note": "made",
        }),
        "Event" => {
            json!({"involvedObject": {"kind": "Pod", "name": "a", "namespace": "default"}, "reason": "Made"})
        }
        "Lease" => json!({"spec": {"holderIdentity": "a", "leaseDurationSeconds": 40}}),
        "Role" | "ClusterRole" => json!({"rules": rules}),
        "RoleBinding" | "ClusterRoleBinding" => json!({"roleRef": role("ClusterRole")}),
        "PodDisruptionBudget" => {
            json!({"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}})
        }
        "PriorityClass" => json!({"value": 10}),
        "StorageClass" => json!({"provisioner": "example.com/none"}),
        "RuntimeClass" => json!({"handler": "runc"}),
        "PersistentVolume" => json!({"spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp/a"},
        }}),
        "PersistentVolumeClaim" => json!({"spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        }}),
        "CertificateSigningRequest" => json!({"spec": {
            "request": SIGNING_REQUEST,
            "signerName": "example.com/none", "usages": ["client auth"],
        }}),
        "LimitRange" => json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}}),
        "ResourceQuota" => json!({"spec": {"hard": {"pods": "5"}}}),
        _ => json!({}),
    }
}
