//! Horizontal pod autoscalers.

use super::*;

const KIND: &str = "HorizontalPodAutoscaler";

fn autoscaler(changes: Value) -> Value {
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" });
    json!({ "spec": changed(json!({ "scaleTargetRef": target, "maxReplicas": 3 }), &changes) })
}

#[test]
fn autoscalers_go_by_the_cpu() {
    check_field(KIND, autoscaler(json!({})), "spec.minReplicas", json!(1));
    check_field(KIND, autoscaler(json!({})), "spec.behavior", Value::Null);
    let target = json!({ "type": "Utilization", "averageUtilization": 80 });
    let cpu = json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }]);
    check_field(KIND, autoscaler(json!({})), "spec.metrics", cpu);
}

#[test]
fn autoscalers_act_with_care() {
    let percent = json!({ "type": "Percent", "value": 100, "periodSeconds": 15 });
    let pods = json!({ "type": "Pods", "value": 4, "periodSeconds": 15 });
    let one = json!({ "type": "Pods", "value": 1, "periodSeconds": 60 });
    let behavior = json!({
        "scaleUp": { "stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [pods, percent] },
        "scaleDown": { "selectPolicy": "Max", "policies": [percent] },
    });
    check_field(KIND, autoscaler(json!({ "behavior": {} })), "spec.behavior", behavior.clone());
    let own = json!({ "scaleDown": { "selectPolicy": "Min", "policies": [one] } });
    let expect = changed(behavior, &own);
    check_field(KIND, autoscaler(json!({ "behavior": own })), "spec.behavior", expect);
}

#[test]
fn autoscalers_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create(KIND, autoscaler(spec), expect);
    check(json!({}), &[]);
    check(
        json!({ "minReplicas": 0 }),
        &["spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"],
    );
    check(
        json!({ "maxReplicas": null }),
        &[
            "spec.maxReplicas: Invalid value: 0: must be greater than 0",
            "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
        ],
    );
    check(
        json!({ "scaleTargetRef": { "kind": "a/b", "name": null, "apiVersion": "a/b/c" } }),
        &[
            "spec.scaleTargetRef.kind: Invalid value: \"a/b\": may not contain '/'",
            "spec.scaleTargetRef.name: Required value",
            "spec.scaleTargetRef.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
        ],
    );
}

#[test]
fn behavior_is_checked() {
    let check = |rules: Value, expect: &[&str]| {
        check_create(KIND, autoscaler(json!({ "behavior": { "scaleUp": rules } })), expect);
    };
    let at = "spec.behavior.scaleUp";
    check(json!({ "tolerance": "50m", "selectPolicy": "Disabled" }), &[]);
    check(
        json!({ "stabilizationWindowSeconds": -1, "selectPolicy": "Any", "tolerance": "-1" }),
        &[
            &format!(
                "{at}.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero"
            ),
            &format!(
                "{at}.selectPolicy: Unsupported value: \"Any\": supported values: \"Disabled\", \"Max\", \"Min\""
            ),
            &format!("{at}.tolerance: Invalid value: \"-1\": must be greater than or equal to 0"),
        ],
    );
    check(
        json!({ "stabilizationWindowSeconds": 3601, "policies": [] }),
        &[
            &format!(
                "{at}.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600"
            ),
            &format!("{at}.policies: Required value: must specify at least one Policy"),
        ],
    );
    check(
        json!({ "policies": [{ "type": "Nodes" }, { "type": "Pods", "value": 1, "periodSeconds": 1801 }] }),
        &[
            &format!(
                "{at}.policies[0].type: Unsupported value: \"Nodes\": supported values: \"Percent\", \"Pods\""
            ),
            &format!("{at}.policies[0].value: Invalid value: 0: must be greater than zero"),
            &format!("{at}.policies[0].periodSeconds: Invalid value: 0: must be greater than zero"),
            &format!(
                "{at}.policies[1].periodSeconds: Invalid value: 1801: must be less than or equal to 1800"
            ),
        ],
    );
}

/// Checks a metric of this type.
fn check_metric(kind: &str, sources: Value, expect: &[&str]) {
    let metric = changed(json!({ "type": kind }), &sources);
    check_create(KIND, autoscaler(json!({ "metrics": [metric] })), expect);
}

#[test]
fn metrics_have_a_source() {
    let target = json!({ "type": "AverageValue", "averageValue": "10" });
    let pods = json!({ "metric": { "name": "hits" }, "target": target });
    let cpu = json!({ "name": "cpu", "target": target });
    let at = "spec.metrics[0]";
    let kinds = "\"ContainerResource\", \"External\", \"Object\", \"Pods\", \"Resource\"";
    check_metric("Pods", json!({ "pods": pods }), &[]);
    check_metric("Resource", json!({ "resource": cpu }), &[]);
    check_metric(
        "",
        json!({ "pods": pods }),
        &[
            &format!("{at}.type: Required value: must specify a metric source type"),
            &format!("{at}.type: Unsupported value: \"\": supported values: {kinds}"),
        ],
    );
    check_metric(
        "Pods",
        json!({ "resource": cpu }),
        &[&format!("{at}.pods: Required value: must populate information for the given metric source")],
    );
    check_metric(
        "Pods",
        json!({ "pods": pods, "resource": cpu }),
        &[&format!("{at}.resource: Forbidden: must populate the given metric source only")],
    );
}

#[test]
fn metrics_are_checked() {
    let at = "spec.metrics[0]";
    check_metric(
        "Resource",
        json!({ "resource": {} }),
        &[
            &format!("{at}.resource.name: Required value: must specify a resource name"),
            &format!("{at}.resource.target.type: Required value: must specify a metric target type"),
            &format!(
                "{at}.resource.target.type: Invalid value: \"\": must be either Utilization, Value, or AverageValue"
            ),
            &format!(
                "{at}.resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization"
            ),
        ],
    );
    let both = json!({ "type": "Utilization", "averageUtilization": 0, "averageValue": "0" });
    check_metric(
        "ContainerResource",
        json!({ "containerResource": { "name": "gold", "container": "A", "target": both } }),
        &[
            &format!(
                "{at}.containerResource.name: Invalid value: \"gold\": must be a standard resource type or fully qualified"
            ),
            &format!(
                "{at}.containerResource.name: Invalid value: \"gold\": must be a standard resource for containers"
            ),
            &format!(
                "{at}.containerResource.container: Invalid value: \"A\": {}",
                object::dns1123_label("A")[0]
            ),
            &format!("{at}.containerResource.target.averageValue: Invalid value: \"0\": must be positive"),
            &format!(
                "{at}.containerResource.target.averageUtilization: Invalid value: 0: must be greater than 0"
            ),
            &format!(
                "{at}.containerResource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization"
            ),
        ],
    );
    check_metric(
        "ContainerResource",
        json!({ "containerResource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 5 } } }),
        &[&format!("{at}.containerResource.container: Required value: must specify a container")],
    );
    let value = json!({ "type": "Value" });
    check_metric(
        "Object",
        json!({ "object": { "describedObject": { "kind": "Ingress" }, "metric": { "name": "a/b" }, "target": value } }),
        &[
            &format!("{at}.object.describedObject.name: Required value"),
            &format!("{at}.object.metric.name: Invalid value: \"a/b\": may not contain '/'"),
            &format!(
                "{at}.object.target.averageValue: Required value: must set either a target value or averageValue"
            ),
        ],
    );
    check_metric(
        "External",
        json!({ "external": { "metric": {}, "target": value } }),
        &[
            &format!("{at}.external.metric.name: Required value: must specify a metric name"),
            &format!(
                "{at}.external.target.averageValue: Required value: must set either a target value for metric or a per-pod target"
            ),
        ],
    );
    let both = json!({ "type": "Value", "value": "1", "averageValue": "1" });
    check_metric(
        "External",
        json!({ "external": { "metric": { "name": "a" }, "target": both } }),
        &[&format!(
            "{at}.external.target.value: Forbidden: may not set both a target value for metric and a per-pod target"
        )],
    );
    check_metric(
        "Pods",
        json!({ "pods": { "metric": { "name": "a" }, "target": value } }),
        &[&format!(
            "{at}.pods.target.averageValue: Required value: must specify a positive target averageValue"
        )],
    );
}

#[test]
fn what_autoscalers_did_is_checked() {
    check_status(
        KIND,
        autoscaler(json!({})),
        json!({ "status": { "currentReplicas": -1, "desiredReplicas": -2 } }),
        &[
            "status.currentReplicas: Invalid value: -1: must be greater than or equal to 0",
            "status.desiredReplicas: Invalid value: -2: must be greater than or equal to 0",
        ],
    );
}
