//! Paths into custom resources: columns of the Table, counts of the scale, selectable fields.

use std::collections::HashSet;

use object::{FieldError, Path, Value};

use super::paths;
use crate::rules::{At, Errors, Read};

const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const MOST_SELECTABLE: usize = 8;

/// Checks a column.
pub(super) fn check(column: &At, errors: &mut Errors) {
    errors.need(column, "name");
    let (kind, format) = (column.text("type"), column.text("format"));
    let one_of = |known: &[&str]| format!("must be one of {}", known.join(","));
    if kind.is_empty() {
        errors.push(FieldError::required(&column.path("type"), one_of(&TYPES)));
    } else if !TYPES.contains(&kind) {
        errors.push(FieldError::invalid(&column.path("type"), kind, one_of(&TYPES)));
    }
    if !format.is_empty() && !FORMATS.contains(&format) {
        errors.push(FieldError::invalid(&column.path("format"), format, one_of(&FORMATS)));
    }
    check_path(&column.path("JSONPath"), column.text("jsonPath"), &[], errors);
}

/// Checks a path that must begin with one of `below`.
fn check_path(at: &Path, path: &str, below: &[&str], errors: &mut Errors) {
    if path.is_empty() {
        errors.push(FieldError::required(at, ""));
    } else if !path.starts_with('.') {
        errors.push(FieldError::invalid(at, path, "must be a simple json path starting with ."));
    } else if !below.is_empty() && !below.iter().any(|field| path.starts_with(&format!("{field}."))) {
        let places = match below {
            [place] => (*place).to_owned(),
            places => format!("either {}", places.join(" or ")),
        };
        errors.push(FieldError::invalid(at, path, format!("should be a json path under {places}")));
    }
}

/// Checks where the scale is read and written.
pub(super) fn check_scale(scale: &At, errors: &mut Errors) {
    if scale.is_null() {
        return;
    }
    check_path(&scale.path("specReplicasPath"), scale.text("specReplicasPath"), &[".spec"], errors);
    check_path(&scale.path("statusReplicasPath"), scale.text("statusReplicasPath"), &[".status"], errors);
    if !scale.is_empty("labelSelectorPath") {
        let (path, text) = (scale.path("labelSelectorPath"), scale.text("labelSelectorPath"));
        check_path(&path, text, &[".spec", ".status"], errors);
    }
}

/// Checks the fields that selectors may name: they are scalars of the schema.
pub(super) fn check_selectable(fields: &At, schema: &Value, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for field in fields.each("") {
        let (path, text) = (field.path("jsonPath"), field.text("jsonPath"));
        if !errors.need(&field, "jsonPath") {
            continue;
        }
        let mut wrong = |detail: &str| errors.push(FieldError::invalid(&path, text, detail));
        let found = match paths::find(schema, text, false) {
            Ok(found) => found,
            Err(why) => {
                wrong(&format!("is an invalid path: {why}"));
                continue;
            }
        };
        if found.first == "metadata" {
            wrong("must not point to fields in metadata");
        }
        if !matches!(found.schema.text("type"), "string" | "boolean" | "integer") {
            wrong(
                "must point to a field of type string, boolean or integer. Enum string fields and strings with \
                 formats are allowed.",
            );
        }
        if !seen.insert(found.text) {
            errors.push(FieldError::duplicate(&path, text));
        }
    }
    if seen.len() > MOST_SELECTABLE {
        errors.push(FieldError::too_many(&fields.path(""), seen.len(), MOST_SELECTABLE));
    }
}
