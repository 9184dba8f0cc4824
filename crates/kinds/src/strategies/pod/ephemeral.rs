//! What a write to `/ephemeralcontainers` may change: it adds containers (KEP-277).

use std::collections::HashMap;

use object::{FieldError, FieldErrors, Path, Value};

use super::annotations;
use crate::rules::{Errors, Read};

/// Checks a change of a pod's ephemeral containers.
pub(super) fn check(new: &Value, old: &Value) -> FieldErrors {
    if annotations::is_static(old) {
        return vec![FieldError::forbidden(&Path::root(), "static pods do not support ephemeral containers")];
    }
    let (path, mut errors) = (Path::new("spec.ephemeralContainers"), Errors::new());
    let mut refuse = |name: &str, what: &str| {
        let detail = format!("existing ephemeral containers {name:?} may not be {what}\n");
        errors.push(FieldError::forbidden(&path, detail));
    };
    let now = new.items("spec.ephemeralContainers").iter().map(|is| (is.text("name"), is));
    let now: HashMap<&str, &Value> = now.collect();
    for was in old.items("spec.ephemeralContainers") {
        let name = was.text("name");
        match now.get(name) {
            None => refuse(name, "removed"),
            Some(is) if !object::alike(is, was) => refuse(name, "changed"),
            Some(_) => {}
        }
    }
    errors.done()
}
