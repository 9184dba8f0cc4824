//! Rules of replication controllers.

use object::{FieldErrors, Value};

use super::pod_spec::{self, push_mismatch};
use super::replica_set::COUNTS;
use crate::rules::{At, Errors, Read, Write};
use crate::{Strategy, warnings};

/// Strategy of replication controllers.
pub(crate) struct ReplicationController;

impl Strategy for ReplicationController {
    fn default(&self, object: &mut Value) {
        let labels = object.at("spec.template.metadata.labels").clone();
        for field in ["spec.selector", "metadata.labels"] {
            if object.is_empty(field) && !labels.is_empty("") {
                object.put(field, labels.clone());
            }
        }
        if let Some(template) = object.at_mut("spec.template.spec") {
            pod_spec::spec_defaults(template);
        }
    }

    fn validate(&self, object: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(object).field("spec"), Errors::new());
        errors.need(&spec, "selector");
        match spec.present("template") {
            Some(template) => check_template(&spec, &template, &mut errors),
            None => {
                errors.need(&spec, "template");
            }
        }
        errors.done()
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        COUNTS.check(new, old)
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::of_keeper(new, old, "spec.template")
    }
}

fn check_template(spec: &At, template: &At, errors: &mut Errors) {
    let labels = template.at("metadata.labels");
    if spec.entries("selector").any(|(key, value)| labels.get(key) != Some(value)) {
        push_mismatch(template, errors);
    }
    pod_spec::check_kept(template, "ReplicationController", errors);
}
