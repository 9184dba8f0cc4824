//! Rules of what is done when pods of a job fail.

use object::FieldError;

use crate::rules::{At, Errors, Read};

const MAX_RULES: usize = 20;
const MAX_CONDITIONS: usize = 20;
const MAX_EXIT_CODES: usize = 255;

const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

/// Checks a policy for failures.
pub(super) fn check(spec: &At, policy: &At, errors: &mut Errors) {
    if errors.at_most(policy, "rules", MAX_RULES) {
        policy.each("rules").for_each(|rule| check_rule(spec, &rule, errors));
    }
}

fn check_rule(spec: &At, rule: &At, errors: &mut Errors) {
    check_action(spec, rule, errors);
    if let Some(codes) = rule.present("onExitCodes") {
        check_exit_codes(spec, &codes, errors);
    }
    check_conditions(rule, errors);
    let wrong = match (rule.has("onExitCodes"), !rule.is_empty("onPodConditions")) {
        (true, true) => "specifying both OnExitCodes and OnPodConditions is not supported",
        (false, false) => "specifying one of OnExitCodes and OnPodConditions is required",
        _ => return,
    };
    errors.wrong(&rule.path(""), wrong);
}

/// The field must be one of the supported ones.
fn one_of(at: &At, field: &str, supported: &[&str], errors: &mut Errors) {
    if at.is_empty(field) {
        let quoted: Vec<String> = supported.iter().map(|value| format!("{value:?}")).collect();
        let detail = format!("valid values: [{}]", quoted.join(" "));
        errors.push(FieldError::required(&at.path(field), detail));
    }
    errors.one_of(at, field, supported);
}

fn check_action(spec: &At, rule: &At, errors: &mut Errors) {
    one_of(rule, "action", &ACTIONS, errors);
    if rule.text("action") == "FailIndex" && !spec.has("backoffLimitPerIndex") {
        let detail = "requires the backoffLimitPerIndex to be set";
        errors.push(FieldError::invalid(&rule.path("action"), "FailIndex", detail));
    }
}

fn check_exit_codes(spec: &At, codes: &At, errors: &mut Errors) {
    one_of(codes, "operator", &OPERATORS, errors);
    let containers = ["containers", "initContainers"].map(|list| format!("template.spec.{list}"));
    let mut names = containers.iter().flat_map(|list| spec.items(list)).map(|c| c.text("name"));
    let name = codes.text("containerName");
    if codes.has("containerName") && !names.any(|known| known == name) {
        let detail = "must be one of the container or initContainer names in the pod template";
        errors.push(FieldError::invalid(&codes.path("containerName"), name, detail));
    }
    if codes.is_empty("values") {
        let detail = "at least one value is required";
        errors.push(FieldError::invalid(&codes.path("values"), codes.show("values"), detail));
    }
    if errors.at_most(codes, "values", MAX_EXIT_CODES) {
        check_values(codes, errors);
    }
}

fn check_values(codes: &At, errors: &mut Errors) {
    let is_in = codes.text("operator") == "In";
    for code in codes.each("values").filter(|code| is_in && code.value() == 0) {
        errors.push(FieldError::invalid(&code.path(""), 0, "must not be 0 for the In operator"));
    }
    errors.distinct(codes.each("values"), |code| code.show(""));
    if !codes.items("values").is_sorted_by_key(|code| code.as_i64()) {
        errors.push(FieldError::invalid(&codes.path("values"), codes.show("values"), "must be ordered"));
    }
}

fn check_conditions(rule: &At, errors: &mut Errors) {
    if !errors.at_most(rule, "onPodConditions", MAX_CONDITIONS) {
        return;
    }
    for pattern in rule.each("onPodConditions") {
        errors.obey(&pattern.path("type"), pattern.text("type"), object::qualified_name);
        one_of(&pattern, "status", &STATUSES, errors);
    }
}
