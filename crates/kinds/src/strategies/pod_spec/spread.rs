//! Rules of how pods are spread over the cluster.

use object::FieldError;

use super::{At, Errors, Read, label_keys, labels};

const HARD: &str = "DoNotSchedule";
const ACTIONS: [&str; 2] = [HARD, "ScheduleAnyway"];

/// Checks the constraints of a spec.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    let constraints = spec.items("topologySpreadConstraints");
    for (index, constraint) in spec.each("topologySpreadConstraints").enumerate() {
        let pair =
            |of: &object::Value| (of.text("topologyKey").to_owned(), of.text("whenUnsatisfiable").to_owned());
        check_constraint(&constraint, errors);
        let own = pair(constraint.value());
        if constraints[index + 1..].iter().any(|later| pair(later) == own) {
            let shown = format!("{{{}, {}}}", own.0, own.1);
            errors.push(FieldError::duplicate(&constraint.path("{topologyKey, whenUnsatisfiable}"), shown));
        }
    }
}

fn check_constraint(constraint: &At, errors: &mut Errors) {
    errors.count(constraint, "maxSkew", |n| n > 0, "must be greater than zero");
    errors.need_as(constraint, "topologyKey", "can not be empty");
    let action = constraint.text("whenUnsatisfiable");
    if action.is_empty() {
        errors.push(FieldError::not_supported(&constraint.path("whenUnsatisfiable"), "", &ACTIONS));
    }
    errors.number(constraint, "minDomains", |n| n > 0, "must be greater than zero");
    if action != HARD {
        let detail = format!("can only use minDomains if whenUnsatisfiable={HARD}, not {action}");
        errors.number(constraint, "minDomains", |_| false, &detail);
    }
    label_keys::check(constraint, errors);
    labels::check_selector(&constraint.field("labelSelector"), errors);
}
