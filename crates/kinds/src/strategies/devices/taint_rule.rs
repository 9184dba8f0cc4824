//! Rules of taints that somebody puts on devices of drivers (KEP-5055).

use object::{FieldErrors, Value};

use super::{names, slice};
use crate::Strategy;
use crate::rules::{At, Errors, Read, Write, conditions};
use crate::strategy::METADATA;

const MOST_CONDITIONS: usize = 8;
const SINCE: &str = "spec.taint.timeAdded";

/// Strategy of rules that taint devices.
pub(crate) struct DeviceTaintRule;

impl Strategy for DeviceTaintRule {
    /// A taint that does not say since when it is there is there since the rule is.
    fn prepare_create(&self, rule: &mut Value) {
        if rule.has("spec.taint") && rule.has("metadata.creationTimestamp") {
            rule.put_new(SINCE, rule.at("metadata.creationTimestamp").clone());
        }
    }

    fn prepare_update(&self, new: &mut Value, old: &Value) {
        if new.has("spec.taint") && old.has(SINCE) {
            new.put_new(SINCE, old.at(SINCE).clone());
        }
    }

    fn validate(&self, rule: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(rule).field("spec"), Errors::new());
        let selector = spec.field("deviceSelector");
        if selector.has("driver") {
            names::driver(&selector, "driver", &mut errors);
        }
        if selector.has("pool") {
            names::pool(&selector, "pool", &mut errors);
        }
        if selector.has("device") {
            names::label(&selector, "device", &mut errors);
        }
        slice::check_taint(&spec.field("taint"), &mut errors);
        errors.done()
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        METADATA
    }

    fn validate_status(&self, new: &Value, _: &Value) -> FieldErrors {
        let (status, mut errors) = (At::root(new).field("status"), Errors::new());
        conditions::check(&status, "conditions", &mut errors);
        errors.at_most(&status, "conditions", MOST_CONDITIONS);
        errors.done()
    }
}
