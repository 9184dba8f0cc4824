//! Rules of small kinds: access reviews, bindings, leases.

use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::{At, Errors, Read};

/// Strategy of bindings of a pod to a node.
pub(crate) struct Binding;

impl Strategy for Binding {
    fn validate(&self, binding: &Value) -> FieldErrors {
        let (target, mut errors) = (At::root(binding).field("target"), Errors::new());
        if !matches!(target.text("kind"), "" | "Node") {
            errors.push(FieldError::not_supported(
                &target.path("kind"),
                target.text("kind"),
                &["Node", "<empty>"],
            ));
        }
        errors.need(&target, "name");
        errors.done()
    }
}

/// Strategy of leases.
pub(crate) struct Lease;

impl Strategy for Lease {
    fn validate(&self, lease: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(lease).field("spec"), Errors::new());
        errors.number(&spec, "leaseDurationSeconds", |n| n > 0, "must be greater than 0");
        errors.at_least(&spec, "leaseTransitions", 0);
        check_election(&spec, &mut errors);
        errors.done()
    }
}

/// How the holder is chosen: by a way of Kubernetes, or by one of a domain.
fn check_election(spec: &At, errors: &mut Errors) {
    const KNOWN: [&str; 1] = ["OldestEmulationVersion"];
    let (path, strategy) = (spec.path("strategy.strategy"), spec.text("strategy"));
    if strategy.contains('/') {
        errors.obey(&path, strategy, object::qualified_name);
    } else if spec.has("strategy") && !KNOWN.contains(&strategy) {
        errors.push(FieldError::not_supported(&path, strategy, &KNOWN));
    }
    if strategy.is_empty() {
        errors.forbid(spec, "preferredHolder", "may only be specified if `strategy` is defined");
    }
}

/// Strategy of questions about anyone's access.
pub(crate) struct SubjectAccessReview;

impl Strategy for SubjectAccessReview {
    fn validate(&self, review: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(review).field("spec"), Errors::new());
        check_question(&spec, &mut errors);
        check_subject(&spec, &mut errors);
        errors.done()
    }
}

/// Strategy of questions about one's own access.
pub(crate) struct SelfSubjectAccessReview;

impl Strategy for SelfSubjectAccessReview {
    fn validate(&self, review: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        check_question(&At::root(review).field("spec"), &mut errors);
        errors.done()
    }
}

/// Strategy of questions about anyone's access in one namespace.
pub(crate) struct LocalSubjectAccessReview;

impl Strategy for LocalSubjectAccessReview {
    fn validate(&self, review: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(review).field("spec"), Errors::new());
        check_question(&spec, &mut errors);
        check_subject(&spec, &mut errors);
        let asked = spec.text("resourceAttributes.namespace");
        if asked != review.text("metadata.namespace") {
            let at = spec.path("resourceAttributes.namespace");
            errors.push(FieldError::invalid(&at, asked, "must match metadata.namespace"));
        }
        if spec.has("nonResourceAttributes") {
            let (at, value) = (spec.path("nonResourceAttributes"), spec.show("nonResourceAttributes"));
            errors.push(FieldError::invalid(&at, value, "disallowed on this kind of request"));
        }
        errors.done()
    }
}

fn check_question(spec: &At, errors: &mut Errors) {
    let detail = match (spec.has("resourceAttributes"), spec.has("nonResourceAttributes")) {
        (true, true) => "cannot be specified in combination with resourceAttributes",
        (false, false) => "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        _ => return,
    };
    let (field, value) = if spec.has("resourceAttributes") {
        ("nonResourceAttributes", spec.show("nonResourceAttributes"))
    } else {
        ("resourceAttributes", Value::Null)
    };
    errors.push(FieldError::invalid(&spec.path(field), value, detail));
}

fn check_subject(spec: &At, errors: &mut Errors) {
    if spec.is_empty("user") && spec.is_empty("groups") {
        errors.push(FieldError::invalid(
            &spec.path("user"),
            "",
            "at least one of user or group must be specified",
        ));
    }
}
