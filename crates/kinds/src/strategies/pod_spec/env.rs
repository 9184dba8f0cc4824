//! Rules of environment variables.

use object::FieldError;

use super::{At, Errors, Read};

const MANY: &str = "may not have more than one field specified at a time";

/// Fields of a pod that its own containers may read.
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// Checks `env` and `envFrom` of a container.
pub(super) fn check(container: &At, errors: &mut Errors) {
    for variable in container.each("env") {
        errors.text(&variable, "name", object::env_var_name);
        if let Some(from) = variable.present("valueFrom") {
            check_source(&variable, &from, errors);
        }
    }
    for from in container.each("envFrom") {
        check_env_from(&from, errors);
    }
}

fn check_source(variable: &At, from: &At, errors: &mut Errors) {
    let sources: Vec<&str> =
        ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]
            .into_iter()
            .filter(|source| from.has(source))
            .collect();
    let wrong = match sources.len() {
        0 => Some("must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"),
        1 if !variable.is_empty("value") => Some("may not be specified when `value` is not empty"),
        1 => None,
        _ => Some(MANY),
    };
    if let Some(detail) = wrong {
        errors.push(FieldError::invalid(&from.path(""), "", detail));
    }
    for source in sources {
        check_ref(source, &from.field(source), errors);
    }
}

fn check_ref(source: &str, at: &At, errors: &mut Errors) {
    match source {
        "fieldRef" => check_field_ref(at, errors),
        "configMapKeyRef" | "secretKeyRef" => {
            errors.text(at, "key", object::config_map_key);
            errors.need(at, "name");
        }
        _ => {}
    }
}

/// Checks a `fieldRef`.
pub(super) fn check_field_ref(at: &At, errors: &mut Errors) {
    let field = at.text("fieldPath");
    if field.is_empty() || FIELDS.contains(&field) || is_keyed(field) {
        return;
    }
    let detail = format!("error converting fieldPath: field label not supported: {field}");
    errors.push(FieldError::invalid(&at.path("fieldPath"), field, detail));
}

/// `metadata.labels['key']` or `metadata.annotations['key']`.
fn is_keyed(field: &str) -> bool {
    let map = field.strip_prefix("metadata.labels").or_else(|| field.strip_prefix("metadata.annotations"));
    let key = map.and_then(|rest| rest.strip_prefix("['")).and_then(|rest| rest.strip_suffix("']"));
    key.is_some_and(|key| object::qualified_name(&key.to_lowercase()).is_empty())
}

fn check_env_from(from: &At, errors: &mut Errors) {
    errors.text(from, "prefix", object::env_var_name);
    match (from.has("configMapRef"), from.has("secretRef")) {
        (false, false) => {
            let detail = "must specify one of: `configMapRef` or `secretRef`";
            errors.push(FieldError::invalid(&from.path(""), "", detail));
        }
        (true, true) => errors.push(FieldError::invalid(&from.path(""), "", MANY)),
        _ => {}
    }
    for source in ["configMapRef", "secretRef"] {
        if let Some(reference) = from.present(source) {
            errors.need(&reference, "name");
        }
    }
}
