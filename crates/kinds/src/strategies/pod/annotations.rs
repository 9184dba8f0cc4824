//! Annotations of pods that say what a pod is, and so stay as they are.

use object::{FieldError, Path, Value};

use super::pod_spec::{APPARMOR, MIRROR};
use crate::rules::{Errors, Read};

/// Whether a pod mirrors one that a node made by itself.
pub(super) fn is_static(pod: &Value) -> bool {
    pod.at("metadata.annotations").get(MIRROR).is_some()
}

/// Checks a change of a pod's annotations.
pub(super) fn check(new: &Value, old: &Value, errors: &mut Errors) {
    let path = Path::new("metadata.annotations");
    let (is, was) = (new.at("metadata.annotations"), old.at("metadata.annotations"));
    let mut refuse = |key: &str, verb: &str| {
        let detail = match key {
            MIRROR => format!("may not {verb} mirror pod annotation"),
            _ if key.starts_with(APPARMOR) => format!("may not {verb} AppArmor annotations"),
            _ => return,
        };
        errors.push(FieldError::forbidden(&path.key(key), detail));
    };
    for (key, _) in was.entries("").filter(|(key, value)| is.get(key) != Some(value)) {
        refuse(key, "remove or update");
    }
    for (key, _) in is.entries("").filter(|(key, _)| was.get(key).is_none()) {
        refuse(key, "add");
    }
}
