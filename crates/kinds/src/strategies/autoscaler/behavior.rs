//! How fast an autoscaler may act.

use object::{FieldError, Value};
use serde_json::json;

use super::super::pod_spec::check_amount;
use crate::rules::{At, Errors, Read, Write};

const MAX_WINDOW_SECONDS: i64 = 3600;
const MAX_PERIOD_SECONDS: i64 = 1800;

/// Completes the rules of both directions.
pub(super) fn default(spec: &mut Value) {
    let percent = json!({ "type": "Percent", "value": 100, "periodSeconds": 15 });
    let pods = json!({ "type": "Pods", "value": 4, "periodSeconds": 15 });
    spec.put_new("behavior.scaleUp.stabilizationWindowSeconds", 0);
    for (direction, policies) in [("scaleUp", json!([pods, percent])), ("scaleDown", json!([percent]))] {
        spec.put_new(&format!("behavior.{direction}.selectPolicy"), "Max");
        spec.put_new(&format!("behavior.{direction}.policies"), policies);
    }
}

/// Checks the rules of one direction.
pub(super) fn check(rules: &At, errors: &mut Errors) {
    let window = "stabilizationWindowSeconds";
    errors.number(rules, window, |n| n >= 0, "must be greater than or equal to zero");
    let detail = format!("must be less than or equal to {MAX_WINDOW_SECONDS}");
    errors.number(rules, window, |n| n <= MAX_WINDOW_SECONDS, &detail);
    errors.one_of(rules, "selectPolicy", &["Disabled", "Max", "Min"]);
    check_amount(&rules.field("tolerance"), errors);
    if rules.is_empty("policies") {
        errors.push(FieldError::required(&rules.path("policies"), "must specify at least one Policy"));
    }
    for policy in rules.each("policies") {
        check_policy(&policy, errors);
    }
}

fn check_policy(policy: &At, errors: &mut Errors) {
    let kind = policy.text("type");
    if !matches!(kind, "Pods" | "Percent") {
        errors.push(FieldError::not_supported(&policy.path("type"), kind, &["Percent", "Pods"]));
    }
    errors.count(policy, "value", |n| n > 0, "must be greater than zero");
    errors.count(policy, "periodSeconds", |n| n > 0, "must be greater than zero");
    let detail = format!("must be less than or equal to {MAX_PERIOD_SECONDS}");
    errors.count(policy, "periodSeconds", |n| n <= MAX_PERIOD_SECONDS, &detail);
}
