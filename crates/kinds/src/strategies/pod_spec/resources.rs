//! Rules of what a container asks for and may use.

mod claims;
mod whole;

use object::{FieldError, Path, Quantity, Value};

use super::{At, Errors, Read, quantities};
use crate::rules::resources::{HUGE, is_extended, is_huge, is_native};
use crate::strategies::quota;

pub(super) use claims::names as names_of_claims;
pub(super) use whole::check as check_whole;

/// A rule for the name of something that there is an amount of.
type NameRule = fn(&Path, &str, &mut Errors);

/// Checks the `resources` of a container of a pod with these claims.
pub(super) fn check(resources: &At, known: &[&str], errors: &mut Errors) {
    check_amounts(resources, check_name, errors);
    claims::check(resources, known, errors);
}

fn check_amounts(resources: &At, rule: NameRule, errors: &mut Errors) {
    for (name, limit) in resources.each_entry("limits") {
        check_entry(name, &limit, rule, errors);
        check_pages(name, &limit, errors);
    }
    for (name, request) in resources.each_entry("requests") {
        check_entry(name, &request, rule, errors);
        check_against_limit(resources, name, request.value(), errors);
        check_pages(name, &request, errors);
    }
    let names = ["limits", "requests"].iter().flat_map(|list| resources.entries(list)).map(|(name, _)| name);
    check_company(names, &resources.path(""), errors);
}

/// Checks what a pod needs beyond its containers. It counts as limits.
pub(super) fn check_overhead(spec: &At, errors: &mut Errors) {
    let limits = spec.path("overhead").child("limits");
    for (name, amount) in spec.each_entry("overhead") {
        let amount = amount.placed(limits.key(name));
        check_entry(name, &amount, check_name, errors);
        check_pages(name, &amount, errors);
    }
    check_company(spec.entries("overhead").map(|(name, _)| name), &spec.path("overhead"), errors);
}

fn check_entry(name: &str, amount: &At, rule: NameRule, errors: &mut Errors) {
    rule(&amount.path(""), name, errors);
    check_amount(amount, errors);
    if is_extended(name) && !quantities::is_whole(amount.value()) {
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
    quota::check_name(path, name, errors);
    let standard = matches!(name, "cpu" | "memory" | "ephemeral-storage") || is_huge(name);
    if !name.contains('/') && !standard {
        errors.push(FieldError::invalid(path, name, "must be a standard resource for containers"));
    } else if !is_native(name) && !is_extended(name) {
        errors.push(FieldError::invalid(path, name, "doesn't follow extended resource name standard"));
    }
}

/// Resources of vendors come in whole pieces, and are not shared.
pub(crate) fn is_countable(name: &str) -> bool {
    !is_native(name)
}

fn check_against_limit(resources: &At, name: &str, request: &Value, errors: &mut Errors) {
    let is_shared = !is_countable(name) && !is_huge(name);
    let Some(limit) = resources.at("limits").get(name) else {
        if !is_shared {
            let detail = "Limit must be set for non overcommitable resources";
            errors.push(FieldError::required(&resources.path("limits"), detail));
        }
        return;
    };
    let bound = match quantities::compare(request, limit) {
        Some(order) if order.is_ne() && !is_shared => "must be equal to",
        Some(order) if order.is_gt() => "must be less than or equal to",
        _ => return,
    };
    let detail = format!("{bound} {name} limit of {}", quantities::show(limit));
    errors.push(FieldError::invalid(&resources.path("requests"), quantities::show(request), detail));
}

/// Memory in large pages is a whole number of them.
fn check_pages(name: &str, amount: &At, errors: &mut Errors) {
    let Some(size) = name.strip_prefix(HUGE) else { return };
    let size = size.parse::<Quantity>().ok().filter(|size| Quantity::from_value(size.value()) == *size);
    let bytes = quantities::read(amount.value()).map(Quantity::value).unwrap_or_default();
    if !size.map(Quantity::value).is_some_and(|size| size > 0 && bytes % size == 0) {
        let shown = quantities::show(amount.value());
        let detail = format!("{shown} is not positive integer multiple of {name}");
        errors.push(FieldError::invalid(&amount.path(""), shown, detail));
    }
}

/// Large pages alone are not enough to run.
fn check_company<'a>(names: impl Iterator<Item = &'a str>, path: &Path, errors: &mut Errors) {
    let (mut has_pages, mut has_company) = (false, false);
    for name in names {
        has_pages |= is_huge(name);
        has_company |= matches!(name, "cpu" | "memory");
    }
    if has_pages && !has_company {
        errors.push(FieldError::forbidden(path, "HugePages require cpu or memory"));
    }
}
