//! What an update of a job may change.

use object::{FieldError, FieldErrors, Value};

use super::INDEXED;
use crate::rules::{At, Errors, Read, Write};

const FROZEN: [&str; 6] =
    ["selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"];

/// What a job that has no pods may say anew about those to come.
const DIRECTIVES: [&str; 6] = [
    "metadata.annotations",
    "metadata.labels",
    "spec.affinity.nodeAffinity",
    "spec.nodeSelector",
    "spec.schedulingGates",
    "spec.tolerations",
];

/// Checks a change of a job.
pub(super) fn check(new: &Value, old: &Value) -> FieldErrors {
    let (spec, was, mut errors) = (At::root(new).field("spec"), old.at("spec"), Errors::new());
    check_completions(&spec, was, &mut errors);
    for field in FROZEN {
        errors.same(&spec, was, field);
    }
    if !object::alike(&template_but_changeable(new, old), was.at("template")) {
        let (at, value) = (spec.path("template"), spec.show("template"));
        errors.push(FieldError::invalid(&at, value, "field is immutable"));
    }
    errors.done()
}

/// Only where pods have an index their number may change, together with how many run at once.
fn check_completions(spec: &At, was: &Value, errors: &mut Errors) {
    let completions = spec.int("completions");
    if spec.text("completionMode") != INDEXED {
        errors.same(spec, was, "completions");
    } else if completions.is_some()
        && completions != was.int("completions")
        && completions != spec.int("parallelism")
    {
        let detail = "can only be modified in tandem with spec.parallelism";
        errors.push(FieldError::invalid(&spec.path("completions"), spec.show("completions"), detail));
    }
}

/// Whether the job is suspended and has no pods.
fn is_idle(job: &Value) -> bool {
    let active = job.int("status.active").unwrap_or_default() > 0;
    job.flag("spec.suspend") && (!job.has("status.startTime") || !active)
}

/// The new template with every part that may change set back to what it was.
fn template_but_changeable(new: &Value, old: &Value) -> Value {
    let (mut rest, was) = (new.at("spec.template").clone(), old.at("spec.template"));
    if !is_idle(old) {
        return rest;
    }
    DIRECTIVES.iter().for_each(|path| rest.keep(path, was));
    if rest.is_empty("spec.affinity") && was.is_empty("spec.affinity") {
        rest.keep("spec.affinity", was);
    }
    for list in ["spec.containers", "spec.initContainers"] {
        for (container, before) in rest.items_mut(list).iter_mut().zip(was.items(list)) {
            container.keep("resources", before);
        }
    }
    rest
}
