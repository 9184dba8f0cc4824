//! Resources within a value: each has metadata, which is checked as that of any object.

use std::sync::LazyLock;

use object::{FieldError, FieldErrors, Map, Path, Value};

use super::schema::Schema;
use crate::rules::Read;

/// What a name is taken to be where none is said.
const ANY_NAME: &str = "fakename";

/// Makes the metadata of all resources in a value what it is to the server: fields that it does not know are gone.
///
/// # Errors
/// The first field of a wrong type.
pub(super) fn conform(
    schema: &Schema,
    value: &mut Value,
    is_resource: bool,
    at: &Path,
) -> Result<(), FieldError> {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if is_resource {
                    conform_meta(name, value, at)?;
                }
                if let Some((of, at)) = inside(schema, name, at) {
                    conform(of, value, of.is_resource, &at)?;
                }
            }
        }
        Value::Array(items) => {
            let Some(of) = &schema.items else { return Ok(()) };
            for (i, item) in items.iter_mut().enumerate() {
                conform(of, item, of.is_resource, &at.index(i))?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

fn conform_meta(name: &str, value: &mut Value, at: &Path) -> Result<(), FieldError> {
    static META: LazyLock<object::Schema> =
        LazyLock::new(|| crate::schema("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"));
    match name {
        "apiVersion" | "kind" if !value.is_string() => {
            Err(FieldError::invalid(&at.child(name), value.clone(), "must be a string"))
        }
        "metadata" => {
            let before = value.clone();
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            let conformed = object::conform(&META, value);
            conformed.map_err(|e| FieldError::invalid(&at.child(name), before, e.to_string())).map(drop)
        }
        _ => Ok(()),
    }
}

/// The schema and the path of a property, if it has a schema.
fn inside<'a>(schema: &'a Schema, name: &str, at: &Path) -> Option<(&'a Schema, Path)> {
    let is_listed = schema.properties.contains_key(name);
    schema.property(name).map(|of| (of, if is_listed { at.child(name) } else { at.key(name) }))
}

/// What is wrong with the resources in a value, whose metadata conforms.
pub(super) fn check(schema: &Schema, value: &Value, is_resource: bool, at: &Path) -> FieldErrors {
    let mut errors = FieldErrors::new();
    check_into(schema, value, is_resource, at, &mut errors);
    errors
}

fn check_into(schema: &Schema, value: &Value, is_resource: bool, at: &Path, errors: &mut FieldErrors) {
    match value {
        Value::Object(map) => {
            if is_resource {
                check_meta(value, at, errors);
            }
            for (name, value) in map {
                if let Some((of, at)) = inside(schema, name, at) {
                    check_into(of, value, of.is_resource, &at, errors);
                }
            }
        }
        Value::Array(items) => {
            let Some(of) = &schema.items else { return };
            for (i, item) in items.iter().enumerate() {
                check_into(of, item, of.is_resource, &at.index(i), errors);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check_meta(resource: &Value, at: &Path, errors: &mut FieldErrors) {
    let (version, kind) = (resource.text("apiVersion"), resource.text("kind"));
    for (field, text) in [("apiVersion", version), ("kind", kind)] {
        if text.is_empty() {
            errors.push(FieldError::required(&at.child(field), ""));
        }
    }
    if version.matches('/').count() > 1 {
        let detail = format!("unexpected GroupVersion string: {version}");
        errors.push(FieldError::invalid(&at.child("apiVersion"), version, detail));
    }
    let wrong = object::dns1035_label(&kind.to_lowercase());
    if !kind.is_empty() && !wrong.is_empty() {
        let detail = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
        errors.push(FieldError::invalid(&at.child("kind"), kind, detail));
    }
    if let Some(Value::Object(metadata)) = resource.get("metadata") {
        let mut metadata = metadata.clone();
        if metadata.get("name").is_none_or(|name| name.text("").is_empty()) {
            metadata.insert("name".to_owned(), ANY_NAME.into());
        }
        let metadata = Value::Object(metadata);
        let is_namespaced = !metadata.is_empty("namespace");
        let path = at.child("metadata");
        errors.extend(object::validate_object_meta(&metadata, is_namespaced, object::path_segment, &path));
    }
}
