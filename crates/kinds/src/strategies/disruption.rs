//! Rules of disruption budgets.

use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::{At, Errors, Read, labels, share};

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
}
