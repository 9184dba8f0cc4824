//! Rules of limit ranges and quotas.

use object::{FieldErrors, Map, Value};

use super::pod_spec::check_amount;
use crate::Strategy;
use crate::rules::{At, Errors, Read, Write, immutable};

/// Strategy of limit ranges.
pub(crate) struct LimitRange;

impl Strategy for LimitRange {
    /// For containers the default limit is the maximum; the default request is that limit, else the minimum.
    fn default(&self, range: &mut Value) {
        for item in range.items_mut("spec.limits").iter_mut().filter(|item| item.text("type") == "Container")
        {
            fill(item, "default", "max");
            fill(item, "defaultRequest", "default");
            fill(item, "defaultRequest", "min");
        }
    }

    fn validate(&self, range: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(range).field("spec"), Errors::new());
        errors.unique(spec.each("limits"), "type");
        for item in spec.each("limits") {
            errors.need(&item, "type");
            for field in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
                for (_, amount) in item.each_entry(field) {
                    check_amount(&amount, &mut errors);
                }
            }
        }
        errors.done()
    }
}

/// Adds the entries of `from` that `to` lacks.
fn fill(item: &mut Value, to: &str, from: &str) {
    let entries = |field| item.at(field).as_object().cloned().unwrap_or_default();
    let (mut filled, source): (Map, Map) = (entries(to), entries(from));
    for (name, amount) in source {
        filled.entry(name).or_insert(amount);
    }
    if !filled.is_empty() {
        item.put(to, filled);
    }
}

/// Strategy of quotas.
pub(crate) struct ResourceQuota;

impl Strategy for ResourceQuota {
    fn validate(&self, quota: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        for (name, amount) in At::root(quota).field("spec").each_entry("hard") {
            errors.obey(&amount.path(""), name, object::qualified_name);
            check_amount(&amount, &mut errors);
        }
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        immutable(new, old, &["spec.scopes"])
    }
}
