//! Amounts with units, as they stand in documents: texts or numbers.

use std::cmp::Ordering;

use object::{Quantity, Value};

/// The amount, if it is well-formed.
pub(crate) fn read(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// The amount in its canonical notation; what is malformed, as it stands.
pub(crate) fn show(value: &Value) -> String {
    match (read(value), value) {
        (Some(quantity), _) => quantity.to_string(),
        (None, Value::String(text)) => text.clone(),
        (None, other) => other.to_string(),
    }
}

/// Which amount is more; none where one is malformed.
pub(crate) fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    Some(read(one)?.cmp(&read(other)?))
}

/// Whether an amount is less than nothing.
pub(crate) fn is_negative(value: &Value) -> bool {
    read(value).is_some_and(Quantity::is_negative)
}

/// Whether an amount is nothing, or malformed.
pub(crate) fn is_zero(value: &Value) -> bool {
    read(value).is_none_or(Quantity::is_zero)
}

/// Whether an amount is a whole number of units, or malformed.
pub(crate) fn is_whole(value: &Value) -> bool {
    read(value).is_none_or(|amount| Quantity::from_value(amount.value()) == amount)
}
