//! Rules of config maps, and what they share with secrets.

use object::{FieldError, FieldErrors, Path, Value};

use crate::Strategy;
use crate::rules::{At, Errors, Read};

/// The most that the values of a config map or secret may be together, in bytes.
const MAX_BYTES: usize = 1024 * 1024;
const FROZEN: &str = "field is immutable when `immutable` is set";

/// Strategy of config maps.
pub(crate) struct ConfigMap;

impl Strategy for ConfigMap {
    fn validate(&self, object: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(object), Errors::new());
        for (key, entry) in root.each_entry("data") {
            errors.obey(&entry.path(""), key, object::config_map_key);
            if root.at("binaryData").get(key).is_some() {
                let detail = "duplicate of key present in binaryData";
                errors.push(FieldError::invalid(&entry.path(""), key, detail));
            }
        }
        for (key, entry) in root.each_entry("binaryData") {
            errors.obey(&entry.path(""), key, object::config_map_key);
        }
        let plain: usize = object.entries("data").map(|(_, text)| text.as_str().map_or(0, str::len)).sum();
        check_size(plain + decoded_size(object, "binaryData"), &Path::root().key(""), &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        check_frozen(new, old, &["data", "binaryData"])
    }
}

/// How many bytes the base64 texts at `field` stand for.
pub(super) fn decoded_size(object: &Value, field: &str) -> usize {
    let size = |text: &str| {
        text.len() / 4 * 3 - text.bytes().rev().take_while(|&b| b == b'=').count().min(text.len() / 4 * 3)
    };
    object.entries(field).map(|(_, text)| text.as_str().map_or(0, size)).sum()
}

/// Checks that the values are not too much.
pub(super) fn check_size(bytes: usize, at: &Path, errors: &mut Errors) {
    if bytes > MAX_BYTES {
        errors.push(FieldError::too_long(at, MAX_BYTES));
    }
}

/// Once `immutable` is set it stays, and so do these fields.
pub(super) fn check_frozen(new: &Value, old: &Value, fields: &[&str]) -> FieldErrors {
    let (root, mut errors) = (At::root(new), Errors::new());
    if !old.flag("immutable") {
        return errors.done();
    }
    if !new.flag("immutable") {
        errors.push(FieldError::forbidden(&root.path("immutable"), FROZEN));
    }
    for field in fields.iter().filter(|field| !same_entries(new, old, field)) {
        errors.push(FieldError::forbidden(&root.path(field), FROZEN));
    }
    errors.done()
}

/// An absent map is as good as an empty one.
fn same_entries(new: &Value, old: &Value, field: &str) -> bool {
    object::alike(new.at(field), old.at(field))
}
