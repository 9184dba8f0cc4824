//! Limits of numbers and counts, and how they are told.

use std::cmp::Ordering;

use object::{FieldError, FieldErrorType, Path, Value};
use serde_json::Number;

use crate::strategies::custom_resource::schema::Numbers;

/// A text is longer than it may be.
pub(super) fn too_long(path: &Path, most: i64) -> FieldError {
    usize::try_from(most).map_or_else(
        |_| FieldError {
            path: path.clone(),
            kind: FieldErrorType::TooLong,
            value: None,
            detail: "value is too long".to_owned(),
        },
        |most| FieldError::too_long(path, most),
    )
}

/// There are more than may be.
pub(super) fn too_many(path: &Path, count: usize, most: i64) -> FieldError {
    usize::try_from(most).map_or_else(
        |_| FieldError {
            path: path.clone(),
            kind: FieldErrorType::TooMany,
            value: Some(count.into()),
            detail: "has too many items".to_owned(),
        },
        |most| FieldError::too_many(path, count, most),
    )
}

/// Whether a value is one of an enumeration. A number is what it becomes where that is of the other kind.
pub(super) fn is_same(value: &Value, allowed: &Value) -> bool {
    match (value, allowed) {
        (Value::Null, _) => false,
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a == b,
            (None, Some(b)) => a.as_f64().is_some_and(|a| a as i64 == b),
            _ => a.as_f64() == b.as_f64(),
        },
        _ => value == allowed,
    }
}

impl Numbers {
    /// What a number should be and is not.
    pub(super) fn breaches(&self, number: &Number) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some(factor) = self.factor.filter(|factor| *factor >= 0.0 && !is_multiple(number, *factor)) {
            wrong.push(format!("a multiple of {}", bound(factor, number)));
        }
        let (is_above, is_below) = (self.is_above_least, self.is_below_most);
        if let Some((least, order)) = self.least.zip(self.least.and_then(|least| order(number, least)))
            && (order == Ordering::Less || is_above && order == Ordering::Equal)
        {
            let than = if is_above { "greater than" } else { "greater than or equal to" };
            wrong.push(format!("{than} {}", bound(least, number)));
        }
        if let Some((most, order)) = self.most.zip(self.most.and_then(|most| order(number, most)))
            && (order == Ordering::Greater || is_below && order == Ordering::Equal)
        {
            let than = if is_below { "less than" } else { "less than or equal to" };
            wrong.push(format!("{than} {}", bound(most, number)));
        }
        wrong
    }
}

/// How a number compares to a limit, which is taken to be whole where the number is.
fn order(number: &Number, limit: f64) -> Option<Ordering> {
    match number.as_i64() {
        Some(number) => Some(number.cmp(&(limit as i64))),
        None => number.as_f64()?.partial_cmp(&limit),
    }
}

/// A limit as it is told about a number.
pub(super) fn bound(limit: f64, number: &Number) -> String {
    if number.is_i64() { (limit as i64).to_string() } else { go_float(limit) }
}

fn is_multiple(number: &Number, factor: f64) -> bool {
    match (number.as_i64(), factor as i64) {
        (Some(number), whole) if whole > 0 => number % whole == 0,
        // by less than one, whole numbers are divided as others are
        _ => number.as_f64().is_some_and(|number| {
            is_whole(if factor < 1.0 { 1.0 / factor * number } else { number / factor })
        }),
    }
}

/// Whether a number is whole, but for what comes from counting in halves of halves, and as large as all whole numbers are
/// exact.
pub(super) fn is_whole(number: f64) -> bool {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    let near = number.round();
    number.abs() <= LARGEST && (number == near || (number - near).abs() < 1e-9 * near.abs())
}

/// A number as errors show it: a whole one has no fraction.
pub(super) fn shown(number: &Number) -> Value {
    const EXACT: f64 = 9_223_372_036_854_775_808.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => {
            (float as i64).into()
        }
        _ => Value::Number(number.clone()),
    }
}

/// A number as Go prints it by `%v`.
fn go_float(value: f64) -> String {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.parse().unwrap_or(0) {
        -4..6 => value.to_string(),
        exponent => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, i32::abs(exponent)),
    }
}
