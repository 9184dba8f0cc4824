//! Structural schemas: what there is stands outside of `allOf`, `anyOf`, `oneOf` and `not`, and each field has a type.

use object::{FieldError, FieldErrors, Path, Value};
use serde_json::json;

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
    if schema.text("type") == "array" && !schema.has("items") {
        errors.push(FieldError::required(&schema.path("items"), "must be specified"));
    }
    parts(schema).for_each(|(level, part)| check_level(&part, level, errors));
    check_additional(schema, level, errors);
    check_extensions(schema, errors);
    check_logic(schema, is_int_or_string(schema), errors);
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
        "type" | "properties" => false,
        _ => !value.is_null() && value != &json!(false),
    };
    if metadata.entries("").any(restrains) || !metadata.entries("properties").all(names) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly \
                      specified";
        errors.push(FieldError::forbidden(&schema.path("properties").key("metadata"), detail));
    }
}

/// Where a schema says of itself that it is a number or a text: in `anyOf`, or in the first of `allOf`.
fn is_int_or_string(schema: &Value) -> Option<&'static str> {
    let either = json!([{ "type": "integer" }, { "type": "string" }]);
    if schema.at("anyOf") == &either {
        return Some("anyOf");
    }
    let first = schema.items("allOf").first()?;
    (first.at("anyOf") == &either).then_some("allOf")
}

/// The schemas that `allOf`, `anyOf`, `oneOf` and `not` of a schema hold; `except` is what is not one of them.
fn logic<'a>(schema: &At<'a>, except: Option<&str>) -> Vec<(At<'a>, Option<&'static str>)> {
    let mut all = Vec::new();
    for field in LOGIC.into_iter().filter(|field| *field != "anyOf" || except != Some("anyOf")) {
        for (i, part) in schema.each(field).enumerate() {
            let inner = (field == "allOf" && i == 0 && except == Some("allOf")).then_some("anyOf");
            all.push((part, inner));
        }
    }
    all.extend(schema.present("not").map(|not| (not, None)));
    all
}

fn check_logic(schema: &At, except: Option<&str>, errors: &mut Errors) {
    logic(schema, except).into_iter().for_each(|(part, except)| check_nested(&part, except, errors));
}

fn check_nested(schema: &At, except: Option<&str>, errors: &mut Errors) {
    check_logic(schema, except, errors);
    let fields = schema.each_entry("properties").map(|(_, field)| field);
    schema.present("items").into_iter().chain(fields).for_each(|part| check_nested(&part, None, errors));
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
    !schema.is_empty(field) && schema.at(field) != &json!(false)
}

/// What logic speaks of is there outside of it, too.
fn check_completeness(schema: &At, errors: &mut Errors) {
    for (part, _) in logic(schema, None) {
        check_told(&part, Some(schema), &schema.path(""), errors);
    }
    parts(schema).for_each(|(_, part)| check_completeness(&part, errors));
}

/// Checks that what `inner` speaks of is in `outer`, which stands at `path`.
fn check_told(inner: &At, outer: Option<&At>, path: &Path, errors: &mut Errors) {
    let Some(outer) = outer else {
        let detail = format!("because it is defined in {}", inner.path("").as_str());
        return errors.push(FieldError::required(path, detail));
    };
    for (part, _) in logic(inner, None) {
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
