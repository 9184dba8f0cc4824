//! Rules of classes of priority and runtime.

use object::{FieldError, FieldErrors, Value};

use super::pod_spec::{check_amount, check_toleration};
use crate::rules::{At, Errors, Read, Write, immutable, labels};
use crate::{Strategy, warnings};

const SYSTEM_PREFIX: &str = "system-";
/// The priority classes of the system's own pods, each with its value and what it is for.
pub const SYSTEM_PRIORITIES: [(&str, i64, &str); 2] = [
    ("system-cluster-critical", 2_000_000_000, "For pods that the cluster needs, on whichever node."),
    ("system-node-critical", 2_000_001_000, "For pods that their node needs."),
];
const HIGHEST_USER_PRIORITY: i64 = 1_000_000_000;

/// Strategy of priority classes.
pub(crate) struct PriorityClass;

impl Strategy for PriorityClass {
    /// The generation is there, but counts nothing.
    fn prepare_create(&self, class: &mut Value) {
        class.put("metadata.generation", 1);
    }

    fn validate(&self, class: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(class), Errors::new());
        let (name, value) = (class.text("metadata.name"), class.int("value").unwrap_or_default());
        if name.starts_with(SYSTEM_PREFIX) {
            if let Some(wrong) = wrong_system(class, name, value) {
                let detail = format!(
                    "priority class names with 'system-' prefix are reserved for system use only. error: {wrong}"
                );
                errors.push(FieldError::forbidden(&root.path("metadata.name"), detail));
            }
        } else if value > HIGHEST_USER_PRIORITY {
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

    fn stays(&self, class: &Value) -> Option<&'static str> {
        let name = class.text("metadata.name");
        let is_system = SYSTEM_PRIORITIES.iter().any(|(known, ..)| *known == name);
        is_system.then_some("this is a system priority class and cannot be deleted")
    }
}

/// What is wrong with a class that is named like one of the system.
fn wrong_system(class: &Value, name: &str, value: i64) -> Option<String> {
    match SYSTEM_PRIORITIES.iter().find(|(known, ..)| *known == name) {
        None => Some(format!("{name} is not a known system priority class")),
        Some((_, known, _)) if *known != value => {
            Some(format!("value of {name} PriorityClass must be {known}"))
        }
        Some(_) if class.flag("globalDefault") => {
            Some(format!("globalDefault of {name} PriorityClass must be false"))
        }
        Some(_) => None,
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
        let tolerations = || root.each("scheduling.tolerations");
        tolerations().for_each(|toleration| check_toleration(&toleration, &mut errors));
        errors.distinct(tolerations(), |toleration| toleration.show(""));
        errors.done()
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        let selector = At::root(new).field("scheduling.nodeSelector");
        selector
            .entries("")
            .filter_map(|(label, _)| warnings::node_label(&selector.path(""), label))
            .collect()
    }
}
