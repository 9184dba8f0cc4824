//! Rules of admission policies and their bindings.

use ::expressions::{Scope, Type};
use object::{FieldError, FieldErrors, Value};

use super::{expressions, rules, scopes};
use crate::Strategy;
use crate::rules::{At, Errors, Read, conditions, labels};
use crate::strategy::METADATA;

/// What a binding does with what a policy refuses.
const ACTIONS: [&str; 3] = ["Audit", "Deny", "Warn"];

/// Strategy of policies that refuse.
pub(crate) struct ValidatingAdmissionPolicy;

impl Strategy for ValidatingAdmissionPolicy {
    fn validate(&self, policy: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(policy).field("spec"), Errors::new());
        let scope = check_policy(&spec, &mut errors);
        expressions::check_validations(&spec, policy.text("metadata.name"), &scope, &mut errors);
        errors.done()
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        METADATA
    }

    fn validate_status(&self, new: &Value, _: &Value) -> FieldErrors {
        let (status, mut errors) = (At::root(new).field("status"), Errors::new());
        for warning in status.field("typeChecking").each("expressionWarnings") {
            errors.need(&warning, "warning");
            errors.need(&warning, "fieldRef");
        }
        conditions::check(&status, "conditions", &mut errors);
        errors.done()
    }
}

/// Strategy of policies that change objects.
pub(crate) struct MutatingAdmissionPolicy;

impl Strategy for MutatingAdmissionPolicy {
    fn validate(&self, policy: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(policy).field("spec"), Errors::new());
        let scope = check_policy(&spec, &mut errors).with_patches();
        rules::check_no_deletion(&spec.field("matchConstraints"), &mut errors);
        if spec.is_empty("mutations") {
            let detail = "mutations must contain at least one item";
            errors.push(FieldError::required(&spec.path("mutations"), detail));
        }
        spec.each("mutations").for_each(|mutation| check_mutation(&mutation, &scope, &mut errors));
        errors.done()
    }
}

/// Checks what both kinds of policies have. Gives what their other expressions may name.
fn check_policy(spec: &At, errors: &mut Errors) -> Scope {
    if let Some(kind) = spec.present("paramKind") {
        check_param_kind(&kind, errors);
    }
    match spec.present("matchConstraints") {
        None => errors.push(FieldError::required(&spec.path("matchConstraints"), "")),
        Some(matches) => {
            rules::check_match(&matches, errors);
            errors.need(&matches, "resourceRules");
        }
    }
    let scope = scopes::policy(spec.has("paramKind"));
    expressions::check_conditions(spec, &scope, errors);
    let mut scope = scopes::with_variables(scope);
    expressions::check_variables(spec, &mut scope, errors);
    scope
}

fn check_param_kind(kind: &At, errors: &mut Errors) {
    if errors.need(kind, "apiVersion") {
        check_api_version(kind, errors);
    }
    let (path, name) = (kind.path("kind"), kind.text("kind"));
    let wrong = object::dns1035_label(&name.to_lowercase());
    if errors.need(kind, "kind") && !wrong.is_empty() {
        let detail = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
        errors.push(FieldError::invalid(&path, name, detail));
    }
}

fn check_api_version(kind: &At, errors: &mut Errors) {
    let (path, text) = (kind.path("apiVersion"), kind.text("apiVersion"));
    let (group, version) = text.split_once('/').unwrap_or(("", text));
    if version.contains('/') {
        let detail = format!("unexpected GroupVersion string: {text}");
        return errors.push(FieldError::invalid(&path, text, detail));
    }
    if !group.is_empty() {
        errors.obey_joined(&path, group, object::dns1123_subdomain);
    }
    if version.is_empty() {
        errors.push(FieldError::invalid(&path, text, "version must be specified"));
    } else {
        errors.obey_joined(&path, version, object::dns1035_label);
    }
}

fn check_mutation(mutation: &At, scope: &Scope, errors: &mut Errors) {
    let fields = [
        ("ApplyConfiguration", "applyConfiguration", Type::named("Object")),
        ("JSONPatch", "jsonPatch", Type::list(Type::named("JSONPatch"))),
    ];
    let kind = mutation.text("patchType");
    if !errors.need(mutation, "patchType") {
        return;
    }
    let known = fields.each_ref().map(|(kind, ..)| *kind);
    errors.one_of(mutation, "patchType", &known);
    for (own, field, wanted) in fields.iter().filter(|_| known.contains(&kind)) {
        let path = mutation.path(field);
        match (mutation.present(field), *own == kind) {
            (None, true) => {
                let detail = format!("must be specified when patchType is {kind}");
                errors.push(FieldError::required(&path, detail));
            }
            (Some(patch), true) => expressions::check_mutation(&patch, scope, wanted, errors),
            (Some(_), false) => {
                let detail = format!("must not be specified when patchType is {kind}");
                errors.push(FieldError::invalid(&path, format!("{{{field}}}"), detail));
            }
            _ => {}
        }
    }
}

/// Strategy of bindings of policies that refuse.
pub(crate) struct ValidatingAdmissionPolicyBinding;

impl Strategy for ValidatingAdmissionPolicyBinding {
    fn validate(&self, binding: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(binding).field("spec"), Errors::new());
        check_binding(&spec, &mut errors);
        check_actions(&spec, &mut errors);
        errors.done()
    }
}

/// Strategy of bindings of policies that change objects.
pub(crate) struct MutatingAdmissionPolicyBinding;

impl Strategy for MutatingAdmissionPolicyBinding {
    fn validate(&self, binding: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(binding).field("spec"), Errors::new());
        check_binding(&spec, &mut errors);
        rules::check_no_deletion(&spec.field("matchResources"), &mut errors);
        errors.done()
    }
}

/// What both kinds of bindings have.
fn check_binding(spec: &At, errors: &mut Errors) {
    if errors.need(spec, "policyName") {
        errors.text(spec, "policyName", object::dns1123_subdomain);
    }
    if let Some(reference) = spec.present("paramRef") {
        check_param_ref(&reference, errors);
    }
    rules::check_match(&spec.field("matchResources"), errors);
}

fn check_param_ref(reference: &At, errors: &mut Errors) {
    errors.text(reference, "name", object::path_segment);
    labels::check_selector(&reference.field("selector"), errors);
    match (reference.is_empty("name"), reference.has("selector")) {
        (false, true) => ["name", "selector"].into_iter().for_each(|field| {
            let detail = "name and selector are mutually exclusive";
            errors.push(FieldError::forbidden(&reference.path(field), detail));
        }),
        (true, false) => {
            let detail = "one of name or selector must be specified";
            errors.push(FieldError::required(&reference.path(""), detail));
        }
        _ => {}
    }
    if errors.need(reference, "parameterNotFoundAction") {
        errors.one_of(reference, "parameterNotFoundAction", &["Allow", "Deny"]);
    }
}

fn check_actions(spec: &At, errors: &mut Errors) {
    let actions = spec.items("validationActions");
    for action in spec.each("validationActions") {
        let text = action.as_str().unwrap_or_default();
        if !ACTIONS.contains(&text) {
            errors.push(FieldError::not_supported(&action.path(""), text, &ACTIONS));
        }
    }
    errors.distinct(spec.each("validationActions"), |action| action.show(""));
    let has = |action: &str| actions.iter().any(|known| known == action);
    let path = spec.path("validationActions");
    if has("Deny") && has("Warn") {
        let detail = "must not contain both Deny and Warn (repeating the same validation failure information in the \
                      API response and headers serves no purpose)";
        errors.push(FieldError::invalid(&path, spec.show("validationActions"), detail));
    }
    if actions.is_empty() {
        errors.push(FieldError::required(&path, "at least one validation action is required"));
    }
}
