//! What an update of a pod may change: very little.

use object::{FieldError, FieldErrors, Value};

use super::{affinity, annotations};
use crate::rules::{At, Errors, Read, Write};

const FROZEN: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` \
    (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` \
    (allow it to be set to 1 if it was previously negative)";

/// Checks a change of a pod.
pub(super) fn check(new: &Value, old: &Value) -> FieldErrors {
    let (root, mut errors) = (At::root(new), Errors::new());
    annotations::check(new, old, &mut errors);
    for list in ["spec.containers", "spec.initContainers"] {
        if new.items(list).len() != old.items(list).len() {
            let detail = "pod updates may not add or remove containers";
            errors.push(FieldError::forbidden(&root.path(list), detail));
            return errors.done();
        }
    }
    check_deadline(&root, old, &mut errors);
    check_tolerations(&root, old, &mut errors);
    check_gates(&root, old, &mut errors);
    let gated = !old.is_empty("spec.schedulingGates");
    if gated {
        affinity::check(&root.field("spec"), old.at("spec"), &mut errors);
    }
    if !object::alike(unchangeable(new, old, gated).at("spec"), old.at("spec")) {
        errors.push(FieldError::forbidden(&root.path("spec"), FROZEN));
    }
    errors.done()
}

/// The new pod with every field that may change, or has rules of its own, set back to what it was.
fn unchangeable(new: &Value, old: &Value, gated: bool) -> Value {
    let mut rest = new.clone();
    for list in ["spec.containers", "spec.initContainers"] {
        for (container, was) in rest.items_mut(list).iter_mut().zip(old.items(list)) {
            container.keep("image", was);
        }
    }
    rest.keep("spec.activeDeadlineSeconds", old);
    rest.keep("spec.tolerations", old);
    rest.keep("spec.schedulingGates", old);
    let grace = "spec.terminationGracePeriodSeconds";
    if old.int(grace).is_some_and(|seconds| seconds < 0) && new.int(grace) == Some(1) {
        rest.keep(grace, old);
    }
    if gated {
        rest.keep("spec.nodeSelector", old);
        rest.keep("spec.affinity.nodeAffinity", old);
    }
    rest
}

/// The deadline may be set, or come nearer.
fn check_deadline(new: &At, old: &Value, errors: &mut Errors) {
    let field = "spec.activeDeadlineSeconds";
    let Some(was) = old.int(field) else { return };
    let wrong = match new.int(field) {
        None => "must not update from a positive integer to nil value",
        Some(is) if is > was => "must be less than or equal to previous value",
        Some(_) => return,
    };
    errors.push(FieldError::invalid(&new.path(field), new.show(field), wrong));
}

/// Tolerations may be added; of an old one, only the seconds may change.
fn check_tolerations(new: &At, old: &Value, errors: &mut Errors) {
    let timeless = |toleration: &Value| {
        let mut rest = toleration.clone();
        rest.remove("tolerationSeconds");
        rest
    };
    let is: Vec<Value> = new.items("spec.tolerations").iter().map(timeless).collect();
    if !old.items("spec.tolerations").iter().all(|t| is.contains(&timeless(t))) {
        let detail = "existing toleration can not be modified except its tolerationSeconds";
        errors.push(FieldError::forbidden(&new.path("spec.tolerations"), detail));
    }
}

/// Gates may only be taken away.
fn check_gates(new: &At, old: &Value, errors: &mut Errors) {
    for gate in new.each("spec.schedulingGates") {
        if !old.items("spec.schedulingGates").contains(gate.value()) {
            let detail =
                format!("only deletion is allowed, but found new scheduling gate '{}'", gate.text("name"));
            errors.push(FieldError::forbidden(&gate.path(""), detail));
        }
    }
}
