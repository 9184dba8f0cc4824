//! Rules of kinds that keep a copy of something: controller revisions, pod templates.

use object::{FieldError, FieldErrors, Value};

use super::pod_spec;
use crate::rules::{At, Errors, Read, Write, immutable};
use crate::{Strategy, warnings};

/// Strategy of controller revisions.
pub(crate) struct ControllerRevision;

impl Strategy for ControllerRevision {
    fn validate(&self, object: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(object), Errors::new());
        errors.at_least(&root, "revision", 0);
        if !root.has("data") {
            errors.push(FieldError::required(&root.path("data"), "data is mandatory"));
        }
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        immutable(new, old, &["data"])
    }
}

/// Strategy of pod templates.
pub(crate) struct PodTemplate;

impl Strategy for PodTemplate {
    fn default(&self, object: &mut Value) {
        if let Some(spec) = object.at_mut("template.spec") {
            pod_spec::spec_defaults(spec);
        }
    }

    fn validate(&self, object: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        pod_spec::check_template(&At::root(object).field("template"), &mut errors);
        errors.done()
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let template = At::root(new).field("template");
        if warnings::is_changed(new, old) { warnings::of_template(&template) } else { Vec::new() }
    }
}
