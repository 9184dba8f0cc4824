//! Rules of persistent volume claims.

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use crate::Strategy;
use crate::rules::{At, Errors, Read, Write, labels, quantities};

const STORAGE: &str = "resources.requests.storage";

/// Strategy of claims.
pub(crate) struct PersistentVolumeClaim;

impl Strategy for PersistentVolumeClaim {
    fn prepare_create(&self, claim: &mut Value) {
        claim.put("status", json!({ "phase": "Pending" }));
    }

    fn validate(&self, claim: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(claim).field("spec"), Errors::new());
        if spec.is_empty("accessModes") {
            errors
                .push(FieldError::required(&spec.path("accessModes"), "at least 1 access mode is required"));
        }
        labels::check_selector(&spec.field("selector"), &mut errors);
        match spec.at(STORAGE) {
            Value::Null => errors.push(FieldError::required(&spec.path("resources").key("storage"), "")),
            amount if quantities::is_zero(amount) || quantities::is_negative(amount) => {
                let at = spec.path("resources").key("storage");
                errors.push(FieldError::invalid(&at, quantities::show(amount), "must be greater than zero"));
            }
            _ => {}
        }
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (spec, was, mut errors) = (At::root(new).field("spec"), old.at("spec"), Errors::new());
        if settled(&spec, was) != *was {
            let detail = "spec is immutable after creation except resources.requests and \
                          volumeAttributesClassName for bound claims";
            errors.push(FieldError::forbidden(&spec.path(""), detail));
        }
        let capacity = old.at("status.capacity.storage");
        let shrinks =
            quantities::compare(spec.at(STORAGE), was.at(STORAGE)).is_some_and(|order| order.is_lt());
        if shrinks && quantities::compare(spec.at(STORAGE), capacity).is_none_or(|order| order.is_lt()) {
            let detail = "field can not be less than status.capacity";
            errors.push(FieldError::forbidden(&spec.path(STORAGE), detail));
        }
        errors.done()
    }
}

/// The new spec with every field that may change set back: the size asked for, and what is filled in once.
fn settled(new: &Value, old: &Value) -> Value {
    let mut rest = new.clone();
    rest.keep("resources.requests", old);
    rest.keep("volumeAttributesClassName", old);
    for field in ["volumeName", "storageClassName"] {
        if old.is_empty(field) {
            rest.keep(field, old);
        }
    }
    rest
}
