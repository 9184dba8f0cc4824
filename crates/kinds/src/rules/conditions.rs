//! Conditions of the type that all new kinds share.

use object::FieldError;

use super::{At, Errors, Read};

const STATUSES: [&str; 3] = ["False", "True", "Unknown"];
const MAX_REASON: usize = 1024;
const MAX_MESSAGE: usize = 32 * 1024;
const REASON: &str = "a condition reason must start with alphabetic character, optionally followed by a string of \
     alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or \
     'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is \
     '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";

/// Checks the list of conditions at `field`.
pub(crate) fn check(at: &At, field: &str, errors: &mut Errors) {
    errors.unique(at.each(field), "type");
    for condition in at.each(field) {
        check_one(&condition, errors);
    }
}

fn check_one(condition: &At, errors: &mut Errors) {
    errors.obey(&condition.path("type"), condition.text("type"), object::qualified_name);
    if !STATUSES.contains(&condition.text("status")) {
        let (path, status) = (condition.path("status"), condition.text("status"));
        errors.push(FieldError::not_supported(&path, status, &STATUSES));
    }
    errors.number(condition, "observedGeneration", |n| n >= 0, "must be greater than or equal to zero");
    for field in ["lastTransitionTime", "reason"] {
        if condition.is_empty(field) {
            errors.push(FieldError::required(&condition.path(field), "must be set"));
        }
    }
    errors.text(condition, "reason", reason);
    for (field, max) in [("reason", MAX_REASON), ("message", MAX_MESSAGE)] {
        if condition.text(field).len() > max {
            errors.push(FieldError::too_long(&condition.path(field), max));
        }
    }
}

fn reason(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fine = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(word)
        && text.chars().all(|c| word(c) || c == ',' || c == ':');
    if fine { Vec::new() } else { vec![REASON.to_owned()] }
}

/// Whether the condition of this type is true.
pub(crate) fn is_true(at: &At, field: &str, kind: &str) -> bool {
    at.items(field)
        .iter()
        .any(|condition| condition.text("type") == kind && condition.text("status") == "True")
}
