//! Structural schemas: what there is stands outside of `allOf`, `anyOf`, `oneOf` and `not`, and each field has a type.

use object::{FieldError, FieldErrors, Path, Value};
use serde_json::json;

use super::MAX_ERRORS;
use super::pattern::Pattern;
use crate::rules::{At, Errors, Read};

const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const LOGIC: [&str; 3] = ["anyOf", "allOf", "oneOf"];

/// What may not stand inside of logic, and how that is told.
const OUTSIDE: [(&str, &str); 13] = [
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    ("externalDocs", "must be undefined to be structural"),
    (PRESERVE, "must be false to be structural"),
    (EMBEDDED, "must be false to be structural"),
    (INT_OR_STRING, "must be false to be structural"),
    ("x-kubernetes-list-map-keys", "must be empty to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
    ("x-kubernetes-map-type", "must be undefined to be structural"),
];

/// Where a schema stands.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

impl Level {
    /// How a missing type is told.
    fn untyped(self) -> &'static str {
        match self {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        }
    }
}

/// What a structural schema cannot have anywhere, and how that is told.
const STRANGE: [(&str, &str); 7] = [
    ("id", "OpenAPIV3Schema 'id' is not supported"),
    ("$schema", "OpenAPIV3Schema 'schema' is not supported"),
    ("$ref", "OpenAPIV3Schema '$ref' is not supported"),
    ("patternProperties", "OpenAPIV3Schema 'patternProperties' is not supported"),
    ("dependencies", "OpenAPIV3Schema 'dependencies' is not supported"),
    ("additionalItems", "OpenAPIV3Schema 'additionalItems' is not supported"),
    ("definitions", "OpenAPIV3Schema 'definitions' is not supported"),
];

/// What a schema has somewhere that no structural one has. Nothing else is said about its structure then.
pub(super) fn strange(schema: &Value) -> Option<&'static str> {
    if let Some((_, detail)) = STRANGE.iter().find(|(field, _)| !schema.is_empty(field)) {
        return Some(detail);
    }
    if schema.at(PRESERVE) == &json!(false) {
        return Some("internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined");
    }
    if !schema.items("items").is_empty() {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array");
    }
    let lists = LOGIC.iter().flat_map(|field| schema.items(field));
    let fields = schema.entries("properties").map(|(_, field)| field);
    let single = ["not", "items", "additionalProperties"].into_iter().map(|field| schema.at(field));
    lists.chain(fields).chain(single.filter(|part| part.is_object())).find_map(strange)
}

/// What keeps a schema from being structural, sorted by text.
pub(super) fn check(schema: &At) -> FieldErrors {
    let mut errors = Errors::new();
    check_level(schema, Level::Root, &mut errors);
    check_completeness(schema, &mut errors);
    let mut errors = errors.done();
    errors.sort_by_cached_key(ToString::to_string);
    errors
}

/// The schemas of the parts of an object or a list.
fn parts<'a>(schema: &At<'a>) -> impl Iterator<Item = (Level, At<'a>)> + use<'a> {
    let one = |field: &str| schema.present(field).filter(|part| part.is_object());
    let items = one("items").map(|items| (Level::Item, items));
    let others = one("additionalProperties").map(|others| (Level::Field, others));
    let fields = schema.each_entry("properties").map(|(_, field)| (Level::Field, field));
    items.into_iter().chain(others).chain(fields)
}

fn check_level(schema: &At, level: Level, errors: &mut Errors) {
    if errors.count_so_far() >= MAX_ERRORS {
        return;
    }
    if schema.text("type") == "array" && !schema.has("items") {
        errors.push(FieldError::required(&schema.path("items"), "must be specified"));
    }
    parts(schema).for_each(|(level, part)| check_level(&part, level, errors));
    check_additional(schema, level, errors);
    check_extensions(schema, errors);
    check_logic(schema, Exceptions::of(schema), errors);
    check_type(schema, level, errors);
    if level == Level::Root || schema.flag(EMBEDDED) {
        check_meta(schema, level, errors);
    }
    if schema.flag(EMBEDDED) && !schema.flag(PRESERVE) && schema.is_empty("properties") {
        let detail = format!("must not be empty if {EMBEDDED} is true without {PRESERVE}");
        errors.push(FieldError::required(&schema.path("properties"), detail));
    }
}

fn check_additional(schema: &At, level: Level, errors: &mut Errors) {
    if level == Level::Root {
        errors.forbid_present(schema, "additionalProperties", "must not be used at the root");
    }
    if schema.flag(EMBEDDED) {
        let detail = format!("must not be used if {EMBEDDED} is set");
        errors.forbid_present(schema, "additionalProperties", &detail);
    }
}

fn check_extensions(schema: &At, errors: &mut Errors) {
    for field in [PRESERVE, EMBEDDED] {
        if schema.flag(INT_OR_STRING) && schema.flag(field) {
            let detail = format!("must be false if {INT_OR_STRING} is true");
            errors.push(FieldError::invalid(&schema.path(field), true, detail));
        }
    }
}

fn check_type(schema: &At, level: Level, errors: &mut Errors) {
    let (path, kind) = (schema.path("type"), schema.text("type"));
    let embedded = format!("must be object if {EMBEDDED} is true");
    match kind {
        "" if schema.flag(EMBEDDED) => errors.push(FieldError::required(&path, embedded)),
        "" if !schema.flag(INT_OR_STRING) && !schema.flag(PRESERVE) => {
            errors.push(FieldError::required(&path, level.untyped()));
        }
        "" | "object" => {}
        _ if schema.flag(EMBEDDED) => errors.push(FieldError::invalid(&path, kind, embedded)),
        _ => {}
    }
    if level == Level::Root && !matches!(kind, "" | "object") {
        errors.push(FieldError::invalid(&path, kind, "must be object at the root"));
    }
}

/// What every object has is said by the server.
fn check_meta(schema: &At, level: Level, errors: &mut Errors) {
    for (name, kind) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
        let field = schema.at("properties").get(name).map(|field| field.text("type"));
        if let Some(found) = field.filter(|found| *found != kind) {
            let path = schema.path("properties").key(name).child("type");
            errors.push(FieldError::invalid(&path, found, format!("must be {kind}")));
        }
    }
    let Some(metadata) = schema.at("properties").get("metadata").filter(|_| level == Level::Root) else {
        return;
    };
    let names = |(name, _): (&str, &Value)| matches!(name, "name" | "generateName");
    let restrains = |(field, value): (&str, &Value)| match field {
        "type" | "properties" | "default" => false,
        _ => !value.is_null() && value != &json!(false),
    };
    if metadata.entries("").any(restrains) || !metadata.entries("properties").all(names) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly \
                      specified";
        errors.push(FieldError::forbidden(&schema.path("properties").key("metadata"), detail));
    }
}

/// What need not be outside of logic: that a value is a number or a text.
#[derive(Clone, Copy, Default)]
struct Exceptions {
    /// In `anyOf`.
    any_of: bool,
    /// In `anyOf` of the first of `allOf`.
    all_of: bool,
}

impl Exceptions {
    fn of(schema: &Value) -> Self {
        let either = json!([{ "type": "integer" }, { "type": "string" }]);
        let first = schema.items("allOf").first().map(|first| first.at("anyOf"));
        Self { any_of: schema.at("anyOf") == &either, all_of: first == Some(&either) }
    }
}

/// The schemas that `allOf`, `anyOf`, `oneOf` and `not` of a schema hold, but for exceptions.
fn logic<'a>(schema: &At<'a>, except: Exceptions) -> Vec<(At<'a>, Exceptions)> {
    let mut all = Vec::new();
    for field in LOGIC.into_iter().filter(|field| *field != "anyOf" || !except.any_of) {
        for (i, part) in schema.each(field).enumerate() {
            let any_of = field == "allOf" && i == 0 && except.all_of;
            all.push((part, Exceptions { any_of, all_of: false }));
        }
    }
    all.extend(schema.present("not").map(|not| (not, Exceptions::default())));
    all
}

fn check_logic(schema: &At, except: Exceptions, errors: &mut Errors) {
    logic(schema, except).into_iter().for_each(|(part, except)| check_nested(&part, except, errors));
    let pattern = schema.text("pattern");
    if let Some(wrong) = Pattern::read(pattern).err().filter(|_| !pattern.is_empty()) {
        let detail = format!("must be a valid regular expression, but isn't: {wrong}");
        errors.push(FieldError::invalid(&schema.path("pattern"), pattern, detail));
    }
}

fn check_nested(schema: &At, except: Exceptions, errors: &mut Errors) {
    if errors.count_so_far() >= MAX_ERRORS {
        return;
    }
    check_logic(schema, except, errors);
    let fields = schema.each_entry("properties").map(|(_, field)| field);
    let parts = schema.present("items").into_iter().chain(fields);
    parts.for_each(|part| check_nested(&part, Exceptions::default(), errors));
    for (field, detail) in OUTSIDE.into_iter().filter(|(field, _)| is_set(schema, field)) {
        errors.push(FieldError::forbidden(&schema.path(field), detail));
    }
    if !schema.is_empty("x-kubernetes-validations") {
        let detail = "must be empty to be structural";
        errors.push(FieldError::forbidden(&schema.path("x-kubernetes-validations"), detail));
    }
    if schema.at("properties").get("metadata").is_some() {
        let path = schema.path("properties").key("metadata");
        errors.push(FieldError::forbidden(&path, "must not be specified in a nested context"));
    }
}

fn is_set(schema: &Value, field: &str) -> bool {
    let value = schema.at(field);
    match field {
        "additionalProperties" | "default" => !value.is_null(),
        _ => !value.is_empty("") && value != &json!(false),
    }
}

/// What logic at the root speaks of is there outside of it, too.
fn check_completeness(schema: &At, errors: &mut Errors) {
    for (part, _) in logic(schema, Exceptions::default()) {
        check_told(&part, Some(schema), &schema.path(""), errors);
    }
}

/// Checks that what `inner` speaks of is in `outer`, which stands at `path`.
fn check_told(inner: &At, outer: Option<&At>, path: &Path, errors: &mut Errors) {
    if errors.count_so_far() >= MAX_ERRORS {
        return;
    }
    let Some(outer) = outer else {
        let detail = format!("because it is defined in {}", inner.path("").as_str());
        return errors.push(FieldError::required(path, detail));
    };
    for (part, _) in logic(inner, Exceptions::default()) {
        check_told(&part, Some(outer), path, errors);
    }
    if let Some(items) = inner.present("items") {
        check_told(&items, outer.present("items").as_ref(), &path.child("items"), errors);
    }
    for (name, field) in inner.each_entry("properties") {
        let path = path.child("properties").key(name);
        let known = outer.at("properties").get(name).map(|known| At::root(known).placed(path.clone()));
        check_told(&field, known.as_ref(), &path, errors);
    }
}
