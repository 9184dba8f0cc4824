//! Rules of classes: of priority, storage and runtime.

use object::{FieldError, FieldErrors, Value};

use super::pod_spec::check_amount;
use crate::Strategy;
use crate::rules::{At, Errors, Read, immutable, labels};

const SYSTEM_PREFIX: &str = "system-";
const SYSTEM: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];
const HIGHEST_USER_PRIORITY: i64 = 1_000_000_000;

/// Strategy of priority classes.
pub(crate) struct PriorityClass;

impl Strategy for PriorityClass {
    fn validate(&self, class: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(class), Errors::new());
        let (name, value) = (class.text("metadata.name"), class.int("value").unwrap_or_default());
        if SYSTEM.contains(&(name, value)) {
            return errors.done();
        }
        if name.starts_with(SYSTEM_PREFIX) {
            let detail = "priority class names with 'system-' prefix are reserved for system use only";
            errors.push(FieldError::forbidden(&root.path("metadata.name"), detail));
        }
        if value > HIGHEST_USER_PRIORITY {
            let detail =
                format!("maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}");
            errors.push(FieldError::forbidden(&root.path("value"), detail));
        }
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let mut errors = immutable(new, old, &["preemptionPolicy"]);
        if new.int("value").unwrap_or_default() != old.int("value").unwrap_or_default() {
            let detail = "may not be changed in an update.";
            errors.insert(0, FieldError::forbidden(&At::root(new).path("value"), detail));
        }
        errors
    }
}

/// Strategy of storage classes.
pub(crate) struct StorageClass;

impl Strategy for StorageClass {
    fn validate(&self, class: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(class), Errors::new());
        let provisioner = class.text("provisioner").to_lowercase();
        if !provisioner.is_empty() {
            errors.obey(&root.path("provisioner"), &provisioner, object::qualified_name);
        }
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let changed =
            ["parameters", "provisioner", "reclaimPolicy"].into_iter().filter(|f| new.at(f) != old.at(f));
        changed
            .map(|field| {
                FieldError::forbidden(
                    &At::root(new).path(field),
                    format!("updates to {field} are forbidden."),
                )
            })
            .collect()
    }
}

/// Strategy of runtime classes.
pub(crate) struct RuntimeClass;

impl Strategy for RuntimeClass {
    fn validate(&self, class: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(class), Errors::new());
        for (_, amount) in root.each_entry("overhead.podFixed") {
            check_amount(&amount, &mut errors);
        }
        labels::check(&root.field("scheduling.nodeSelector"), &mut errors);
        errors.done()
    }
}
