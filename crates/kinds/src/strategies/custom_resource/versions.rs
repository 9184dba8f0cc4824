//! Versions of a custom resource.

use std::collections::HashSet;

use object::{FieldError, Value};

use super::{columns, openapi};
use crate::rules::{At, Errors, Read};

const LONGEST_WARNING: usize = 256;

/// What versions may have in common, and where errors in it are told of then.
const SHARED: [(&str, &str); 4] = [
    ("schema", "validation"),
    ("subresources", "subresources"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    ("selectableFields", "selectableFields"),
];

/// Checks the versions of a spec.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    if spec.flag("preserveUnknownFields") {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in \
                      spec.versions[*].schema instead";
        errors.push(FieldError::invalid(&spec.path("preserveUnknownFields"), true, detail));
    }
    for version in spec.each("versions") {
        check_version(&version, errors);
    }
    check_together(spec, errors);
    for (field, shared) in SHARED {
        check_part(spec, field, shared, errors);
    }
}

fn check_version(version: &At, errors: &mut Errors) {
    errors.obey_joined(&version.path("name"), version.text("name"), object::dns1035_label);
    if !version.has("schema.openAPIV3Schema") {
        let path = version.path("schema.openAPIV3Schema");
        errors.push(FieldError::required(&path, "schemas are required"));
    }
    if let Some(warning) = version.present("deprecationWarning") {
        check_warning(&warning, version.flag("deprecated"), errors);
    }
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
    if let Some((i, _)) = text.char_indices().find(|(_, c)| c.is_control()) {
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

/// Checks a part of each version; what all agree on is checked once.
fn check_part(spec: &At, field: &str, shared: &str, errors: &mut Errors) {
    let versions = spec.items("versions");
    let keeps_status = |version: &Value| version.has("subresources.status");
    let agree = versions.iter().all(|version| version.at(field) == versions[0].at(field));
    let any_status = versions.iter().any(keeps_status);
    for version in spec.each("versions").take(if agree { 1 } else { usize::MAX }) {
        let path = if agree { spec.path(shared) } else { version.path(field) };
        let part = version.field(field).placed(path);
        let status = if agree { any_status } else { keeps_status(&version) };
        check_one(&part, field, status, version.at("schema.openAPIV3Schema"), errors);
    }
}

fn check_one(part: &At, field: &str, keeps_status: bool, schema: &Value, errors: &mut Errors) {
    match field {
        "schema" => {
            if let Some(schema) = part.present("openAPIV3Schema") {
                openapi::check_root(&schema, keeps_status, errors);
            }
        }
        "subresources" => columns::check_scale(&part.field("scale"), errors),
        "additionalPrinterColumns" => part.each("").for_each(|column| columns::check(&column, errors)),
        _ => columns::check_selectable(part, schema, errors),
    }
}
