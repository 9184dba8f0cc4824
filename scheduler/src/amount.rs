//! Amounts of resources as whole numbers: cpu in thousandths, everything else in units, both rounded up.

use std::collections::BTreeMap;

use object::Quantity;
use serde::Deserialize;

/// Amounts by resource name.
pub type Amounts = BTreeMap<String, i64>;

/// The name of the resource that counts pods.
pub const PODS: &str = "pods";
/// Processor time.
pub const CPU: &str = "cpu";
/// Memory.
pub const MEMORY: &str = "memory";
/// Space on the node's disk.
pub const EPHEMERAL_STORAGE: &str = "ephemeral-storage";

/// Quantities as documents have them: texts, or plain numbers.
pub(crate) type Quantities = BTreeMap<String, serde_json::Value>;

/// Reads quantities; those that cannot be read count as nothing (the API server lets none through).
pub(crate) fn amounts(quantities: &Quantities) -> Amounts {
    quantities.iter().filter_map(|(name, value)| Some((name.clone(), amount(name, value)?))).collect()
}

fn amount(name: &str, value: &serde_json::Value) -> Option<i64> {
    let quantity = Quantity::deserialize(value).ok()?;
    Some(if name == CPU { quantity.milli_value() } else { quantity.value() })
}

/// Adds amounts.
pub(crate) fn add(into: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let sum = into.entry(name.clone()).or_default();
        *sum = sum.saturating_add(*amount);
    }
}

/// Keeps the larger of each amount.
pub(crate) fn raise(into: &mut Amounts, other: &Amounts) {
    for (name, &amount) in other {
        let have = into.entry(name.clone()).or_default();
        *have = (*have).max(amount);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::amount;

    #[test]
    fn amounts_are_rounded_up() {
        let cases = [
            ("cpu", json!("0.1"), Some(100)),
            ("cpu", json!("100u"), Some(1)),
            ("cpu", json!(2), Some(2000)),
            ("memory", json!("1.5Gi"), Some(3 << 29)),
            ("memory", json!("100m"), Some(1)),
            ("memory", json!("x"), None),
        ];
        for (name, value, expected) in cases {
            assert_eq!(amount(name, &value), expected, "{name} {value}");
        }
    }
}
