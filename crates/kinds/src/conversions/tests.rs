//! What is stored of a version that is served, and back.

use object::Value;
use serde_json::json;

use super::{Autoscaler, Event};
use crate::Conversion;

/// Checks both ways: what is stored of a document, and what is shown of that again.
fn check(conversion: &dyn Conversion, served: Value, stored: Value) {
    let mut there = served.clone();
    conversion.to_stored(&mut there);
    assert_eq!(there, stored, "stored");
    conversion.to_served(&mut there);
    assert_eq!(there, served, "served again");
}

#[test]
fn events_have_other_names() {
    check(
        &Event,
        json!({"regarding": {"kind": "Pod"}, "note": "n", "reportingController": "c", "deprecatedCount": 2,
            "series": {"count": 3}, "deprecatedSource": {"component": "s"}}),
        json!({"involvedObject": {"kind": "Pod"}, "message": "n", "reportingComponent": "c", "count": 2,
            "series": {"count": 3}, "source": {"component": "s"}}),
    );
    assert_eq!(Event.stored_field("regarding.name"), "involvedObject.name");
    assert_eq!(Event.stored_field("reason"), "reason");
}

#[test]
fn an_autoscaler_of_version_1_is_about_the_cpu() {
    check(
        &Autoscaler,
        json!({"spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 80}}),
        json!({"spec": {"maxReplicas": 3, "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},
        ]}}),
    );
}

#[test]
fn an_autoscaler_of_version_1_carries_the_rest_in_annotations() {
    let mut stored = json!({
        "metadata": {"annotations": {"mine": "too"}},
        "spec": {
            "behavior": {"scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}},
            "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}}},
                {"type": "Pods", "pods": {"metric": {"name": "hits"}, "target": {"type": "AverageValue", "averageValue": "1k"}}},
                {"type": "Object", "object": {
                    "describedObject": {"kind": "Ingress", "name": "i"}, "metric": {"name": "m"},
                    "target": {"type": "Value", "value": "10"},
                }},
            ],
        },
        "status": {
            "conditions": [{"type": "AbleToScale", "status": "True"}],
            "currentMetrics": [
                {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 7, "averageValue": "3m"}}},
            ],
        },
    });
    let mut served = stored.clone();
    Autoscaler.to_served(&mut served);
    assert_eq!(served["spec"], json!({"targetCPUUtilizationPercentage": 5}));
    assert_eq!(served["status"], json!({"currentCPUUtilizationPercentage": 7}));
    let annotation = |name: &str| {
        let text =
            served["metadata"]["annotations"][format!("autoscaling.alpha.kubernetes.io/{name}")].as_str();
        serde_json::from_str::<Value>(text.expect("an annotation")).expect("JSON")
    };
    let behavior = json!({"ScaleDown": {"Policies": [{"Type": "Pods", "Value": 1, "PeriodSeconds": 60}]}});
    assert_eq!(annotation("behavior"), behavior);
    assert_eq!(
        annotation("metrics"),
        json!([
            {"type": "Pods", "pods": {"metricName": "hits", "targetAverageValue": "1k"}},
            {"type": "Object", "object": {"target": {"kind": "Ingress", "name": "i"}, "metricName": "m", "targetValue": "10"}},
        ])
    );
    Autoscaler.to_stored(&mut served);
    // the CPU stands behind what the annotation says
    stored["spec"]["metrics"].as_array_mut().expect("a list").rotate_left(1);
    assert_eq!(served, stored);
}

#[test]
fn annotations_that_carry_nothing_more_go() {
    let mut object = json!({
        "metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/behavior": "{\"ScaleDown\":{}}"}}, "spec": {},
    });
    Autoscaler.to_stored(&mut object);
    assert_eq!(object, json!({"metadata": {}, "spec": {"behavior": {"scaleDown": {}}}}));
}

#[test]
fn an_autoscaler_of_version_1_tells_of_the_cpu() {
    let mut object = json!({"status": {"currentCPUUtilizationPercentage": 50}});
    Autoscaler.to_stored(&mut object);
    let current = json!({"averageUtilization": 50});
    let metric = json!({"type": "Resource", "resource": {"name": "cpu", "current": current}});
    assert_eq!(object["status"], json!({"currentMetrics": [metric]}));
    Autoscaler.to_served(&mut object);
    assert_eq!(object["status"]["currentCPUUtilizationPercentage"], 50);
}

#[test]
fn an_annotation_that_is_none_stays() {
    let odd = json!({"metadata": {"annotations": {"autoscaling.alpha.kubernetes.io/metrics": "{"}}});
    check(&Autoscaler, odd.clone(), odd);
}
