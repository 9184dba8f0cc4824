//! Rules of what becomes a file of a volume: keys, and what a pod knows of itself.

use object::FieldError;

use super::{At, Errors, amount_ref, field_ref, local_path};

/// What of a pod may become a file.
const FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// Checks keys that become files, and their modes.
pub(super) fn check(source: &At, errors: &mut Errors) {
    check_mode(source, "defaultMode", errors);
    check_items(source, errors);
}

/// Checks keys that become files.
pub(super) fn check_items(source: &At, errors: &mut Errors) {
    for item in source.each("items") {
        errors.text(&item, "path", file_path);
        check_mode(&item, "mode", errors);
    }
}

/// Checks a mode of files.
pub(super) fn check_mode(at: &At, field: &str, errors: &mut Errors) {
    let detail = "must be a number between 0 and 0777 (octal), both inclusive";
    errors.number(at, field, |mode| (0..=0o777).contains(&mode), detail);
}

/// A relative path that does not climb, nor look as if it did: the names that begin so are the node's own.
pub(super) fn file_path(path: &str) -> Vec<String> {
    let mut wrong = local_path(path);
    if path.starts_with("..") && path != ".." && !path.starts_with("../") {
        wrong.push("must not start with '..'".to_owned());
    }
    wrong
}

/// Checks fields of the pod that become files, and their modes.
pub(super) fn check_downward(source: &At, errors: &mut Errors) {
    check_mode(source, "defaultMode", errors);
    check_downward_items(source, errors);
}

/// Checks fields of the pod that become files; upstream tells of all of them at the source.
pub(super) fn check_downward_items(source: &At, errors: &mut Errors) {
    for item in source.each("items") {
        check_downward_file(&item.placed(source.path("")), errors);
    }
}

fn check_downward_file(item: &At, errors: &mut Errors) {
    errors.need(item, "path");
    errors.text(item, "path", file_path);
    match (item.present("fieldRef"), item.present("resourceFieldRef")) {
        (Some(field), resource) => {
            field_ref::check(&field, &FIELDS, errors);
            if resource.is_some() {
                let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
                errors.push(FieldError::invalid(&item.path(""), "resource", detail));
            }
        }
        (None, Some(resource)) => {
            errors.need(&resource, "containerName");
            amount_ref::check(&resource, errors);
        }
        (None, None) => {
            let detail = "one of fieldRef and resourceFieldRef is required";
            errors.push(FieldError::required(&item.path(""), detail));
        }
    }
    check_mode(item, "mode", errors);
}
