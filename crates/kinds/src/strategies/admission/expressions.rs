//! The expressions of webhooks and policies.

use expressions::{Scope, Type};
use object::FieldError;

use super::scopes;
use crate::rules::{At, Errors, Read, expressions as rules};

const MOST_CONDITIONS: usize = 64;
const MOST_ANNOTATIONS: usize = 20;
const LONGEST_ANNOTATION: usize = 5 * 1024;
const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
/// Whether there is nothing but space at `field`.
pub(super) fn is_blank(at: &At, field: &str) -> bool {
    at.text(field).trim().is_empty()
}

/// The field must hold more than space. Says whether it does.
fn need(at: &At, field: &str, detail: &str, errors: &mut Errors) -> bool {
    if is_blank(at, field) {
        errors.push(FieldError::required(&at.path(field), detail));
    }
    !is_blank(at, field)
}

/// The field must hold an expression of one of these types; `detail` is said where it is blank.
fn check(
    at: &At,
    field: &str,
    detail: &str,
    scope: &Scope,
    wanted: &[Type],
    errors: &mut Errors,
) -> Option<Type> {
    if !need(at, field, detail, errors) {
        return None;
    }
    rules::check(at, field, scope, wanted, errors)
}

/// Checks the `matchConditions` of a webhook or a policy.
pub(super) fn check_conditions(at: &At, scope: &Scope, errors: &mut Errors) {
    errors.at_most(at, "matchConditions", MOST_CONDITIONS);
    for condition in at.each("matchConditions") {
        check(&condition, "expression", "", scope, &[Type::Bool], errors);
        if errors.need(&condition, "name") {
            errors.text(&condition, "name", object::qualified_name);
        }
    }
    errors.unique(at.each("matchConditions"), "name");
}

/// Checks the variables of a policy, and adds each to the scope of what follows.
pub(super) fn check_variables(spec: &At, scope: &mut Scope, errors: &mut Errors) {
    for variable in spec.each("variables") {
        let name = variable.text("name");
        need(&variable, "name", "name is not specified", errors);
        if !is_blank(&variable, "name") && !is_identifier(name) {
            let detail = "name is not a valid CEL identifier";
            errors.push(FieldError::invalid(&variable.path("name"), name, detail));
        }
        let kind = check(&variable, "expression", "expression is not specified", scope, &[], errors);
        scopes::add_variable(scope, name, kind);
    }
}

fn is_identifier(name: &str) -> bool {
    object::c_identifier(name).is_empty() && !rules::KEYWORDS.contains(&name)
}

/// Checks what a policy asks, and what it notes in the audit log.
pub(super) fn check_validations(spec: &At, policy: &str, scope: &Scope, errors: &mut Errors) {
    if spec.is_empty("validations") && spec.is_empty("auditAnnotations") {
        for field in ["validations", "auditAnnotations"] {
            let detail = "validations or auditAnnotations must contain at least one item";
            errors.push(FieldError::required(&spec.path(field), detail));
        }
    }
    let message_scope = scopes::without_authorizer(scope);
    for validation in spec.each("validations") {
        check_validation(&validation, scope, &message_scope, errors);
    }
    if spec.items("auditAnnotations").len() > MOST_ANNOTATIONS {
        let (path, value) = (spec.path("auditAnnotations"), spec.show("auditAnnotations"));
        let detail = format!("must not have more than {MOST_ANNOTATIONS} auditAnnotations");
        errors.push(FieldError::invalid(&path, value, detail));
    }
    spec.each("auditAnnotations").for_each(|annotation| check_annotation(&annotation, policy, scope, errors));
    errors.unique(spec.each("auditAnnotations"), "key");
}

fn check_validation(validation: &At, scope: &Scope, message_scope: &Scope, errors: &mut Errors) {
    check(validation, "expression", "expression is not specified", scope, &[Type::Bool], errors);
    if !is_blank(validation, "messageExpression") {
        rules::check(validation, "messageExpression", message_scope, &[Type::String], errors);
    }
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

fn check_annotation(annotation: &At, policy: &str, scope: &Scope, errors: &mut Errors) {
    let (key, value) = (annotation.text("key"), annotation.text("valueExpression").trim());
    if policy.is_empty() {
        let detail = "requires metadata.name be non-empty";
        errors.push(FieldError::invalid(&annotation.path("key"), key, detail));
    } else {
        errors.obey(&annotation.path("key"), &format!("{policy}/{key}"), object::qualified_name);
    }
    let detail = "valueExpression is not specified";
    check(annotation, "valueExpression", detail, scope, &[Type::String, Type::Null], errors);
    if value.len() > LONGEST_ANNOTATION {
        let detail = format!("must not exceed {LONGEST_ANNOTATION} bytes in length");
        errors.push(FieldError::required(&annotation.path("valueExpression"), detail));
    }
}

/// Checks the expression of a mutation.
pub(super) fn check_mutation(patch: &At, scope: &Scope, wanted: &Type, errors: &mut Errors) {
    check(patch, "expression", "", scope, std::slice::from_ref(wanted), errors);
}
