use serde_json::{Value, json};

use super::*;
use crate::pod_config::testing::{Surroundings, main_of, pod_of};

/// The values of these variables, for a container with these fields.
fn check(container: Value, around: &Surroundings, expected: &[(&str, &str)]) {
    let pod = pod_of(container);
    let environment = environment(&pod, main_of(&pod), &around.context()).unwrap();
    let expected: Vec<_> = expected.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    assert_eq!(environment.variables, expected);
}

fn refused(variable: Value, around: &Surroundings) -> String {
    let pod = pod_of(json!({"env": [variable]}));
    let error = environment(&pod, main_of(&pod), &around.context()).unwrap_err();
    assert_eq!(error.reason.as_str(), "CreateContainerConfigError");
    error.message
}

#[test]
fn variables_refer_to_earlier_ones_and_services() {
    let around = Surroundings::new().with_service(("shop", "db"), Some("10.96.0.7"), &[("", 5432)]);
    let pod = pod_of(json!({"env": [
        {"name": "LATE", "value": "$(A)"},
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)-$(DB_SERVICE_HOST)-$(NONE)-$$(A)"},
        {"name": "A", "value": "2$(A)"},
        {"name": "EMPTY"},
        {"name": "DB_SERVICE_PORT", "value": "mine"},
    ]}));
    let environment = environment(&pod, main_of(&pod), &around.context()).unwrap();
    let expected = [
        ("LATE", "$(A)"),
        ("A", "21"),
        ("B", "1-10.96.0.7-$(NONE)-$(A)"),
        ("EMPTY", ""),
        ("DB_SERVICE_PORT", "mine"),
        ("DB_PORT", "tcp://10.96.0.7:5432"),
    ];
    for (name, value) in expected {
        assert_eq!(environment.get(name), Some(value), "{name}");
    }
    let names: Vec<_> = environment.variables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..5], ["LATE", "A", "B", "EMPTY", "DB_SERVICE_PORT"]);
    assert_eq!(names.iter().filter(|name| **name == "DB_SERVICE_PORT").count(), 1);
}

#[test]
fn fields_and_resources() {
    let field =
        |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
    let amount = |name: &str, resource: &str, divisor: &str| {
        let field = json!({"resource": resource, "divisor": divisor});
        json!({"name": name, "valueFrom": {"resourceFieldRef": field}})
    };
    check(
        json!({
            "resources": {"limits": {"cpu": "1500m"}, "requests": {"memory": "100Mi", "cpu": "250m"}},
            "env": [
                field("NAME", "metadata.name"), field("NS", "metadata.namespace"), field("UID", "metadata.uid"),
                field("NODE", "spec.nodeName"), field("SA", "spec.serviceAccountName"),
                field("IP", "status.podIP"), field("IPS", "status.podIPs"), field("HOST", "status.hostIP"),
                field("APP", "metadata.labels['app']"), field("NOTE", "metadata.annotations['note']"),
                amount("CPU", "limits.cpu", "0"), amount("MILLI", "requests.cpu", "1m"),
                amount("MEM", "requests.memory", "1Mi"), amount("ALL", "limits.memory", "1Gi"),
            ],
        }),
        &Surroundings::new(),
        &[
            ("NAME", "web"),
            ("NS", "shop"),
            ("UID", "u-1"),
            ("NODE", "node-a"),
            ("SA", ""),
            ("IP", "10.1.0.5"),
            ("IPS", "10.1.0.5,fd00::5"),
            ("HOST", "192.0.2.9"),
            ("APP", "web"),
            ("NOTE", "a \"b\"\nc"),
            ("CPU", "2"),
            ("MILLI", "250"),
            ("MEM", "100"),
            ("ALL", "7"),
        ],
    );
    let message = refused(field("X", "spec.priority"), &Surroundings::new());
    assert_eq!(message, "unsupported fieldPath: spec.priority");
}

#[test]
fn whole_sources_come_first_and_are_prefixed() {
    let around = Surroundings::new().with_sources("conf", json!({"A": "map", "b.c": "odd"}));
    let from = |kind: &str, prefix: &str| json!({"prefix": prefix, kind: {"name": "conf"}});
    check(
        json!({
            "envFrom": [from("configMapRef", ""), from("secretRef", "S_"),
                {"configMapRef": {"name": "none", "optional": true}}],
            "env": [{"name": "A", "value": "own $(A)"}],
        }),
        &around,
        &[("A", "own map"), ("b.c", "odd"), ("S_A", "map"), ("S_b.c", "odd")],
    );
}

#[test]
fn names_that_cannot_be_are_skipped_and_told() {
    let around = Surroundings::new().with_sources("conf", json!({"good": "1", "bad=": "2"}));
    let pod = pod_of(json!({"envFrom": [{"configMapRef": {"name": "conf"}}]}));
    let environment = environment(&pod, main_of(&pod), &around.context()).unwrap();
    assert_eq!(environment.variables, [("good".to_owned(), "1".to_owned())]);
    let told = "Keys [bad=] from the EnvFrom configMap shop/conf were skipped since they are considered invalid \
                environment variable names.";
    assert_eq!(environment.skipped, [told]);
}

#[test]
fn what_is_missing_is_named_as_upstream_does() {
    let around = Surroundings::new().with_sources("conf", json!({"k": "v"}));
    let rows = [
        ("configMapKeyRef", "none", "k", "configmap \"none\" not found"),
        ("configMapKeyRef", "conf", "x", "couldn't find key x in ConfigMap shop/conf"),
        ("secretKeyRef", "none", "k", "secret \"none\" not found"),
        ("secretKeyRef", "conf", "x", "couldn't find key x in Secret shop/conf"),
    ];
    for (kind, name, key, message) in rows {
        let variable = |optional: bool| {
            let source = json!({"name": name, "key": key, "optional": optional});
            json!({"name": "V", "valueFrom": {kind: source}})
        };
        assert_eq!(refused(variable(false), &around), message);
        check(json!({"env": [variable(true)]}), &around, &[]);
    }
}
