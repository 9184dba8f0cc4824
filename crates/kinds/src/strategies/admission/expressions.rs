//! Expressions in CEL, as far as they can be checked without compiling them.

use object::FieldError;

use crate::rules::{At, Errors, Read};

const MOST_CONDITIONS: usize = 64;
const MOST_ANNOTATIONS: usize = 20;
const LONGEST_ANNOTATION: usize = 5 * 1024;
const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// Whether there is nothing but space at `field`.
pub(super) fn is_blank(at: &At, field: &str) -> bool {
    at.text(field).trim().is_empty()
}

/// The field must hold more than space.
fn need(at: &At, field: &str, detail: &str, errors: &mut Errors) {
    if is_blank(at, field) {
        errors.push(FieldError::required(&at.path(field), detail));
    }
}

/// Checks the `matchConditions` of a webhook or a policy.
pub(super) fn check_conditions(at: &At, errors: &mut Errors) {
    errors.at_most(at, "matchConditions", MOST_CONDITIONS);
    for condition in at.each("matchConditions") {
        need(&condition, "expression", "", errors);
        if errors.need(&condition, "name") {
            errors.text(&condition, "name", object::qualified_name);
        }
    }
    errors.unique(at.each("matchConditions"), "name");
}

/// Checks the variables of a policy.
pub(super) fn check_variables(spec: &At, errors: &mut Errors) {
    for variable in spec.each("variables") {
        let name = variable.text("name");
        need(&variable, "name", "name is not specified", errors);
        if !is_blank(&variable, "name") && !is_identifier(name) {
            let detail = "name is not a valid CEL identifier";
            errors.push(FieldError::invalid(&variable.path("name"), name, detail));
        }
        need(&variable, "expression", "expression is not specified", errors);
    }
}

fn is_identifier(name: &str) -> bool {
    object::c_identifier(name).is_empty() && !RESERVED.contains(&name)
}

/// Checks what a policy asks, and what it notes in the audit log.
pub(super) fn check_validations(spec: &At, policy: &str, errors: &mut Errors) {
    if spec.is_empty("validations") && spec.is_empty("auditAnnotations") {
        for field in ["validations", "auditAnnotations"] {
            let detail = "validations or auditAnnotations must contain at least one item";
            errors.push(FieldError::required(&spec.path(field), detail));
        }
    }
    spec.each("validations").for_each(|validation| check_validation(&validation, errors));
    if spec.items("auditAnnotations").len() > MOST_ANNOTATIONS {
        let (path, value) = (spec.path("auditAnnotations"), spec.show("auditAnnotations"));
        let detail = format!("must not have more than {MOST_ANNOTATIONS} auditAnnotations");
        errors.push(FieldError::invalid(&path, value, detail));
    }
    spec.each("auditAnnotations").for_each(|annotation| check_annotation(&annotation, policy, errors));
    errors.unique(spec.each("auditAnnotations"), "key");
}

fn check_validation(validation: &At, errors: &mut Errors) {
    need(validation, "expression", "expression is not specified", errors);
    let message = validation.text("message");
    let mut wrong = |field: &str, detail| {
        errors.push(FieldError::invalid(&validation.path(field), validation.show(field), detail));
    };
    if !validation.is_empty("messageExpression") && is_blank(validation, "messageExpression") {
        wrong("messageExpression", "must be non-empty if specified");
    }
    if !message.is_empty() && is_blank(validation, "message") {
        wrong("message", "message must be non-empty if specified");
    } else if message.trim().contains(['\n', '\r']) {
        wrong("message", "message must not contain line breaks");
    }
    errors.one_of(validation, "reason", &REASONS);
}

fn check_annotation(annotation: &At, policy: &str, errors: &mut Errors) {
    let (key, value) = (annotation.text("key"), annotation.text("valueExpression").trim());
    if policy.is_empty() {
        let detail = "requires metadata.name be non-empty";
        errors.push(FieldError::invalid(&annotation.path("key"), key, detail));
    } else {
        errors.obey(&annotation.path("key"), &format!("{policy}/{key}"), object::qualified_name);
    }
    need(annotation, "valueExpression", "valueExpression is not specified", errors);
    if value.len() > LONGEST_ANNOTATION {
        let detail = format!("must not exceed {LONGEST_ANNOTATION} bytes in length");
        errors.push(FieldError::required(&annotation.path("valueExpression"), detail));
    }
}
