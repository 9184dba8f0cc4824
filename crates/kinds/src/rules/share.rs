//! Counts that may also be percentages (`3`, `25%`).

use object::{FieldError, Value};

use super::{At, Errors, Read};

/// Checks that a count is not negative, and that a percentage is one and at most 100.
pub(crate) fn check(at: &At, field: &str, errors: &mut Errors) {
    check_open(at, field, errors);
    let text = at.text(field);
    if percent(text).is_some_and(|share| share > 100) {
        errors.push(FieldError::invalid(&at.path(field), text, "must not be greater than 100%"));
    }
}

/// Checks that a count is not negative, and that a percentage is one; it may be more than 100.
pub(crate) fn check_open(at: &At, field: &str, errors: &mut Errors) {
    errors.at_least(at, field, 0);
    errors.text(at, field, object::percent);
}

/// Whether the count or percentage is nothing.
pub(crate) fn is_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => percent(text) == Some(0),
        number => number.as_i64().unwrap_or_default() == 0,
    }
}

fn percent(text: &str) -> Option<u64> {
    text.strip_suffix('%')?.parse().ok()
}
