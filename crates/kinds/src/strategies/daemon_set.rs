//! Rules of daemon sets.

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use super::pod_spec::{self, Keeper};
use crate::rules::{At, Counts, Errors, Read, Write, share};
use crate::{Strategy, warnings};

const KEEPER: Keeper = Keeper { selector: "daemonset", malformed: None, kind: "DaemonSet" };

const COUNTS: Counts = Counts {
    natural: &[
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "observedGeneration",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
        "collisionCount",
    ],
    parts: &[],
    growing: &["collisionCount"],
};

/// Strategy of daemon sets.
pub(crate) struct DaemonSet;

impl Strategy for DaemonSet {
    fn default(&self, object: &mut Value) {
        let Some(spec) = object.at_mut("spec") else { return };
        if spec.text("updateStrategy.type") == "RollingUpdate" {
            spec.put_new("updateStrategy.rollingUpdate", json!({}));
            spec.put_new("updateStrategy.rollingUpdate.maxUnavailable", 1);
            spec.put_new("updateStrategy.rollingUpdate.maxSurge", 0);
        }
        if let Some(template) = spec.at_mut("template.spec") {
            pod_spec::spec_defaults(template);
        }
    }

    fn validate(&self, object: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(object).field("spec"), Errors::new());
        pod_spec::check_always_running(&spec, &KEEPER, &mut errors);
        if spec.text("updateStrategy.type") == "RollingUpdate" {
            check_rolling(&spec.field("updateStrategy.rollingUpdate"), &mut errors);
        }
        errors.done()
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        COUNTS.check(new, old)
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let template = At::root(new).field("spec.template");
        if warnings::is_changed(new, old) { warnings::of_template(&template) } else { Vec::new() }
    }
}

/// An update either takes pods away first or adds new ones first.
fn check_rolling(rolling: &At, errors: &mut Errors) {
    share::check(rolling, "maxUnavailable", errors);
    share::check(rolling, "maxSurge", errors);
    match (share::is_zero(rolling.at("maxUnavailable")), share::is_zero(rolling.at("maxSurge"))) {
        (false, false) => {
            let detail = "may not be set when maxUnavailable is non-zero";
            errors.push(FieldError::invalid(&rolling.path("maxSurge"), rolling.show("maxSurge"), detail));
        }
        (true, true) => {
            let detail = "cannot be 0 when maxSurge is 0";
            errors.push(FieldError::required(&rolling.path("maxUnavailable"), detail));
        }
        _ => {}
    }
}
