//! What a schema may say at all.

use std::collections::{BTreeSet, HashSet};

use object::{FieldError, Value};

use super::prune::META;
use super::{MAX_ERRORS, defaults, expressions, paths, structural};
use crate::rules::{At, Errors, Read};

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
/// The formats that are known, without hyphens.
const FORMATS: [&str; 30] = [
    "bsonobjectid",
    "byte",
    "cidr",
    "creditcard",
    "date",
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
    "k8slongname",
    "k8sshortname",
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
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
/// What JSON Schema knows and definitions do not.
const UNSUPPORTED: [&str; 6] =
    ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];
/// Of how many wrong keys of a list is told: each time, all of its keys are shown.
const MOST_KEYS_TOLD: usize = 16;
/// What an error about the type of a root must stand behind, where there are several.
const BEFORE_TYPE: [&str; 3] = ["id", "$schema", "$ref"];
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
    let before = errors.count_so_far();
    if keeps_status {
        check_status_root(schema, errors);
    }
    if schema.flag("nullable") {
        let detail = "nullable cannot be true at the root";
        errors.push(FieldError::forbidden(&schema.path("nullable"), detail));
    }
    let strange = structural::strange(schema);
    let mut wrong = if strange.is_none() { structural::check(schema) } else { Vec::new() };
    if strange.is_none() && wrong.is_empty() {
        wrong = defaults::check(schema.value(), &schema.path(""));
    }
    let is_complete = strange.is_none() && wrong.is_empty();
    wrong.into_iter().for_each(|error| errors.push(error));
    check(schema, &Context { is_root: true, ..Context::default() }, errors);
    if is_complete {
        expressions::check(schema, errors);
    }
    if let Some(detail) = strange.filter(|_| errors.count_so_far() == before) {
        errors.push(FieldError::invalid(&schema.path(""), "", detail));
    }
}

/// The status is cut out of a schema with one; so nothing at the root may be about it.
fn check_status_root(schema: &At, errors: &mut Errors) {
    let is_allowed = |field: &str| match field {
        PRESERVE | "x-kubernetes-validations" => true,
        _ => AT_ROOT.iter().any(|known| known.eq_ignore_ascii_case(field)),
    };
    let set = |value: &Value| !value.is_empty("") && value != &Value::Bool(false);
    let kind = schema.text("type");
    if !matches!(kind, "" | "object") && !BEFORE_TYPE.iter().any(|field| set(schema.at(field))) {
        let detail = "only \"object\" is allowed as the type at the root of the schema if the status subresource is \
                      enabled";
        return errors.push(FieldError::invalid(&schema.path("type"), kind, detail));
    }
    if schema.entries("").any(|(field, value)| !is_allowed(field) && set(value)) {
        let detail = format!(
            "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
            AT_ROOT.join(" ")
        );
        errors.push(FieldError::invalid(&schema.path(""), schema.show(""), detail));
    }
}

/// What is around a schema.
#[derive(Clone, Default)]
struct Context {
    is_root: bool,
    /// It is about what each resource has.
    is_meta: bool,
    /// Where no default may be.
    without_default: Option<String>,
}

impl Context {
    /// Around the schemas of properties that are not listed.
    fn others(&self) -> Self {
        let why = || "inside additionalProperties applying to object metadata".to_owned();
        Self {
            is_root: false,
            is_meta: self.is_meta,
            without_default: if self.is_meta { Some(why()) } else { self.without_default.clone() },
        }
    }

    /// Around the schema of a property of what this schema describes.
    fn property(&self, schema: &At, name: &str) -> Self {
        let is_meta = (self.is_root || schema.flag(EMBEDDED)) && META.contains(&name);
        let at_top = (is_meta && self.is_root).then(|| format!("in top-level {name}"));
        Self {
            is_root: false,
            is_meta: self.is_meta || is_meta,
            without_default: at_top.or_else(|| self.without_default.clone()),
        }
    }

    /// Around any other schema within.
    fn inside(&self) -> Self {
        Self { is_root: false, ..self.clone() }
    }
}

/// All schemas right inside of a schema.
fn parts(schema: &Value) -> impl Iterator<Item = &Value> {
    let single = ["additionalProperties", "items", "not"].into_iter().map(|field| schema.at(field));
    let lists = ["allOf", "oneOf", "anyOf"].into_iter().flat_map(|field| schema.items(field));
    let fields = schema.entries("properties").map(|(_, field)| field);
    single.filter(|part| part.is_object()).chain(fields).chain(lists)
}

/// Whether a schema has defaults anywhere.
pub(super) fn has_defaults(schema: &Value) -> bool {
    schema.has("default") || parts(schema).any(has_defaults)
}

/// The formats of texts that nobody checks.
pub(super) fn unknown_formats(schema: &Value, found: &mut Vec<String>) {
    let format = schema.text("format");
    if schema.text("type") == "string" && !format.is_empty() && !FORMATS.contains(&&*format.replace('-', ""))
    {
        found.push(format.to_owned());
    }
    parts(schema).for_each(|part| unknown_formats(part, found));
}

fn check(schema: &At, context: &Context, errors: &mut Errors) {
    if errors.count_so_far() >= MAX_ERRORS {
        return;
    }
    check_standard(schema, context, errors);
    if schema.flag("uniqueItems") {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(FieldError::forbidden(&schema.path("uniqueItems"), detail));
    }
    let others = schema.at("additionalProperties");
    if !schema.is_empty("properties") && !matches!(others, Value::Null | Value::Bool(true)) {
        let detail = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(&schema.path("additionalProperties"), detail));
    }
    if others.is_object() {
        check(&schema.field("additionalProperties"), &context.others(), errors);
    }
    for (name, field) in schema.each_entry("properties") {
        check(&field, &context.property(schema, name), errors);
    }
    let inside = context.inside();
    let lists = ["allOf", "oneOf", "anyOf"].into_iter().flat_map(|field| schema.each(field));
    for part in schema.present("not").into_iter().chain(lists) {
        check(&part, &inside, errors);
    }
    if let Some(items) = schema.present("items").filter(|items| items.is_object()) {
        check(&items, &inside, errors);
    }
    if schema.at(PRESERVE) == &Value::Bool(false) {
        errors.push(FieldError::invalid(&schema.path(PRESERVE), false, "must be true or undefined"));
    }
    check_merge(schema, errors);
    for rule in schema.each("x-kubernetes-validations") {
        check_validation(&rule, errors);
        let path = rule.text("fieldPath");
        if !path.is_empty() && paths::find(schema, path, true).is_err() {
            let detail = "fieldPath must be a valid path";
            errors.push(FieldError::invalid(&rule.path("fieldPath"), path, detail));
        }
    }
}

/// Checks what JSON Schema would allow and definitions do not.
fn check_standard(schema: &At, context: &Context, errors: &mut Errors) {
    let kind = schema.text("type");
    if !kind.is_empty() && !TYPES.contains(&kind) {
        errors.push(FieldError::not_supported(&schema.path("type"), kind, &TYPES));
    }
    if let Some(why) = &context.without_default {
        errors.forbid_present(schema, "default", &format!("must not be set {why}"));
    }
    for field in UNSUPPORTED {
        errors.forbid(schema, field, &format!("{field} is not supported"));
    }
    if kind == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        errors.push(FieldError::forbidden(&schema.path("type"), detail));
    }
    if schema.at("items").is_array() {
        let detail = "items must be a schema object and not an array";
        errors.push(FieldError::forbidden(&schema.path("items"), detail));
    }
    if context.is_meta && schema.flag(EMBEDDED) {
        errors
            .push(FieldError::forbidden(&schema.path(EMBEDDED), "must not be used inside of resource meta"));
    }
}

/// Checks how lists and maps merge.
fn check_merge(schema: &At, errors: &mut Errors) {
    for (field, kind, known) in
        [(MAP_TYPE, "object", &["atomic", "granular"][..]), (LIST_TYPE, "array", &["atomic", "set", "map"])]
    {
        if schema.has(field) {
            let is_kind = check_is(schema, kind, &format!("must be {kind} if {field} is specified"), errors);
            if is_kind && schema.text(field) == "set" {
                check_set(schema, errors);
            }
            if !known.contains(&schema.text(field)) {
                errors.push(FieldError::not_supported(&schema.path(field), schema.text(field), known));
            }
        }
    }
    let kind = schema.text(LIST_TYPE);
    if !schema.is_empty(KEYS) && kind != "map" {
        let (path, detail) = (schema.path(LIST_TYPE), format!("must be map if {KEYS} is non-empty"));
        errors.push(match kind {
            "" => FieldError::required(&path, detail),
            _ => FieldError::invalid(&path, kind, detail),
        });
    }
    if kind == "map" {
        check_list_map(schema, errors);
    }
    if matches!(kind, "set" | "map") && schema.at("items").is_object() {
        check_items(schema, kind, errors);
    }
}

/// Checks the type. Says whether it is right.
fn check_is(schema: &At, kind: &str, detail: &str, errors: &mut Errors) -> bool {
    let (path, found) = (schema.path("type"), schema.text("type"));
    if found.is_empty() {
        errors.push(FieldError::required(&path, detail));
    } else if found != kind {
        errors.push(FieldError::invalid(&path, found, detail));
    }
    found == kind
}

/// The items of a set are compared as a whole.
fn check_set(schema: &At, errors: &mut Errors) {
    let items = schema.field("items");
    let (field, implied) = match items.text("type") {
        "array" => (LIST_TYPE, "atomic"),
        "object" => (MAP_TYPE, "granular"),
        _ => return,
    };
    let merge = if items.is_empty(field) { implied } else { items.text(field) };
    if merge != "atomic" {
        let detail = format!("must be atomic as item of a list with {LIST_TYPE}=set");
        // of an object, too, the type of a list is shown, which it has not
        errors.push(FieldError::invalid(&items.path(field), items.show(LIST_TYPE), detail));
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
    if !items.is_object() {
        let detail = format!("must only have a single schema if {LIST_TYPE} is map");
        return errors.push(FieldError::invalid(&items.path(""), items.show(""), detail));
    }
    if items.text("type") != "object" {
        let detail = format!("must be object if parent array's {LIST_TYPE} is map");
        return errors.push(FieldError::invalid(&items.path("type"), items.text("type"), detail));
    }
    let (mut seen, before) = (HashSet::new(), errors.count_so_far());
    for key in schema.items(KEYS).iter().map(|key| key.text("")) {
        check_key(schema, &items, key, seen.insert(key), errors);
        if errors.count_so_far() > before + MOST_KEYS_TOLD {
            return;
        }
    }
}

fn check_key(schema: &At, items: &At, key: &str, is_first: bool, errors: &mut Errors) {
    let keys = |detail| FieldError::invalid(&schema.path(KEYS), schema.show(KEYS), detail);
    match items.at("properties").get(key).map(|property| property.text("type")) {
        Some("array" | "object") => {
            let detail = format!("must be a scalar type if parent array's {LIST_TYPE} is map");
            let path = items.path("properties").key(key).child("type");
            errors.push(FieldError::invalid(&path, items.text("type"), detail));
        }
        Some(_) => {}
        None => errors.push(keys("entries must all be names of item properties")),
    }
    if !is_first {
        errors.push(keys("must not contain duplicate entries"));
    }
}

/// Checks that each item is there, and so is what it is told apart by.
fn check_items(schema: &At, kind: &str, errors: &mut Errors) {
    let items = schema.field("items");
    if items.flag("nullable") {
        let detail = format!("cannot be nullable when {LIST_TYPE} is {kind}");
        errors.push(FieldError::forbidden(&items.path("nullable"), detail));
    }
    if kind != "map" {
        return;
    }
    let required: BTreeSet<&str> = items.items("required").iter().map(|name| name.text("")).collect();
    for key in schema.items(KEYS).iter().map(|key| key.text("")) {
        let Some(property) = items.at("properties").get(key) else { continue };
        let path = items.path("properties").key(key);
        if !required.contains(key) && !property.has("default") {
            let detail =
                format!("this property is in {KEYS}, so it must have a default or be a required property");
            errors.push(FieldError::required(&path.child("default"), detail));
        }
        if property.flag("nullable") {
            let detail = format!("this property is in {KEYS}, so it cannot be nullable");
            errors.push(FieldError::forbidden(&path.child("nullable"), detail));
        }
    }
}

/// Checks what a rule says beside its expression.
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
