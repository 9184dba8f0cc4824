//! Rules of replica sets.

use object::{FieldErrors, Value};

use super::{deployment, pod_spec};
use crate::rules::{At, Counts, Errors, Write};
use crate::{Strategy, warnings};

const MORE_THAN_ALL: &str = "cannot be greater than status.replicas";

/// What is true of the counts of replica sets and replication controllers.
pub(super) const COUNTS: Counts = Counts {
    natural: &[
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "terminatingReplicas",
        "observedGeneration",
    ],
    parts: &[
        ("fullyLabeledReplicas", "replicas", MORE_THAN_ALL),
        ("readyReplicas", "replicas", MORE_THAN_ALL),
        ("availableReplicas", "replicas", MORE_THAN_ALL),
        ("availableReplicas", "readyReplicas", "cannot be greater than readyReplicas"),
    ],
    growing: &[],
};

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
        pod_spec::check_always_running(&At::root(object).field("spec"), &deployment::KEEPER, &mut errors);
        errors.done()
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        COUNTS.check(new, old)
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::of_keeper(new, old, "spec.template")
    }
}
