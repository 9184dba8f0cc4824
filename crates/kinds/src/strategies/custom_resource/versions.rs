//! Versions of a custom resource.

use std::collections::HashSet;

use object::{FieldError, Value};

use super::{columns, openapi};
use crate::rules::{At, Errors, Read};

const LONGEST_WARNING: usize = 256;
/// How long a path to what is in a definition may be, and all of them together: errors name them.
const LONGEST_PATH: usize = 32 * 1024;
const LONGEST_PATHS: usize = 64 * 1024 * 1024;

/// What versions may have in common, and where errors in it are told of then.
const SHARED: [(&str, &str); 4] = [
    ("schema", "validation"),
    ("subresources", "subresources"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    (SELECTABLE, SELECTABLE),
];
const SELECTABLE: &str = "selectableFields";
const SCHEMA: &str = "schema.openAPIV3Schema";

/// Checks the versions of a spec, but for what all of them have in common.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    for version in spec.each("versions").filter(|version| !version.has(SCHEMA)) {
        errors.push(FieldError::required(&version.path(SCHEMA), "schemas are required"));
    }
    let schemas = || spec.items("versions").iter().map(|version| version.at(SCHEMA));
    if spec.flag("preserveUnknownFields") && schemas().any(openapi::has_defaults) {
        let detail = "must be false in order to use defaults in the schema";
        errors.push(FieldError::invalid(&spec.path("preserveUnknownFields"), true, detail));
    }
    let shared = shared(spec);
    for version in spec.each("versions") {
        check_version(&version, &shared, errors);
    }
    check_together(spec, errors);
}

/// Whether the paths in all versions are short enough to be told.
pub(super) fn check_paths(spec: &At, errors: &mut Errors) -> bool {
    let mut all = 0;
    let are_short = are_short(spec.at("versions"), 0, &mut all);
    if !are_short {
        let detail = "fields with long names must not be nested as deep";
        errors.push(FieldError::forbidden(&spec.path("versions"), detail));
    }
    are_short
}

fn are_short(value: &Value, above: usize, all: &mut usize) -> bool {
    let mut step = |value: &Value, length: usize| {
        if !(value.is_object() || value.is_array()) {
            return true;
        }
        *all += above + length;
        above + length <= LONGEST_PATH && *all <= LONGEST_PATHS && are_short(value, above + length, all)
    };
    match value {
        Value::Array(items) => items.iter().all(|item| step(item, 8)),
        Value::Object(map) => map.iter().all(|(name, value)| step(value, name.len() + 2)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn check_version(version: &At, shared: &[&str], errors: &mut Errors) {
    errors.obey_joined(&version.path("name"), version.text("name"), object::dns1035_label);
    if let Some(warning) = version.present("deprecationWarning") {
        check_warning(&warning, version.flag("deprecated"), errors);
    }
    let keeps_status = version.has("subresources.status");
    for (field, _) in SHARED.into_iter().filter(|(field, _)| !shared.contains(field)) {
        let schema =
            Some(version.at(SCHEMA)).filter(|schema| !schema.is_null() && !shared.contains(&"schema"));
        check_part(&version.field(field), field, keeps_status, schema, errors);
    }
}

/// Checks what all versions of a spec have in common.
pub(super) fn check_shared(spec: &At, errors: &mut Errors) {
    let versions = spec.items("versions");
    let Some(first) = spec.each("versions").next() else { return };
    let keeps_status = versions.iter().any(|version| version.has("subresources.status"));
    let shared = shared(spec);
    for (field, place) in SHARED.into_iter().filter(|(field, _)| shared.contains(field)) {
        let part = first.field(field).placed(spec.path(place));
        let schema = first.has("schema").then(|| first.at(SCHEMA));
        check_part(&part, field, keeps_status, schema, errors);
    }
}

/// What all versions have in common. Fields are selected by a schema, and shared only with that.
fn shared(spec: &At) -> Vec<&'static str> {
    let versions = spec.items("versions");
    let agree = |field: &str| versions.iter().all(|version| version.at(field) == versions[0].at(field));
    let fields = SHARED.into_iter().map(|(field, _)| field);
    let mut shared: Vec<&str> = fields.filter(|field| agree(field)).collect();
    if !shared.contains(&"schema") {
        shared.retain(|field| *field != SELECTABLE);
    }
    shared
}

fn check_warning(warning: &At, deprecated: bool, errors: &mut Errors) {
    let text = warning.as_str().unwrap_or_default();
    let mut wrong = |detail: String| errors.push(FieldError::invalid(&warning.path(""), text, detail));
    if !deprecated {
        return wrong("can only be set for deprecated versions".to_owned());
    }
    if text.len() > LONGEST_WARNING {
        wrong(format!("must be <= {LONGEST_WARNING} characters long"));
    }
    if text.is_empty() {
        wrong("must not be an empty string".to_owned());
    }
    if let Some((i, _)) = text.char_indices().find(|(_, c)| !object::is_printable(*c)) {
        wrong(format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {i}"
        ));
    }
}

/// Versions have different names, and objects are stored in one of them.
fn check_together(spec: &At, errors: &mut Errors) {
    let (path, versions) = (spec.path("versions"), spec.items("versions"));
    let names: HashSet<&str> = versions.iter().map(|version| version.text("name")).collect();
    if names.len() < versions.len() {
        let detail = "must contain unique version names";
        errors.push(FieldError::invalid(&path, spec.show("versions"), detail));
    }
    if versions.iter().filter(|version| version.flag("storage")).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid(&path, spec.show("versions"), detail));
    }
}

/// Checks a part of a version, or of all; `schema` is that of the same versions.
fn check_part(part: &At, field: &str, keeps_status: bool, schema: Option<&Value>, errors: &mut Errors) {
    match (field, schema) {
        ("schema", _) => {
            if let Some(schema) = part.present("openAPIV3Schema") {
                openapi::check_root(&schema, keeps_status, errors);
            }
        }
        ("subresources", _) => columns::check_scale(&part.field("scale"), errors),
        ("additionalPrinterColumns", _) => part.each("").for_each(|column| columns::check(&column, errors)),
        _ if part.is_empty("") => {}
        (_, Some(schema)) => columns::check_selectable(part, schema, errors),
        (_, None) => {
            let is_of_one = part.path("").as_str().contains("versions[");
            let detail = match is_of_one {
                true => {
                    "selectableFields may only be set when version.schema.openAPIV3Schema is not included"
                }
                false => "selectableFields may only be set when validations.schema is included",
            };
            errors.push(FieldError::invalid(&part.path(""), "", detail));
        }
    }
}
