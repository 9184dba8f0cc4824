//! Rules of horizontal pod autoscalers.

mod behavior;
mod metrics;

use object::{FieldErrors, Value};
use serde_json::json;

use crate::Strategy;
use crate::rules::{At, Counts, Errors, Read, Write};

/// Percents of what a pod asks for, where an autoscaler names no metric.
const CPU_PERCENT: i64 = 80;

const COUNTS: Counts = Counts { natural: &["currentReplicas", "desiredReplicas"], parts: &[], growing: &[] };

/// Strategy of horizontal pod autoscalers.
pub(crate) struct HorizontalPodAutoscaler;

impl Strategy for HorizontalPodAutoscaler {
    fn default(&self, object: &mut Value) {
        let Some(spec) = object.at_mut("spec") else { return };
        if spec.is_empty("metrics") {
            let target = json!({ "type": "Utilization", "averageUtilization": CPU_PERCENT });
            spec.put(
                "metrics",
                json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }]),
            );
        }
        if spec.has("behavior") {
            behavior::default(spec);
        }
    }

    fn validate(&self, object: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(object).field("spec"), Errors::new());
        errors.count(&spec, "maxReplicas", |n| n >= 1, "must be greater than 0");
        if let Some(least) = spec.int("minReplicas") {
            let detail = "must be greater than or equal to `minReplicas`";
            errors.count(&spec, "maxReplicas", |n| n >= least, detail);
        }
        metrics::check_reference(&spec.field("scaleTargetRef"), &mut errors);
        for metric in spec.each("metrics") {
            metrics::check(&metric, &mut errors);
        }
        for direction in ["scaleUp", "scaleDown"] {
            if let Some(rules) = spec.field("behavior").present(direction) {
                behavior::check(&rules, &mut errors);
            }
        }
        errors.done()
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        COUNTS.check(new, old)
    }
}
