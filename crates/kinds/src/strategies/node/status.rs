//! What the status of a node may say.

use object::{FieldError, Path};

use super::super::pod_spec::{check_amount, is_countable};
use crate::rules::{At, Errors, quantities};

/// Checks what there is on a node.
pub(super) fn check_resources(status: &At, errors: &mut Errors) {
    for list in ["capacity", "allocatable"] {
        for (name, amount) in status.each_entry(list) {
            let amount = amount.placed(Path::new(format!("status.{list}.{name}")));
            check_amount(&amount, errors);
            if (name == "pods" || is_countable(name)) && !quantities::is_whole(amount.value()) {
                let shown = quantities::show(amount.value());
                errors.push(FieldError::invalid(&amount.path(""), shown, "must be an integer"));
            }
        }
    }
}

/// Checks a new status.
pub(super) fn check(status: &At, errors: &mut Errors) {
    check_resources(status, errors);
    errors.distinct(status.each("addresses"), |address| address.show(""));
}
