//! A small valid object of each stored kind: what the schema cannot tell is stated here.

use kinds::Kind;
use object::Value;
use serde_json::json;

/// A valid object of a kind, in the namespace `default` where it needs one.
pub(crate) fn object(kind: &Kind, name: &str) -> Value {
    let mut object = body(kind);
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.clone().into();
    object["metadata"]["name"] = name.into();
    if kind.namespaced() {
        object["metadata"]["namespace"] = "default".into();
    }
    object
}

fn template() -> Value {
    json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "main", "image": "a:1"}]}})
}

fn workload() -> Value {
    json!({"spec": {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": template()}})
}

fn body(kind: &Kind) -> Value {
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    let role = |kind: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "view"});
    match kind.kind.as_str() {
        "Pod" => json!({"spec": template()["spec"]}),
        "PodTemplate" => json!({"template": template()}),
        "Deployment" | "ReplicaSet" => workload(),
        "ControllerRevision" => json!({"revision": 1, "data": {"metadata": {}}}),
        "Service" => json!({"spec": {"ports": [{"port": 80}], "selector": {"app": "a"}}}),
        "EndpointSlice" => json!({"addressType": "IPv4", "endpoints": []}),
        "Event" => {
            json!({"involvedObject": {"kind": "Pod", "name": "a", "namespace": "default"}, "reason": "Made"})
        }
        "Lease" => json!({"spec": {"holderIdentity": "a", "leaseDurationSeconds": 40}}),
        "Role" | "ClusterRole" => json!({"rules": rules}),
        "RoleBinding" | "ClusterRoleBinding" => json!({"roleRef": role("ClusterRole"), "subjects": []}),
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
            // the beginning of a PEM block is all that is looked at before somebody approves it
            "request": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K",
            "signerName": "example.com/none", "usages": ["client auth"],
        }}),
        "LimitRange" => json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}}),
        "ResourceQuota" => json!({"spec": {"hard": {"pods": "5"}}}),
        _ => json!({}),
    }
}
