//! Comparing and naming pod templates.

use object::Value;

use crate::naming;

/// The label by which the replica sets of a deployment and their pods are told apart.
pub(super) const HASH_LABEL: &str = "pod-template-hash";
/// Characters of the hash.
const HASH: usize = 10;

/// A template's text without what the controller adds: equal templates make equal texts.
pub(super) fn identity(template: &Value) -> String {
    let mut template = template.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
    }
    naming::canonical(&template)
}

/// The hash of a template; differs by how many collisions there were.
pub(super) fn hash(template: &Value, collisions: i64) -> String {
    naming::hash(&[&identity(template), &collisions.to_string()], HASH)
}
