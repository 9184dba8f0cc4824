//! Names of a custom resource.

use object::FieldError;

use crate::rules::{At, Errors, Read};

/// Checks the names of a spec: all that an object needs are there.
pub(super) fn check_complete(names: &At, errors: &mut Errors) {
    for field in ["plural", "singular", "kind", "listKind"] {
        errors.need(names, field);
    }
    check(names, errors);
}

/// Checks names, of which some may be missing.
pub(super) fn check(names: &At, errors: &mut Errors) {
    for field in ["plural", "singular"].into_iter().filter(|field| !names.is_empty(field)) {
        errors.obey_joined(&names.path(field), names.text(field), object::dns1035_label);
    }
    for field in ["kind", "listKind"] {
        check_kind(names, field, errors);
    }
    check_labels(names, "shortNames", errors);
    if !names.is_empty("kind") && names.at("kind") == names.at("listKind") {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid(&names.path("listKind"), names.show("listKind"), detail));
    }
    check_labels(names, "categories", errors);
}

fn check_labels(names: &At, field: &str, errors: &mut Errors) {
    for name in names.each(field) {
        errors.obey_joined(&name.path(""), name.as_str().unwrap_or_default(), object::dns1035_label);
    }
}

fn check_kind(names: &At, field: &str, errors: &mut Errors) {
    let name = names.text(field);
    let wrong = object::dns1035_label(&name.to_lowercase());
    if !name.is_empty() && !wrong.is_empty() {
        let detail = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
        errors.push(FieldError::invalid(&names.path(field), name, detail));
    }
}
