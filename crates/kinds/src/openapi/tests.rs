use std::collections::HashSet;

use object::{Rule, Schema, Shape, Type, TypeId, Types, Value};
use serde_json::json;

use super::*;
use crate::{Policy, Scope, Verb, built_in};

/// The value at these keys.
fn at<'v>(document: &'v Value, keys: &[&str]) -> &'v Value {
    keys.iter().fold(document, |value, key| value.get(key).unwrap_or_else(|| panic!("no {key} of {keys:?}")))
}

/// Every reference in a document.
fn references(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                found.insert(reference.clone());
            }
            map.values().for_each(|v| references(v, found));
        }
        Value::Array(list) => list.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}

fn check_closed(document: &Value, prefix: &str, schemas: &Value) {
    let mut found = HashSet::new();
    references(document, &mut found);
    for reference in found {
        let name = reference.strip_prefix(prefix).unwrap_or_else(|| panic!("{reference}"));
        assert!(schemas[name].is_object(), "{reference} leads nowhere");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let kinds = built_in();
    let v2 = openapi_v2(&kinds);
    check_closed(&v2, "#/definitions/", &v2["definitions"]);
    for kind in kinds.iter() {
        let v3 = openapi_v3(&kinds, &kind.group, &kind.version);
        check_closed(&v3, "#/components/schemas/", at(&v3, &["components", "schemas"]));
    }
}

#[test]
fn operation_ids_are_unique() {
    let v2 = openapi_v2(&built_in());
    let mut seen = HashSet::new();
    for (path, item) in v2["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values().filter_map(|o| o.get("operationId")) {
            assert!(seen.insert(operation.clone()), "{operation} at {path}");
        }
    }
}

/// What kubectl looks for before it asks the server to validate: a PATCH of the kind with `fieldValidation`.
#[test]
fn patches_name_their_kind_and_parameters() {
    let kinds = built_in();
    let v3 = openapi_v3(&kinds, "apps", "v1");
    let patch = at(&v3, &["paths", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "patch"]);
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({"group": "apps", "version": "v1", "kind": "Deployment"})
    );
    assert_eq!(patch["x-kubernetes-action"], "patch");
    assert_eq!(patch["operationId"], "patchAppsV1NamespacedDeployment");
    let names: Vec<_> =
        patch["parameters"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["dryRun", "fieldManager", "fieldValidation", "force"]);
    let scale = at(&v3, &["paths", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale", "put"]);
    assert_eq!(at(scale, &["x-kubernetes-group-version-kind", "kind"]), "Scale");
    let namespaces = openapi_v3(&kinds, "", "v1");
    assert!(at(&namespaces, &["paths", "/api/v1/namespaces/{name}"]).get("patch").is_some());
}

/// Streams are operations of their own, with the options that they take.
#[test]
fn streams_name_their_options() {
    let v3 = openapi_v3(&built_in(), "", "v1");
    let path = |name: &str| format!("/api/v1/namespaces/{{namespace}}/pods/{{name}}/{name}");
    let exec = at(&v3, &["paths", &path("exec")]);
    assert_eq!(at(exec, &["get", "operationId"]), "connectCoreV1GetNamespacedPodExec");
    assert_eq!(at(exec, &["post", "operationId"]), "connectCoreV1PostNamespacedPodExec");
    assert_eq!(at(exec, &["post", "x-kubernetes-action"]), "connect");
    assert_eq!(at(exec, &["post", "x-kubernetes-group-version-kind", "kind"]), "PodExecOptions");
    let names: Vec<_> = exec["parameters"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert!(names.contains(&&json!("command")), "{names:?}");
    let log = at(&v3, &["paths", &path("log")]);
    assert_eq!(at(log, &["get", "operationId"]), "readCoreV1NamespacedPodLog");
    assert!(log.get("post").is_none());
}

/// What client-side apply and `explain` read of a schema.
#[test]
fn schemas_carry_their_facts() {
    let v3 = openapi_v3(&built_in(), "", "v1");
    let schemas = at(&v3, &["components", "schemas"]);
    let field = |name: &str, field: &str| at(schemas, &[name, "properties", field]).clone();
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    assert_eq!(
        field("io.k8s.api.core.v1.PodSpec", "volumes"),
        json!({
            "type": "array", "items": reference("io.k8s.api.core.v1.Volume"),
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge,retainKeys",
        })
    );
    assert_eq!(
        field("io.k8s.api.core.v1.ServicePort", "protocol"),
        json!({"type": "string", "default": "TCP", "enum": ["SCTP", "TCP", "UDP"]})
    );
    assert_eq!(
        field("io.k8s.api.core.v1.PodSpec", "securityContext"),
        json!({"allOf": [reference("io.k8s.api.core.v1.PodSecurityContext")], "default": {}})
    );
    assert_eq!(at(schemas, &["io.k8s.api.core.v1.Container", "required"]), &json!(["name"]));
    assert_eq!(
        at(schemas, &["io.k8s.api.core.v1.Pod", "x-kubernetes-group-version-kind"]),
        &json!([{"group": "", "version": "v1", "kind": "Pod"}])
    );
    assert_eq!(
        schemas[schemas::INT_OR_STRING],
        json!({"oneOf": [{"type": "string"}, {"type": "integer"}], "format": "int-or-string"})
    );
}

/// A custom resource is described like any other kind, with a list made for it.
#[test]
fn custom_resources_are_described() {
    let field = |name: &str, shape| object::Field {
        name: name.into(),
        shape,
        required: false,
        written: None,
        default: None,
        rules: vec![Rule::Min(1)],
        retain_keys: false,
        pb: None,
    };
    let root = Type {
        name: "io.example.v1.Thing".into(),
        fields: vec![field("size", Shape::Int { bits: 64 })],
        ..Type::default()
    };
    let types = Types { types: vec![root], ..Types::default() };
    let pod = built_in().kind("", "Pod").unwrap().as_ref().clone();
    let kind = Kind {
        group: "example.io".into(),
        kind: "Thing".into(),
        plural: "things".into(),
        scope: Scope::Cluster,
        verbs: Verb::ALL.to_vec(),
        subresources: Vec::new(),
        schema: Schema { types: types.into(), root: TypeId(0) },
        policy: Policy::default(),
        ..pod
    };
    let v3 = openapi_v3(&Kinds::new([kind]), "example.io", "v1");
    let schemas = at(&v3, &["components", "schemas"]);
    check_closed(&v3, "#/components/schemas/", schemas);
    let thing = at(schemas, &["io.example.v1.Thing"]);
    assert_eq!(
        at(thing, &["properties", "size"]),
        &json!({"type": "integer", "format": "int64", "minimum": 1})
    );
    assert_eq!(
        thing["x-kubernetes-group-version-kind"],
        json!([{"group": "example.io", "version": "v1", "kind": "Thing"}])
    );
    assert_eq!(at(schemas, &["io.example.v1.ThingList", "type"]), "object");
    assert!(at(&v3, &["paths"]).get("/apis/example.io/v1/things/{name}").is_some());
}

#[test]
fn a_version_without_kinds_is_empty() {
    let v3 = openapi_v3(&built_in(), "nobody.io", "v1");
    assert_eq!((&v3["paths"], at(&v3, &["components", "schemas"])), (&json!({}), &json!({})));
}
