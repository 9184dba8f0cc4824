//! What a schema may say at all.

use std::collections::{BTreeSet, HashMap};

use object::{FieldError, Value};

use super::structural;
use crate::rules::{At, Errors, Read};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
/// The formats that are known.
const FORMATS: [&str; 31] = [
    "bsonobjectid",
    "byte",
    "cidr",
    "creditcard",
    "date",
    "date-time",
    "datetime",
    "double",
    "duration",
    "email",
    "float",
    "hexcolor",
    "hostname",
    "int32",
    "int64",
    "ipv4",
    "ipv6",
    "isbn",
    "isbn10",
    "isbn13",
    "k8s-long-name",
    "k8s-short-name",
    "mac",
    "password",
    "rgbcolor",
    "ssn",
    "uri",
    "uuid",
    "uuid3",
    "uuid4",
    "uuid5",
];
const LIST_TYPE: &str = "x-kubernetes-list-type";
const MAP_TYPE: &str = "x-kubernetes-map-type";
const KEYS: &str = "x-kubernetes-list-map-keys";
const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
/// What JSON Schema knows and definitions do not.
const UNSUPPORTED: [&str; 6] =
    ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];
/// What may stand at the root where the status is validated on its own; the names are upstream's.
const AT_ROOT: [&str; 22] = [
    "Description",
    "Type",
    "Format",
    "Title",
    "Maximum",
    "ExclusiveMaximum",
    "Minimum",
    "ExclusiveMinimum",
    "MaxLength",
    "MinLength",
    "Pattern",
    "MaxItems",
    "MinItems",
    "UniqueItems",
    "MultipleOf",
    "Required",
    "Items",
    "Properties",
    "ExternalDocs",
    "Example",
    "XPreserveUnknownFields",
    "XValidations",
];

/// Checks the schema of a version.
pub(super) fn check_root(schema: &At, keeps_status: bool, errors: &mut Errors) {
    if keeps_status {
        check_status_root(schema, errors);
    }
    if schema.flag("nullable") {
        let detail = "nullable cannot be true at the root";
        errors.push(FieldError::forbidden(&schema.path("nullable"), detail));
    }
    structural::check(schema).into_iter().for_each(|error| errors.push(error));
    let meta = ["metadata", "kind", "apiVersion"];
    for (name, field) in schema.each_entry("properties").filter(|(name, _)| meta.contains(name)) {
        let detail = format!("must not be set in top-level {name}");
        check_no_defaults(&field, &detail, errors);
    }
    check(schema, errors);
}

/// The status is cut out of a schema with one; so nothing at the root may be about it.
fn check_status_root(schema: &At, errors: &mut Errors) {
    let is_allowed = |field: &str| match field {
        PRESERVE | "x-kubernetes-validations" => true,
        _ => AT_ROOT.iter().any(|known| known.eq_ignore_ascii_case(field)),
    };
    let kind = schema.text("type");
    if !matches!(kind, "" | "object") {
        let detail = "only \"object\" is allowed as the type at the root of the schema if the status subresource is \
                      enabled";
        errors.push(FieldError::invalid(&schema.path("type"), kind, detail));
    }
    let set = |value: &Value| !value.is_empty("") && value != &Value::Bool(false);
    if schema.entries("").any(|(field, value)| !is_allowed(field) && set(value)) {
        let detail = format!(
            "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
            AT_ROOT.join(" ")
        );
        errors.push(FieldError::invalid(&schema.path(""), schema.show(""), detail));
    }
}

fn check_no_defaults(schema: &At, detail: &str, errors: &mut Errors) {
    errors.forbid_present(schema, "default", detail);
    parts(schema).into_iter().for_each(|part| check_no_defaults(&part, detail, errors));
}

/// All schemas inside of a schema.
fn parts<'a>(schema: &At<'a>) -> Vec<At<'a>> {
    let mut all: Vec<At> = ["additionalProperties", "items", "not"]
        .into_iter()
        .filter_map(|field| schema.present(field))
        .filter(|part| part.is_object())
        .collect();
    all.extend(schema.each_entry("properties").map(|(_, field)| field));
    all.extend(["allOf", "oneOf", "anyOf"].into_iter().flat_map(|field| schema.each(field)));
    all
}

/// The formats of texts that nobody checks.
pub(super) fn unknown_formats(schema: &At, found: &mut Vec<String>) {
    let format = schema.text("format");
    if schema.text("type") == "string" && !format.is_empty() && !FORMATS.contains(&format) {
        found.push(format.to_owned());
    }
    parts(schema).into_iter().for_each(|part| unknown_formats(&part, found));
}

fn check(schema: &At, errors: &mut Errors) {
    check_type(schema, errors);
    for field in UNSUPPORTED {
        errors.forbid(schema, field, &format!("{field} is not supported"));
    }
    if schema.flag("uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(FieldError::forbidden(&schema.path("uniqueItems"), detail));
    }
    let others = schema.at("additionalProperties");
    if !schema.is_empty("properties") && !matches!(others, Value::Null | Value::Bool(true)) {
        let detail = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(&schema.path("additionalProperties"), detail));
    }
    if schema.at(PRESERVE) == &Value::Bool(false) {
        errors.push(FieldError::invalid(&schema.path(PRESERVE), false, "must be true or undefined"));
    }
    check_merge(schema, errors);
    parts(schema).into_iter().for_each(|part| check(&part, errors));
    schema.each("x-kubernetes-validations").for_each(|rule| check_validation(&rule, errors));
}

fn check_type(schema: &At, errors: &mut Errors) {
    let kind = schema.text("type");
    if !kind.is_empty() && !TYPES.contains(&kind) {
        errors.push(FieldError::not_supported(&schema.path("type"), kind, &TYPES));
    }
    if kind == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        errors.push(FieldError::forbidden(&schema.path("type"), detail));
    }
    if schema.at("items").is_array() {
        let detail = "items must be a schema object and not an array";
        errors.push(FieldError::forbidden(&schema.path("items"), detail));
    }
}

/// Checks how lists and maps merge.
fn check_merge(schema: &At, errors: &mut Errors) {
    for (field, kind, known) in
        [(MAP_TYPE, "object", &["granular", "atomic"][..]), (LIST_TYPE, "array", &["atomic", "set", "map"])]
    {
        if schema.has(field) {
            check_is(schema, kind, &format!("must be {kind} if {field} is specified"), errors);
            errors.one_of(schema, field, known);
        }
    }
    match (schema.text(LIST_TYPE), schema.is_empty(KEYS)) {
        ("map", _) => check_list_map(schema, errors),
        (kind, false) => {
            let (path, detail) = (schema.path(LIST_TYPE), format!("must be map if {KEYS} is non-empty"));
            errors.push(match kind {
                "" => FieldError::required(&path, detail),
                _ => FieldError::invalid(&path, kind, detail),
            });
        }
        ("set", true) => check_set(schema, errors),
        _ => {}
    }
}

fn check_is(schema: &At, kind: &str, detail: &str, errors: &mut Errors) {
    let (path, found) = (schema.path("type"), schema.text("type"));
    if found.is_empty() {
        errors.push(FieldError::required(&path, detail));
    } else if found != kind {
        errors.push(FieldError::invalid(&path, found, detail));
    }
}

/// The items of a set are compared as a whole.
fn check_set(schema: &At, errors: &mut Errors) {
    let items = schema.field("items");
    let (field, implied) = match items.text("type") {
        "array" => (LIST_TYPE, "atomic"),
        "object" => (MAP_TYPE, "granular"),
        _ => return check_not_nullable(&items, "set", errors),
    };
    let found = if items.is_empty(field) { implied } else { items.text(field) };
    if found != "atomic" {
        let detail = format!("must be atomic as item of a list with {LIST_TYPE}=set");
        errors.push(FieldError::invalid(&items.path(field), items.show(field), detail));
    }
    check_not_nullable(&items, "set", errors);
}

fn check_not_nullable(items: &At, list: &str, errors: &mut Errors) {
    if items.flag("nullable") {
        let detail = format!("cannot be nullable when {LIST_TYPE} is {list}");
        errors.push(FieldError::forbidden(&items.path("nullable"), detail));
    }
}

/// The items of a list map are told apart by scalars that each has.
fn check_list_map(schema: &At, errors: &mut Errors) {
    if schema.is_empty(KEYS) {
        let detail = format!("must not be empty if {LIST_TYPE} is map");
        errors.push(FieldError::required(&schema.path(KEYS), detail));
    }
    let Some(items) = schema.present("items") else {
        let detail = format!("must have a schema if {LIST_TYPE} is map");
        return errors.push(FieldError::required(&schema.path("items"), detail));
    };
    check_not_nullable(&items, "map", errors);
    if items.text("type") != "object" {
        let detail = format!("must be object if parent array's {LIST_TYPE} is map");
        return errors.push(FieldError::invalid(&items.path("type"), items.text("type"), detail));
    }
    check_keys(schema, &items, errors);
}

fn check_keys(schema: &At, items: &At, errors: &mut Errors) {
    let keys: BTreeSet<&str> = schema.items(KEYS).iter().map(|key| key.text("")).collect();
    let required: BTreeSet<&str> = items.items("required").iter().map(|name| name.text("")).collect();
    let properties: HashMap<&str, At> = items.each_entry("properties").collect();
    for (name, property) in keys.iter().filter_map(|name| properties.get_key_value(name)) {
        check_key(items, required.contains(name), property, errors);
    }
    for (wrong, detail) in [
        (keys.len() < schema.items(KEYS).len(), "must not contain duplicate entries"),
        (
            !keys.iter().all(|name| properties.contains_key(name)),
            "entries must all be names of item properties",
        ),
    ] {
        if wrong {
            errors.push(FieldError::invalid(&schema.path(KEYS), schema.show(KEYS), detail));
        }
    }
}

fn check_key(items: &At, required: bool, property: &At, errors: &mut Errors) {
    if matches!(property.text("type"), "array" | "object") {
        let detail = format!("must be a scalar type if parent array's {LIST_TYPE} is map");
        errors.push(FieldError::invalid(&property.path("type"), items.text("type"), detail));
    }
    if !required && !property.has("default") {
        let detail =
            format!("this property is in {KEYS}, so it must have a default or be a required property");
        errors.push(FieldError::required(&property.path("default"), detail));
    }
    if property.flag("nullable") {
        let detail = format!("this property is in {KEYS}, so it cannot be nullable");
        errors.push(FieldError::forbidden(&property.path("nullable"), detail));
    }
}

/// Checks a rule in CEL, as far as that goes without compiling it.
fn check_validation(rule: &At, errors: &mut Errors) {
    let blank = |field: &str| rule.text(field).trim().is_empty();
    let broken = |field: &str| rule.text(field).trim().contains(['\n', '\r']);
    let required = |field: &str, detail| FieldError::required(&rule.path(field), detail);
    let invalid = |field: &str, detail| FieldError::invalid(&rule.path(field), rule.show(field), detail);
    if blank("rule") {
        errors.push(required("rule", "rule is not specified"));
    } else if !rule.is_empty("message") && blank("message") {
        errors.push(invalid("message", "message must be non-empty if specified"));
    } else if broken("message") {
        errors.push(invalid("message", "message must not contain line breaks"));
    } else if broken("rule") && blank("message") {
        errors.push(required("message", "message must be specified if rule contains line breaks"));
    }
    if !rule.is_empty("messageExpression") && blank("messageExpression") {
        errors.push(required("messageExpression", "messageExpression must be non-empty if specified"));
    }
    errors.one_of(rule, "reason", &REASONS);
    if !rule.is_empty("fieldPath") && blank("fieldPath") {
        errors.push(invalid("fieldPath", "fieldPath must be non-empty if specified"));
    }
    if rule.text("fieldPath").contains(['\n', '\r']) {
        errors.push(invalid("fieldPath", "fieldPath must not contain line breaks"));
    }
}
