//! What a claim asks for: requests, constraints between them, configuration for drivers.

use std::sync::LazyLock;

use ::expressions::{Scope, Type};
use object::{FieldError, Path, Value};

use super::names;
use crate::rules::{At, Errors, Read, Write, expressions};

const MOST_REQUESTS: usize = 32;
const MOST_ALTERNATIVES: usize = 8;
const MOST_CONSTRAINTS: usize = 32;
const MOST_SELECTORS: usize = 32;
const MOST_TOLERATIONS: usize = 16;
/// How many configurations a claim or a class may have.
pub(super) const MOST_CONFIGS: usize = 32;
const LONGEST_EXPRESSION: usize = 10 * 1024;
const LONGEST_PARAMETERS: usize = 10 * 1024;
const MODES: [&str; 2] = ["All", "ExactCount"];
const OPERATORS: [&str; 2] = ["Equal", "Exists"];

/// What the expression of a selector may name: a device. Its attributes and capacities are found by domain and name.
static SELECTOR: LazyLock<Scope> = LazyLock::new(|| {
    let found = |kind| Type::map(Type::String, Type::map(Type::String, kind));
    let mut scope = Scope::new().with_names();
    let device = scope.object(
        "kubernetes.DRADevice",
        [
            ("driver", Type::String),
            ("allowMultipleAllocations", Type::Bool),
            ("attributes", found(Type::Dyn)),
            ("capacity", found(Type::named("kubernetes.Quantity"))),
        ],
    );
    scope.with("device", device)
});

/// Who asks for an exact count and does not say it gets one.
pub(super) fn defaults(object: &mut Value, requests: &str) {
    for request in object.items_mut(requests) {
        if let Some(exactly) = request.at_mut("exactly") {
            default_count(exactly);
        }
        request.items_mut("firstAvailable").iter_mut().for_each(default_count);
    }
}

fn default_count(ask: &mut Value) {
    if ask.text("allocationMode") == "ExactCount" && ask.int("count").unwrap_or_default() == 0 {
        ask.put("count", 1);
    }
}

/// Checks the `devices` of a claim.
pub(super) fn check(devices: &At, errors: &mut Errors) {
    if errors.at_most(devices, "requests", MOST_REQUESTS) {
        devices.each("requests").for_each(|request| check_request(&request, errors));
        errors.distinct(devices.each("requests"), |request| request.show("name"));
    }
    if errors.at_most(devices, "constraints", MOST_CONSTRAINTS) {
        devices.each("constraints").for_each(|constraint| check_constraint(&constraint, devices, errors));
    }
    if errors.at_most(devices, "config", MOST_CONFIGS) {
        for config in devices.each("config") {
            check_references(&config, devices, errors);
            check_opaque(&config, errors);
        }
    }
}

fn check_request(request: &At, errors: &mut Errors) {
    const ONE: &str = "exactly one of `exactly` or `firstAvailable` is required";
    names::label(request, "name", errors);
    match (request.present("exactly"), request.is_empty("firstAvailable")) {
        (None, true) => errors.push(FieldError::required(&request.path(""), ONE)),
        (Some(_), false) => {
            let detail = format!("{ONE}, but multiple fields are set");
            errors.push(FieldError::invalid(&request.path(""), Value::Null, detail));
        }
        (Some(exactly), true) => check_ask(&exactly, errors),
        (None, false) => check_alternatives(request, errors),
    }
}

fn check_alternatives(request: &At, errors: &mut Errors) {
    if errors.at_most(request, "firstAvailable", MOST_ALTERNATIVES) {
        for alternative in request.each("firstAvailable") {
            names::label(&alternative, "name", errors);
            check_ask(&alternative, errors);
        }
        errors.distinct(request.each("firstAvailable"), |alternative| alternative.show("name"));
    }
}

fn check_ask(ask: &At, errors: &mut Errors) {
    if errors.need(ask, "deviceClassName") {
        errors.text(ask, "deviceClassName", object::dns1123_subdomain);
    }
    check_selectors(ask, errors);
    check_count(ask, errors);
    if errors.at_most(ask, "tolerations", MOST_TOLERATIONS) {
        ask.each("tolerations").for_each(|toleration| check_toleration(&toleration, errors));
    }
}

fn check_count(ask: &At, errors: &mut Errors) {
    match ask.text("allocationMode") {
        "All" => {
            errors.count(ask, "count", |n| n == 0, "must not be specified when allocationMode is 'All'");
        }
        "ExactCount" => errors.count(ask, "count", |n| n > 0, "must be greater than zero"),
        mode => errors.push(FieldError::not_supported(&ask.path("allocationMode"), mode, &MODES)),
    }
}

/// Checks the selectors of a request or a class.
pub(super) fn check_selectors(at: &At, errors: &mut Errors) {
    if !errors.at_most(at, "selectors", MOST_SELECTORS) {
        return;
    }
    for selector in at.each("selectors") {
        if errors.need(&selector, "cel") && errors.need(&selector, "cel.expression") {
            check_expression(&selector.field("cel"), errors);
        }
    }
}

fn check_expression(cel: &At, errors: &mut Errors) {
    if cel.text("expression").len() > LONGEST_EXPRESSION {
        return errors.push(FieldError::too_long(&cel.path("expression"), LONGEST_EXPRESSION));
    }
    let kind = expressions::compile(cel, "expression", &SELECTOR, errors).map(|compiled| compiled.kind);
    if let Some(kind) = kind.filter(|kind| !matches!(kind, Type::Bool | Type::Dyn)) {
        let detail = format!("must evaluate to bool or the unknown type, not {}", kind.declared());
        errors.push(FieldError::invalid(&cel.path("expression"), cel.show("expression"), detail));
    }
}

/// Checks a toleration of device taints.
pub(super) fn check_toleration(toleration: &At, errors: &mut Errors) {
    errors.text(toleration, "key", object::qualified_name);
    let value = toleration.text("value");
    match toleration.text("operator") {
        "Exists" if !value.is_empty() => {
            let detail = "must be empty for operator `Exists`";
            errors.push(FieldError::invalid(&toleration.path("value"), value, detail));
        }
        "Equal" => errors.obey(&toleration.path("value"), value, object::label_value),
        _ => errors.one_of(toleration, "operator", &OPERATORS),
    }
}

fn check_constraint(constraint: &At, devices: &At, errors: &mut Errors) {
    check_references(constraint, devices, errors);
    let fields = ["matchAttribute", "distinctAttribute"];
    match fields.into_iter().find(|field| constraint.has(field)) {
        Some(field) => names::fully_qualified(&constraint.path(field), constraint.text(field), errors),
        None => {
            let detail = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple \
                          fields are set";
            errors.push(FieldError::required(&constraint.path(""), detail));
        }
    }
}

/// Checks the list of requests that a constraint or a configuration is about.
pub(super) fn check_references(at: &At, devices: &Value, errors: &mut Errors) {
    if errors.at_most(at, "requests", MOST_REQUESTS) {
        for name in at.each("requests") {
            check_reference(&name.path(""), name.as_str().unwrap_or_default(), devices, errors);
        }
        errors.distinct(at.each("requests"), |name| name.show(""));
    }
}

/// Checks a request's name, maybe with one of its alternatives after a slash.
pub(super) fn check_reference(path: &Path, name: &str, devices: &Value, errors: &mut Errors) {
    let detail = "must be the name of a request in the claim or the name of a request and a subrequest separated \
                  by '/'";
    if name.split('/').count() <= 2 {
        name.split('/').for_each(|part| errors.obey(path, part, object::dns1123_label));
    }
    if !is_request(name, devices) {
        errors.push(FieldError::invalid(path, name, detail));
    }
}

fn is_request(name: &str, devices: &Value) -> bool {
    let named = |items: &[Value], name: &str| items.iter().position(|item| item.text("name") == name);
    let requests = devices.items("requests");
    match name.split_once('/') {
        None => named(requests, name).is_some(),
        Some((name, alternative)) => named(requests, name)
            .is_some_and(|i| named(requests[i].items("firstAvailable"), alternative).is_some()),
    }
}

/// Checks a configuration that only its driver understands.
pub(super) fn check_opaque(config: &At, errors: &mut Errors) {
    let Some(opaque) = config.present("opaque") else {
        return errors.push(FieldError::required(&config.path("opaque"), ""));
    };
    names::driver(&opaque, "driver", errors);
    check_parameters(&opaque, "parameters", LONGEST_PARAMETERS, errors);
}

/// Checks that a document is one, and not too long.
pub(super) fn check_parameters(at: &At, field: &str, longest: usize, errors: &mut Errors) {
    let (path, value) = (at.path(field), at.at(field));
    if value.is_null() {
        errors.push(FieldError::required(&path, ""));
    } else if value.to_string().len() > longest {
        errors.push(FieldError::too_long(&path, longest));
    } else if !value.is_object() {
        errors.push(FieldError::invalid(&path, "<value omitted>", "must be a valid JSON object"));
    }
}
