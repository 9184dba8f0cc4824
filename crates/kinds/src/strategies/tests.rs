//! Rules of the built-in kinds: one table of changes to a good object, and what is wrong with each.

mod autoscalers;
mod batch;
mod certificates;
mod claims;
mod cluster;
mod config;
mod definition_defaults;
mod devices;
mod endpoints;
mod expressions;
mod extensions;
mod flow;
mod parts;
mod pod_containers;
mod pod_placement;
mod pod_security;
mod pod_volumes;
mod pods;
mod routing;
mod services;
mod storage;
mod volumes;
mod warnings;
mod workloads;

use std::sync::Arc;

use object::{FieldErrors, Value};
use serde_json::json;

use crate::rules::{Read, Write};
use crate::{Kind, built_in};

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
     '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const IMMUTABLE: &str = "field is immutable";
const MODES: &str =
    "supported values: \"ReadOnlyMany\", \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\"";

/// A row by kind; kinds of the table have different names.
fn row(kind: &str) -> Arc<Kind> {
    built_in().iter().find(|row| row.kind == kind).expect("a row").clone()
}

/// Merges changes into a document; null takes a field out.
fn changed(mut base: Value, changes: &Value) -> Value {
    match (&mut base, changes) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (key, value) in changes {
                let field = fields.remove(key).unwrap_or(Value::Null);
                if !value.is_null() {
                    fields.insert(key.clone(), changed(field, value));
                }
            }
            base
        }
        (Value::Null, Value::Object(_)) => changed(json!({}), changes),
        _ => changes.clone(),
    }
}

/// What a creation stores.
fn created(kind: &str, mut object: Value) -> Value {
    let row = row(kind);
    defaults(&row, &mut object);
    row.strategy.prepare_create(&mut object);
    let before = object.clone();
    defaults(&row, &mut object);
    assert_eq!(object, before, "defaults are idempotent");
    object
}

/// What an update stores.
fn updated(kind: &str, mut new: Value, old: &Value) -> Value {
    let row = row(kind);
    defaults(&row, &mut new);
    row.strategy.prepare_update(&mut new, old);
    new
}

fn defaults(row: &Kind, object: &mut Value) {
    object::apply_defaults(&row.schema, object);
    row.strategy.default(object);
}

/// What the schema and the strategy have against an object.
fn wrong(row: &Kind, object: &Value) -> FieldErrors {
    let mut errors = object::validate(&row.schema, object);
    errors.extend(row.strategy.validate(object));
    errors
}

fn texts(errors: FieldErrors) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

/// Checks what is wrong with a new object.
fn check_create(kind: &str, object: Value, expect: &[&str]) {
    let (row, object) = (row(kind), created(kind, object));
    let mut errors = wrong(&row, &object);
    errors.extend(row.strategy.validate_create(&object));
    assert_eq!(texts(errors), expect, "{object}");
}

/// Checks what is wrong with a change of a good object.
fn check_update(kind: &str, old: Value, changes: Value, expect: &[&str]) {
    let old = created(kind, old);
    let new = updated(kind, changed(old.clone(), &changes), &old);
    let row = row(kind);
    let mut errors = wrong(&row, &new);
    errors.extend(object::validate_update(&row.schema, &new, &old));
    errors.extend(row.strategy.validate_update(&new, &old));
    assert_eq!(texts(errors), expect, "{new}");
}

/// Checks the value at a path of a new object.
fn check_field(kind: &str, object: Value, path: &str, expect: Value) {
    let object = created(kind, object);
    assert_eq!(object.at(path), &expect, "{object}");
}

/// Checks what is wrong with a change of the status of an object, which is complete.
fn check_status(kind: &str, old: Value, changes: Value, expect: &[&str]) {
    let new = changed(old.clone(), &changes);
    assert_eq!(texts(row(kind).strategy.validate_status(&new, &old)), expect, "{new}");
}

/// Checks what who sends a new object is warned of.
fn check_warnings(kind: &str, object: Value, expect: &[&str]) {
    assert_eq!(row(kind).strategy.warnings(&created(kind, object), None), expect);
}

/// Checks what who changes an object is warned of.
fn check_update_warnings(kind: &str, old: Value, changes: Value, expect: &[&str]) {
    let old = created(kind, old);
    let mut new = updated(kind, changed(old.clone(), &changes), &old);
    if new.at("spec") != old.at("spec") || new.at("template") != old.at("template") {
        new.put("metadata.generation", 2);
    }
    assert_eq!(row(kind).strategy.warnings(&new, Some(&old)), expect);
}

#[test]
fn changes_merge() {
    let mut expect = json!({ "a": 1 });
    expect.put("b.c", 2);
    assert_eq!(changed(json!({ "a": 1, "d": 3 }), &json!({ "b": { "c": 2 }, "d": null })), expect);
}

#[test]
fn what_users_write_is_accepted() {
    let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "a", "image": "nginx" }] } });
    let spec = json!({ "selector": { "matchLabels": { "app": "web" } }, "template": template });
    let role = json!({ "kind": "Role", "name": "r" });
    let once =
        json!({ "spec": { "restartPolicy": "Never", "containers": [{ "name": "a", "image": "nginx" }] } });
    let target = json!({ "kind": "Deployment", "name": "web" });
    for (kind, object) in [
        ("Deployment", json!({ "spec": spec })),
        ("ReplicaSet", json!({ "spec": spec })),
        ("DaemonSet", json!({ "spec": spec })),
        ("StatefulSet", json!({ "spec": spec })),
        ("ReplicationController", json!({ "spec": { "template": template } })),
        ("Job", json!({ "metadata": { "name": "a", "uid": "1" }, "spec": { "template": once } })),
        (
            "CronJob",
            json!({ "spec": { "schedule": "@daily", "jobTemplate": { "spec": { "template": once } } } }),
        ),
        ("HorizontalPodAutoscaler", json!({ "spec": { "scaleTargetRef": target, "maxReplicas": 3 } })),
        ("Pod", json!({ "spec": { "containers": [{ "name": "a", "image": "nginx" }] } })),
        ("Service", json!({ "spec": { "ports": [{ "port": 80 }] } })),
        ("Service", json!({ "spec": { "type": "ExternalName", "externalName": "a.example" } })),
        ("Namespace", json!({})),
        ("Node", json!({})),
        ("Secret", json!({ "stringData": { "a": "x" } })),
        ("Event", json!({ "metadata": { "namespace": "default" }, "involvedObject": {} })),
        ("RoleBinding", json!({ "roleRef": role, "subjects": [{ "kind": "User", "name": "u" }] })),
        ("PodDisruptionBudget", json!({ "spec": { "minAvailable": 1 } })),
        ("Lease", json!({ "spec": { "holderIdentity": "me" } })),
        ("EndpointSlice", json!({ "addressType": "IPv4", "endpoints": [] })),
        ("PodTemplate", json!({ "template": template })),
        ("StorageClass", json!({ "provisioner": "example.com/disk" })),
        ("RuntimeClass", json!({ "handler": "runc" })),
        ("ResourceClaim", json!({ "spec": {} })),
        ("ResourceClaimTemplate", json!({ "spec": {} })),
        ("DeviceClass", json!({ "spec": {} })),
        ("ValidatingWebhookConfiguration", json!({})),
        ("MutatingWebhookConfiguration", json!({})),
        ("LimitRange", json!({ "spec": { "limits": [] } })),
        ("ResourceQuota", json!({ "spec": { "hard": { "cpu": "1" } } })),
        (
            "Ingress",
            json!({ "spec": { "defaultBackend": { "resource": { "kind": "Bucket", "name": "b" } } } }),
        ),
        ("IngressClass", json!({ "spec": { "controller": "example.com/ingress" } })),
        ("NetworkPolicy", json!({ "spec": { "podSelector": {} } })),
        (
            "IPAddress",
            json!({ "metadata": { "name": "fd00::1" }, "spec": { "parentRef": { "resource": "services", "name": "web" } } }),
        ),
        ("ServiceCIDR", json!({ "spec": { "cidrs": ["10.0.0.0/16", "fd00::/108"] } })),
        ("CSIDriver", json!({ "spec": {} })),
        ("CSINode", json!({ "spec": { "drivers": [] } })),
        ("CSIStorageCapacity", json!({ "storageClassName": "fast" })),
        (
            "VolumeAttachment",
            json!({ "spec": { "attacher": "a.example", "nodeName": "n", "source": { "persistentVolumeName": "v" } } }),
        ),
        ("VolumeAttributesClass", json!({ "driverName": "a.example", "parameters": { "iops": "9" } })),
        (
            "StorageVersionMigration",
            json!({ "spec": { "resource": { "group": "apps", "resource": "deployments" } } }),
        ),
    ] {
        check_create(kind, object, &[]);
    }
}

#[test]
fn no_rule_is_told_twice() {
    let bare =
        json!({ "ports": [{}], "env": [{}], "volumeMounts": [{}], "livenessProbe": { "httpGet": {} } });
    let pod = json!({ "spec": {
        "containers": [bare], "volumes": [{}], "tolerations": [{ "key": "-", "operator": "Is", "effect": "No" }],
        "restartPolicy": "Perhaps", "topologySpreadConstraints": [{}], "hostname": "-", "dnsPolicy": "x",
    } });
    let service = json!({ "spec": { "ports": [{ "port": 70000 }, { "name": "-" }], "type": "x", "sessionAffinity": "y" } });
    let binding = json!({ "roleRef": {}, "subjects": [{}] });
    let node = json!({ "spec": { "taints": [{}] } });
    let subsets = json!([{ "addresses": [{}], "ports": [{}] }]);
    for (kind, object) in [
        ("Pod", pod),
        ("Service", service),
        ("RoleBinding", binding),
        ("Node", node),
        ("Endpoints", json!({ "subsets": subsets })),
        ("EndpointSlice", json!({ "endpoints": [{}], "ports": [{}] })),
        ("PersistentVolume", json!({ "spec": {} })),
        ("PriorityClass", json!({})),
        ("StorageClass", json!({})),
        ("RuntimeClass", json!({})),
        (
            "ResourceClaim",
            json!({ "spec": { "devices": { "requests": [{ "exactly": {} }], "constraints": [{}], "config": [{}] } } }),
        ),
        ("DeviceClass", json!({ "spec": { "selectors": [{}], "config": [{}] } })),
        ("ResourceSlice", json!({ "spec": { "devices": [{ "taints": [{}], "consumesCounters": [{}] }] } })),
        ("FlowSchema", json!({ "spec": { "rules": [{ "resourceRules": [{}], "nonResourceRules": [{}] }] } })),
        ("PriorityLevelConfiguration", json!({ "spec": { "type": "Limited", "limited": {} } })),
        (
            "ValidatingWebhookConfiguration",
            json!({ "webhooks": [{ "rules": [{}], "matchConditions": [{}] }] }),
        ),
        ("MutatingWebhookConfiguration", json!({ "webhooks": [{ "rules": [{}], "matchConditions": [{}] }] })),
        (
            "ValidatingAdmissionPolicy",
            json!({ "spec": { "matchConstraints": {}, "validations": [{}], "variables": [{}] } }),
        ),
        ("ValidatingAdmissionPolicyBinding", json!({ "spec": { "paramRef": {} } })),
        ("MutatingAdmissionPolicy", json!({ "spec": { "matchConstraints": {}, "mutations": [{}] } })),
        ("MutatingAdmissionPolicyBinding", json!({ "spec": { "paramRef": {} } })),
        (
            "CustomResourceDefinition",
            json!({ "spec": { "versions": [{ "additionalPrinterColumns": [{}] }] } }),
        ),
        ("APIService", json!({ "spec": { "service": {} } })),
        ("CertificateSigningRequest", json!({ "spec": {} })),
        ("LimitRange", json!({ "spec": { "limits": [{}] } })),
        ("DaemonSet", json!({})),
        ("StatefulSet", json!({ "spec": { "podManagementPolicy": "x", "updateStrategy": { "type": "x" } } })),
        ("ReplicationController", json!({})),
        ("Job", json!({})),
        ("CronJob", json!({})),
        ("HorizontalPodAutoscaler", json!({ "spec": { "metrics": [{}], "behavior": { "scaleUp": {} } } })),
        ("PersistentVolumeClaim", json!({ "spec": { "dataSourceRef": {} } })),
        (
            "Ingress",
            json!({ "spec": { "rules": [{ "host": "*", "http": {} }, { "http": { "paths": [{}] } }], "tls": [{ "hosts": [""] }] } }),
        ),
        ("IngressClass", json!({ "spec": { "parameters": {} } })),
        (
            "NetworkPolicy",
            json!({ "spec": { "ingress": [{ "ports": [{ "port": 0, "endPort": 0 }], "from": [{}, { "ipBlock": {} }] }] } }),
        ),
        ("IPAddress", json!({ "spec": { "parentRef": {} } })),
        ("ServiceCIDR", json!({ "spec": { "cidrs": ["a", "b"] } })),
        ("CSIDriver", json!({ "spec": { "tokenRequests": [{}, {}], "fsGroupPolicy": "x" } })),
        ("CSINode", json!({ "spec": { "drivers": [{}] } })),
        ("CSIStorageCapacity", json!({})),
        ("VolumeAttachment", json!({ "spec": { "source": { "inlineVolumeSpec": {} } } })),
        ("VolumeAttributesClass", json!({})),
        ("StorageVersionMigration", json!({})),
    ] {
        let told = texts(wrong(&row(kind), &created(kind, object)));
        let mut once = told.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), told.len(), "{kind}: {told:#?}");
    }
}
