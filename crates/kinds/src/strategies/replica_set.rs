//! Rules of replica sets.

use object::{FieldErrors, Value};

use super::pod_spec;
use crate::Strategy;
use crate::rules::{At, Errors, Write};

/// Strategy of replica sets.
pub(crate) struct ReplicaSet;

impl Strategy for ReplicaSet {
    fn default(&self, object: &mut Value) {
        if let Some(template) = object.at_mut("spec.template.spec") {
            pod_spec::spec_defaults(template);
        }
    }

    fn validate(&self, object: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        pod_spec::check_always_running(&At::root(object).field("spec"), &mut errors);
        errors.done()
    }
}
