//! Rules of limit ranges: how much each thing in a namespace may ask for.

use std::collections::BTreeSet;

use object::{FieldError, FieldErrors, Map, Value};

use super::pod_spec::check_resource_name;
use super::quota::check_name;
use crate::Strategy;
use crate::rules::{At, Errors, Read, Write, quantities, resources};

const TYPES: [&str; 3] = ["Pod", "Container", "PersistentVolumeClaim"];
const FIELDS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];

/// What may not be more than what, the field where that is told, and how both are called.
const ORDER: [(&str, &str, &str, &str, &str); 6] = [
    ("min", "max", "min", "min value", "max value"),
    ("min", "defaultRequest", "defaultRequest", "min value", "default request value"),
    ("defaultRequest", "max", "defaultRequest", "default request value", "max value"),
    ("defaultRequest", "default", "defaultRequest", "default request value", "default limit value"),
    ("min", "default", "default", "min value", "default value"),
    ("default", "max", "default", "default value", "max value"),
];

/// Strategy of limit ranges.
pub(crate) struct LimitRange;

impl Strategy for LimitRange {
    /// For containers the default limit is the maximum; the default request is that limit, else the minimum.
    fn default(&self, range: &mut Value) {
        for item in range.items_mut("spec.limits").iter_mut().filter(|item| item.text("type") == "Container")
        {
            fill(item, "default", "max");
            fill(item, "defaultRequest", "default");
            fill(item, "defaultRequest", "min");
        }
    }

    fn validate(&self, range: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(range).field("spec"), Errors::new());
        errors.unique(spec.each("limits"), "type");
        spec.each("limits").for_each(|item| check_item(&item, &mut errors));
        errors.done()
    }
}

/// Adds the entries of `from` that `to` lacks.
fn fill(item: &mut Value, to: &str, from: &str) {
    let entries = |field| item.at(field).as_object().cloned().unwrap_or_default();
    let (mut filled, source): (Map, Map) = (entries(to), entries(from));
    for (name, amount) in source {
        filled.entry(name).or_insert(amount);
    }
    if !filled.is_empty() {
        item.put(to, filled);
    }
}

fn check_item(item: &At, errors: &mut Errors) {
    let kind = item.text("type");
    errors.obey(&item.path("type"), kind, object::qualified_name);
    if !kind.is_empty() && !kind.contains('/') && !TYPES.contains(&kind) {
        let detail = "must be a standard limit type or fully qualified";
        errors.push(FieldError::invalid(&item.path("type"), kind, detail));
    }
    if kind == "Pod" {
        for field in ["default", "defaultRequest"] {
            errors.forbid(item, field, "may not be specified when `type` is 'Pod'");
        }
    }
    if kind == "PersistentVolumeClaim" && !item.has("min.storage") && !item.has("max.storage") {
        let detail = "either minimum or maximum storage value is required, but neither was provided";
        errors.push(FieldError::required(&item.path("limits"), detail));
    }
    check_names(item, kind, errors);
    let names: BTreeSet<&str> = FIELDS.iter().flat_map(|f| item.entries(f)).map(|(name, _)| name).collect();
    names.into_iter().for_each(|name| check_amounts(item, name, errors));
}

fn check_names(item: &At, kind: &str, errors: &mut Errors) {
    let forbidden = |field: &str| kind == "Pod" && field.starts_with("default");
    for field in FIELDS.into_iter().filter(|field| !forbidden(field)) {
        for (name, amount) in item.each_entry(field) {
            match kind {
                "Pod" | "Container" => check_resource_name(&amount.path(""), name, errors),
                _ => check_name(&amount.path(""), name, errors),
            }
        }
    }
}

/// Checks the amounts of one resource against each other.
fn check_amounts(item: &At, name: &str, errors: &mut Errors) {
    let amount = |field: &str| item.at(field).get(name).filter(|amount| !amount.is_null());
    for (less, more, at, less_name, more_name) in ORDER {
        let (Some(one), Some(other)) = (amount(less), amount(more)) else { continue };
        if quantities::compare(one, other).is_some_and(|order| order.is_gt()) {
            let detail = format!(
                "{less_name} {} is greater than {more_name} {}",
                quantities::show(one),
                quantities::show(other)
            );
            let shown = match (less, at) {
                ("min", "defaultRequest") | ("default", _) => other,
                _ => one,
            };
            errors.push(FieldError::invalid(&item.path(at).key(name), quantities::show(shown), detail));
        }
    }
    check_ratio(item, name, errors);
    check_whole(item, name, errors);
}

/// How many times its request a limit may be.
fn check_ratio(item: &At, name: &str, errors: &mut Errors) {
    let amount = |field: &str| item.at(field).get(name).and_then(quantities::read);
    let Some(ratio) = amount("maxLimitRequestRatio") else { return };
    let path = item.path("maxLimitRequestRatio").key(name);
    let mut wrong = |detail| errors.push(FieldError::invalid(&path, ratio.to_string(), detail));
    if ratio.to_f64() < 1.0 {
        wrong(format!("ratio {ratio} is less than 1"));
    }
    if let (Some(min), Some(max)) = (amount("min"), amount("max")) {
        let most = max.to_f64() / min.to_f64();
        if ratio.to_f64() > most {
            wrong(format!("ratio {ratio} is greater than max/min = {most:.6}"));
        }
    }
}

/// What is not shared is asked for as it is limited.
fn check_whole(item: &At, name: &str, errors: &mut Errors) {
    let amount = |field: &str| item.at(field).get(name);
    let shared = resources::is_native(name) && !resources::is_huge(name);
    let (Some(limit), Some(request)) = (amount("default"), amount("defaultRequest")) else { return };
    if !shared && quantities::compare(limit, request).is_some_and(|order| order.is_ne()) {
        let (limit, request) = (quantities::show(limit), quantities::show(request));
        let detail = format!("default value {limit} must equal to defaultRequest value {request} in {name}");
        errors.push(FieldError::invalid(&item.path("defaultRequest").key(name), request, detail));
    }
}
