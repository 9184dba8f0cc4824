//! Rules of when a job has done enough.

use object::FieldError;

use super::indexes;
use crate::rules::{At, Errors, Read};

const MAX_RULES: usize = 20;
const MAX_INDEXES_BYTES: usize = 64 * 1024;

/// Checks a policy for success.
pub(super) fn check(spec: &At, policy: &At, errors: &mut Errors) {
    if policy.is_empty("rules") {
        let detail = "at least one rules must be specified when the successPolicy is specified";
        errors.push(FieldError::required(&policy.path("rules"), detail));
    }
    if !errors.at_most(policy, "rules", MAX_RULES) {
        return;
    }
    let completions = spec.int("completions").unwrap_or_default();
    for rule in policy.each("rules") {
        check_rule(&rule, completions, errors);
    }
}

fn check_rule(rule: &At, completions: i64, errors: &mut Errors) {
    if !rule.has("succeededCount") && !rule.has("succeededIndexes") {
        let detail = "at least one of succeededCount or succeededIndexes must be specified";
        errors.push(FieldError::required(&rule.path(""), detail));
    }
    errors.at_least(rule, "succeededCount", 0);
    let detail = format!("must be less than or equal to {completions} (the number of specified completions)");
    errors.number(rule, "succeededCount", |n| n <= completions, &detail);
    if rule.has("succeededIndexes") {
        check_indexes(rule, completions, errors);
    }
}

fn check_indexes(rule: &At, completions: i64, errors: &mut Errors) {
    let (at, text) = (rule.path("succeededIndexes"), rule.text("succeededIndexes"));
    if text.len() > MAX_INDEXES_BYTES {
        errors.push(FieldError::too_long(&at, MAX_INDEXES_BYTES));
    }
    let total = indexes::parse(text, completions).map(|intervals| indexes::count(&intervals));
    if let Err(why) = &total {
        errors.push(FieldError::invalid(&at, text, format!("error parsing succeededIndexes: {why}")));
    }
    let total = total.unwrap_or_default();
    let detail = format!(
        "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
    );
    errors.number(rule, "succeededCount", |n| n <= total, &detail);
}
