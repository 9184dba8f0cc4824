//! Rules of environment variables.

use object::{FieldError, Path};

use super::{At, CONTAINER_LISTS, Errors, Read, amount_ref, field_ref, path_without_backsteps};

const MANY: &str = "may not have more than one field specified at a time";
const NONE: &str =
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
const SOURCES: [&str; 5] = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];

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
        check_env_from(&from, &container.path("envFrom"), errors);
    }
}

fn check_source(variable: &At, from: &At, errors: &mut Errors) {
    let sources: Vec<&str> = SOURCES.into_iter().filter(|source| from.has(source)).collect();
    for source in &sources {
        check_ref(source, &from.field(source), errors);
    }
    let wrong = match sources.len() {
        0 => NONE,
        _ if !variable.is_empty("value") => "may not be specified when `value` is not empty",
        1 => return,
        _ => MANY,
    };
    errors.push(FieldError::invalid(&from.path(""), "", wrong));
}

fn check_ref(source: &str, at: &At, errors: &mut Errors) {
    match source {
        "fieldRef" => field_ref::check(at, &FIELDS, errors),
        "resourceFieldRef" => amount_ref::check(at, errors),
        "fileKeyRef" => {
            errors.text(at, "key", object::env_var_name);
            errors.text(at, "path", path_without_backsteps);
        }
        _ => {
            errors.obey(&at.path("name"), at.text("name"), object::dns1123_subdomain);
            errors.text(at, "key", object::config_map_key);
        }
    }
}

/// What is wrong with the sources is told of the list.
fn check_env_from(from: &At, list: &Path, errors: &mut Errors) {
    errors.text(from, "prefix", object::env_var_name);
    for source in ["configMapRef", "secretRef"] {
        if let Some(reference) = from.present(source) {
            errors.need(&reference, "name");
            errors.text(&reference, "name", prefix_of_name);
        }
    }
    let wrong = match (from.has("configMapRef"), from.has("secretRef")) {
        (false, false) => "must specify one of: `configMapRef` or `secretRef`",
        (true, true) => MANY,
        _ => return,
    };
    errors.push(FieldError::invalid(list, "", wrong));
}

/// A name, or what one may begin with: it may end in a dash.
fn prefix_of_name(text: &str) -> Vec<String> {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => object::dns1123_subdomain(&format!("{rest}a")),
        _ => object::dns1123_subdomain(text),
    }
}

/// Files with variables lie in volumes that live as long as the pod.
pub(super) fn check_files(spec: &At, errors: &mut Errors) {
    let variables = CONTAINER_LISTS.iter().flat_map(|list| spec.each(list)).flat_map(|c| c.each("env"));
    for file in variables.filter_map(|variable| variable.present("valueFrom.fileKeyRef")) {
        let (path, name) = (file.path("volumeName"), file.text("volumeName"));
        match spec.items("volumes").iter().find(|volume| volume.text("name") == name) {
            None => errors.push(FieldError::not_found(&path, name)),
            Some(volume) if !volume.has("emptyDir") => {
                errors.push(FieldError::invalid(&path, name, "referenced volume must be of type emptyDir"));
            }
            Some(_) => {}
        }
    }
}
