//! Rules of label keys that, with a pod's own values, complete a selector of pods.

use std::collections::HashSet;

use object::{FieldError, Path};

use super::{At, Errors, Read};

const MATCH: &str = "matchLabelKeys";
const MISMATCH: &str = "mismatchLabelKeys";
const IN_SELECTOR: &str = "exists in both matchLabelKeys and labelSelector";

/// Checks the keys that complete the selector of a term; upstream tells of keys that the selector names at the term.
pub(super) fn check(term: &At, errors: &mut Errors) {
    for field in [MATCH, MISMATCH] {
        check_keys(term, field, errors);
    }
    let named = named_twice(term);
    for (index, key) in keys(term).filter(|(_, key)| named.contains(key)) {
        errors.push(FieldError::invalid(&term.path("").index(index), key, IN_SELECTOR));
    }
    for key in term.each(MATCH) {
        if term.items(MISMATCH).contains(key.value()) {
            let detail = "exists in both matchLabelKeys and mismatchLabelKeys";
            errors.push(FieldError::invalid(&key.path(""), key.show(""), detail));
        }
    }
}

/// Checks that of a pod with these labels no key completes a selector that names it already.
pub(super) fn check_of_pod(term: &At, labels: &At, errors: &mut Errors) {
    let (selector, twice) = (term.field("labelSelector"), named_twice(term));
    let named = |key: &str| {
        selector.at("matchLabels").get(key).is_some()
            || selector.items("matchExpressions").iter().any(|e| e.text("key") == key)
    };
    let told = |path: &Path, key: &str| FieldError::invalid(path, key, IN_SELECTOR);
    for (index, key) in keys(term).filter(|(_, key)| labels.value().get(key).is_some()) {
        if named(key) && !twice.contains(key) {
            errors.push(told(&term.path("").index(index), key));
        }
    }
}

fn keys<'a>(term: &At<'a>) -> impl Iterator<Item = (usize, &'a str)> {
    term.value().items(MATCH).iter().map(|key| key.text("")).enumerate()
}

fn check_keys(term: &At, field: &str, errors: &mut Errors) {
    if !term.is_empty(field) && !term.has("labelSelector") {
        let detail = "must not be specified when labelSelector is not set";
        return errors.push(FieldError::forbidden(&term.path(field), detail));
    }
    for key in term.each(field) {
        errors.obey(&key.path(""), key.text(""), object::qualified_name);
    }
}

/// The keys by which a term selects in an expression, and once more.
fn named_twice<'a>(term: &At<'a>) -> HashSet<&'a str> {
    let selector = term.value().at("labelSelector");
    let mut named: HashSet<&str> = selector.entries("matchLabels").map(|(key, _)| key).collect();
    let expressions = selector.items("matchExpressions").iter().map(|e| e.text("key"));
    expressions.filter(|key| !named.insert(key)).collect()
}
