//! Rules of persistent volumes.

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use super::pod_spec::check_amount;
use crate::Strategy;
use crate::rules::{At, Errors, Read, Write};

/// Fields of the spec that do not name a source.
const COMMON: [&str; 9] = [
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
];

/// Strategy of persistent volumes.
pub(crate) struct PersistentVolume;

impl Strategy for PersistentVolume {
    fn prepare_create(&self, volume: &mut Value) {
        volume.put("status", json!({ "phase": "Pending" }));
    }

    fn validate(&self, volume: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(volume).field("spec"), Errors::new());
        errors.need(&spec, "accessModes");
        if errors.need(&spec, "capacity") && !spec.has("capacity.storage") {
            let detail = "only storage may be specified";
            errors.push(FieldError::not_supported(&spec.path("capacity"), detail, &["storage"]));
        }
        for (_, amount) in spec.each_entry("capacity") {
            check_amount(&amount, &mut errors);
        }
        let sources = sources(&spec);
        errors.exactly_one(
            &spec,
            &sources,
            "must specify a volume type",
            "may not specify more than 1 volume type",
        );
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (spec, was) = (At::root(new).field("spec"), old.at("spec"));
        let mut errors = Errors::new();
        if sources(&spec) != sources(was)
            || sources(was).iter().any(|source| spec.at(source) != was.at(source))
        {
            let detail = "spec.persistentvolumesource is immutable after creation";
            errors.push(FieldError::forbidden(&spec.path("persistentvolumesource"), detail));
        }
        errors.same(&spec, was, "volumeMode");
        errors.done()
    }
}

fn sources(spec: &Value) -> Vec<&str> {
    let set = spec.entries("").filter(|(field, value)| !COMMON.contains(field) && !value.is_null());
    set.map(|(field, _)| field).collect()
}
