//! Rules of references to a field of the pod itself.

use object::FieldError;

use super::{At, Errors, Read};

/// The fields of a pod that have a name in references at all.
const NAMED: [&str; 15] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.host",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.phase",
    "status.podIP",
    "status.podIPs",
];

/// Checks a `fieldRef`, which may name the fields that are `known` where it stands, or one label or annotation.
pub(super) fn check(at: &At, known: &[&str], errors: &mut Errors) {
    let (path, field) = (at.path("fieldPath"), at.text("fieldPath"));
    if field.is_empty() {
        return;
    }
    if at.text("apiVersion") != "v1" {
        let detail =
            format!("error converting fieldPath: unsupported pod version: {}", at.text("apiVersion"));
        return errors.push(FieldError::invalid(&path, field, detail));
    }
    let mut unnamed = |what| {
        let detail = format!("error converting fieldPath: field label {what}: {field}");
        errors.push(FieldError::invalid(&path, field, detail));
    };
    match keyed(field) {
        Some(("metadata.annotations", key)) => {
            errors.obey(&at.path(""), &key.to_lowercase(), object::qualified_name);
        }
        Some(("metadata.labels", key)) => errors.obey(&at.path(""), key, object::qualified_name),
        Some(_) => unnamed("does not support subscript"),
        None if !NAMED.contains(&field) => unnamed("not supported"),
        None if !known.contains(&field) => errors.push(FieldError::not_supported(&path, field, known)),
        None => {}
    }
}

/// `map['key']`, taken apart.
fn keyed(field: &str) -> Option<(&str, &str)> {
    let (map, key) = field.strip_suffix("']")?.split_once("['")?;
    (!map.is_empty()).then_some((map, key))
}
