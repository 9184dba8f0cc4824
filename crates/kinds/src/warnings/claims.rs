//! Claims of volumes, and amounts of bytes.

use object::{Path, Value};

use crate::rules::{At, Read, quantities};

/// What is odd about the spec of a claim.
pub(crate) fn of_spec(spec: &At) -> Vec<String> {
    ["requests", "limits"].into_iter().filter_map(|amounts| of_amount(spec, amounts, "storage")).collect()
}

/// Says that there is no whole number of bytes at a key of `resources`.
pub(super) fn of_amount(holder: &At, amounts: &str, key: &str) -> Option<String> {
    let amounts = holder.field(&format!("resources.{amounts}"));
    fractional(&amounts.path("").key(key), amounts.at(key))
}

/// Says that an amount is no whole number of bytes.
pub(super) fn fractional(path: &Path, amount: &Value) -> Option<String> {
    let milli = quantities::read(amount)?.milli_value();
    let shown = quantities::show(amount);
    (milli % 1000 != 0)
        .then(|| format!("{path}: fractional byte value {shown:?} is invalid, must be an integer"))
}
