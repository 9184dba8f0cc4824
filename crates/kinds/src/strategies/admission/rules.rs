//! Which requests a webhook or a policy is asked about.

use std::collections::HashSet;

use object::{FieldError, Value};

use crate::rules::{At, Errors, Read, labels};

const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

/// Checks a rule: operations, groups, versions and resources.
pub(super) fn check(rule: &At, errors: &mut Errors) {
    check_list(rule, "operations", "operations", errors);
    for operation in rule.each("operations") {
        let text = operation.as_str().unwrap_or_default();
        if !OPERATIONS.contains(&text) {
            errors.push(FieldError::not_supported(&operation.path(""), text, &OPERATIONS));
        }
    }
    check_list(rule, "apiGroups", "API groups", errors);
    check_list(rule, "apiVersions", "API versions", errors);
    check_no_blanks(rule, "apiVersions", errors);
    check_resources(rule, errors);
}

/// A list that must not be empty, and where `*` stands alone.
fn check_list(rule: &At, field: &str, what: &str, errors: &mut Errors) {
    errors.need(rule, field);
    if rule.items(field).len() > 1 && has(rule.items(field), "*") {
        let detail = format!("if '*' is present, must not specify other {what}");
        errors.push(FieldError::invalid(&rule.path(field), rule.show(field), detail));
    }
}

fn check_no_blanks(rule: &At, field: &str, errors: &mut Errors) {
    for blank in rule.each(field).filter(|item| item.is_empty("")) {
        errors.push(FieldError::required(&blank.path(""), ""));
    }
}

fn has(list: &[Value], text: &str) -> bool {
    list.iter().any(|item| item == text)
}

/// Checks the resources of a rule; of those without a subresource the last decides whether `*` stands alone.
fn check_resources(rule: &At, errors: &mut Errors) {
    let list = rule.items("resources");
    errors.need(rule, "resources");
    check_no_blanks(rule, "resources", errors);
    check_covered(rule, errors);
    let mut wrong = |detail| {
        errors.push(FieldError::invalid(&rule.path("resources"), rule.show("resources"), detail));
    };
    if list.len() > 1 && has(list, "*/*") {
        wrong("if '*/*' is present, must not specify other resources");
    }
    let mut whole = list.iter().rev().filter(|resource| !resource.text("").contains('/') && *resource != "");
    if has(list, "*") && whole.next().is_some_and(|last| last != "*") {
        wrong("if '*' is present, must not specify other resources without subresources");
    }
}

/// A subresource is not named once more after a wildcard that covers it.
fn check_covered(rule: &At, errors: &mut Errors) {
    let mut before = HashSet::new();
    for resource in rule.each("resources") {
        let text = resource.value().text("");
        let wildcards = text.split_once('/').map(|(whole, part)| [format!("{whole}/*"), format!("*/{part}")]);
        for wildcard in wildcards.into_iter().flatten().filter(|wildcard| before.contains(wildcard.as_str()))
        {
            let detail = format!("if '{wildcard}' is present, must not specify {text}");
            errors.push(FieldError::invalid(&resource.path(""), text, detail));
        }
        before.insert(text);
    }
}

/// Checks what a policy or a binding matches.
pub(super) fn check_match(matches: &At, errors: &mut Errors) {
    for selector in ["namespaceSelector", "objectSelector"] {
        labels::check_selector(&matches.field(selector), errors);
    }
    for rule in matches.each("resourceRules").chain(matches.each("excludeResourceRules")) {
        for name in rule.each("resourceNames") {
            errors.obey(&name.path(""), name.as_str().unwrap_or_default(), object::path_segment);
        }
        errors.distinct(rule.each("resourceNames"), |name| name.show(""));
        check(&rule, errors);
    }
}

/// Checks that what changes objects is not asked about deletions.
pub(super) fn check_no_deletion(matches: &At, errors: &mut Errors) {
    let rules = matches.items("resourceRules").iter();
    for _ in rules.flat_map(|rule| rule.items("operations")).filter(|operation| *operation == "DELETE") {
        let known = ["*", "CONNECT", "CREATE", "UPDATE"];
        let path = matches.path("resourceRules.operations");
        errors.push(FieldError::not_supported(&path, "DELETE", &known));
    }
}
