//! Rules of what a container asks for and may use.

use object::{FieldError, Path, Value};

use super::{At, Errors, Read, quantities};
use crate::rules::resources::{is_huge, is_native};

/// Checks the `resources` of a container.
pub(super) fn check(resources: &At, errors: &mut Errors) {
    for (name, limit) in resources.each_entry("limits") {
        check_entry(name, &limit, errors);
    }
    for (name, request) in resources.each_entry("requests") {
        check_entry(name, &request, errors);
        check_against_limit(resources, name, request.value(), errors);
    }
    let names = resources.items("claims");
    if names.iter().enumerate().any(|(i, claim)| names[..i].contains(claim)) {
        errors.unique(resources.each("claims"), "name");
    }
}

fn check_entry(name: &str, amount: &At, errors: &mut Errors) {
    check_name(&amount.path(""), name, errors);
    check_amount(amount, errors);
    if is_countable(name) && !quantities::is_whole(amount.value()) {
        errors.push(FieldError::invalid(
            &amount.path(""),
            quantities::show(amount.value()),
            "must be an integer",
        ));
    }
}

/// An amount of something is not negative.
pub(crate) fn check_amount(amount: &At, errors: &mut Errors) {
    if quantities::is_negative(amount.value()) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(&amount.path(""), quantities::show(amount.value()), detail));
    }
}

/// The name of something that a container can ask for.
pub(crate) fn check_name(path: &Path, name: &str, errors: &mut Errors) {
    errors.obey(path, name, object::qualified_name);
    let standard = matches!(name, "cpu" | "memory" | "ephemeral-storage") || is_huge(name);
    if !name.contains('/') && !standard {
        errors.push(FieldError::invalid(path, name, "must be a standard resource for containers"));
    }
}

/// Resources of vendors come in whole pieces, and are not shared.
pub(crate) fn is_countable(name: &str) -> bool {
    !is_native(name)
}

fn check_against_limit(resources: &At, name: &str, request: &Value, errors: &mut Errors) {
    let Some(limit) = resources.at("limits").get(name) else {
        if is_countable(name) {
            let detail = "Limit must be set for non overcommitable resources";
            errors.push(FieldError::required(&resources.path("limits"), detail));
        }
        return;
    };
    let bound = match quantities::compare(request, limit) {
        Some(order) if order.is_ne() && is_countable(name) => "must be equal to",
        Some(order) if order.is_gt() => "must be less than or equal to",
        _ => return,
    };
    let detail = format!("{bound} {name} limit of {}", quantities::show(limit));
    errors.push(FieldError::invalid(&resources.path("requests"), quantities::show(request), detail));
}
