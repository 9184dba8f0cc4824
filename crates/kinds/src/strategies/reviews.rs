//! Rules of small kinds: access reviews, bindings, leases.

use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::{At, Errors, Read, labels};

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
        let (root, mut errors) = (At::root(review), Errors::new());
        let spec = root.field("spec");
        check_question(&spec, &mut errors);
        check_subject(&spec, &mut errors);
        check_selectors(&spec, &mut errors);
        check_unnamed(&root, &[], "must be empty", &mut errors);
        errors.done()
    }
}

/// Strategy of questions about one's own access.
pub(crate) struct SelfSubjectAccessReview;

impl Strategy for SelfSubjectAccessReview {
    fn validate(&self, review: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(review), Errors::new());
        let spec = root.field("spec");
        check_question(&spec, &mut errors);
        check_selectors(&spec, &mut errors);
        check_unnamed(&root, &[], "must be empty", &mut errors);
        errors.done()
    }
}

/// Strategy of questions about anyone's access in one namespace.
pub(crate) struct LocalSubjectAccessReview;

impl Strategy for LocalSubjectAccessReview {
    fn validate(&self, review: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(review), Errors::new());
        let spec = root.field("spec");
        check_question(&spec, &mut errors);
        check_subject(&spec, &mut errors);
        check_selectors(&spec, &mut errors);
        check_unnamed(&root, &["namespace"], "must be empty except for namespace", &mut errors);
        let asked = spec.text("resourceAttributes.namespace");
        if spec.has("resourceAttributes") && asked != root.text("metadata.namespace") {
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

/// What lists and watches would select by; operators that are not known may be those of a newer client.
fn check_selectors(spec: &At, errors: &mut Errors) {
    for field in ["fieldSelector", "labelSelector"] {
        let Some(selector) = spec.field("resourceAttributes").present(field) else { continue };
        let (raw, listed) = (selector.text("rawSelector"), !selector.is_empty("requirements"));
        if !raw.is_empty() && listed {
            let detail = "may not specified at the same time as requirements";
            errors.push(FieldError::invalid(&selector.path("rawSelector"), raw, detail));
        } else if raw.is_empty() && !listed {
            let at = selector.path("");
            let detail = format!("when {at} is specified, requirements or rawSelector is required");
            errors.push(FieldError::required(&selector.path("requirements"), detail));
        }
        for requirement in selector.each("requirements") {
            if OPERATORS.contains(&requirement.text("operator")) {
                labels::check_values(&requirement, errors, &[]);
            }
            match field {
                "labelSelector" => {
                    errors.obey(&requirement.path("key"), requirement.text("key"), object::qualified_name);
                }
                _ => {
                    errors.need_as(&requirement, "key", "must be specified");
                }
            }
        }
    }
}

const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];

/// A question is no object: it has no metadata but what is dropped from all that is sent, and these fields.
fn check_unnamed(root: &At, may: &[&str], detail: &str, errors: &mut Errors) {
    const DROPPED: [&str; 6] = [
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "managedFields",
        "selfLink",
        "uid",
    ];
    let metadata = root.field("metadata");
    let may = |field: &str| DROPPED.contains(&field) || may.contains(&field);
    if metadata.entries("").any(|(field, _)| !may(field) && !metadata.is_empty(field)) {
        errors.push(FieldError::invalid(&root.path("metadata"), root.show("metadata"), detail));
    }
}
