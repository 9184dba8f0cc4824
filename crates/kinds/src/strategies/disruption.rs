//! Rules of disruption budgets.

use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::{At, Counts, Errors, Read, conditions, labels, share};

const COUNTS: Counts = Counts {
    natural: &["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"],
    parts: &[],
    growing: &[],
};

/// Strategy of disruption budgets.
pub(crate) struct PodDisruptionBudget;

impl Strategy for PodDisruptionBudget {
    fn validate(&self, budget: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(budget).field("spec"), Errors::new());
        if spec.has("minAvailable") && spec.has("maxUnavailable") {
            let detail = "minAvailable and maxUnavailable cannot be both set";
            errors.push(FieldError::invalid(&spec.path(""), spec.show(""), detail));
        }
        share::check(&spec, "minAvailable", &mut errors);
        share::check(&spec, "maxUnavailable", &mut errors);
        labels::check_selector(&spec.field("selector"), &mut errors);
        errors.done()
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        conditions::check(&At::root(new).field("status"), "conditions", &mut errors);
        let mut errors = errors.done();
        errors.extend(COUNTS.check(new, old));
        errors
    }
}
