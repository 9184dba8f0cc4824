//! Defaults in the schemas of custom resources, and what else a schema may be.

use std::time::{Duration, Instant};

use super::extensions::{check_definition, check_schema, definition, version};
use super::*;

/// Checks a default of a property of this schema.
fn check(mut schema: Value, default: Value, expect: &[&str]) {
    let texts: Vec<String> = expect.iter().map(|text| format!(".default{text}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    schema["default"] = default;
    check_schema(schema, &texts);
}

/// Checks a schema of the one version.
fn check_root(schema: Value, expect: &[&str]) {
    let texts: Vec<String> =
        expect.iter().map(|text| format!("spec.validation.openAPIV3Schema{text}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut one = version(json!({}));
    one["schema"]["openAPIV3Schema"] = schema;
    check_definition(json!({ "versions": [one] }), &texts);
}

#[test]
fn defaults_are_of_the_type() {
    let of = |kind: &str| json!({ "type": kind });
    check(of("string"), json!("x"), &[]);
    check(of("integer"), json!(1), &[]);
    check(of("integer"), json!(1.0), &[]);
    check(of("number"), json!(1), &[]);
    check(of("boolean"), json!(false), &[]);
    check(of("object"), json!({}), &[]);
    let wrong = |kind: &str, found: &str| {
        format!(": Invalid value: \"{found}\":  in body must be of type {kind}: \"{found}\"")
    };
    check(of("string"), json!(1), &[&wrong("string", "integer")]);
    check(of("integer"), json!("1"), &[&wrong("integer", "string")]);
    check(of("integer"), json!(1.5), &[&wrong("integer", "number")]);
    check(of("number"), json!(true), &[&wrong("number", "boolean")]);
    check(of("boolean"), json!({}), &[&wrong("boolean", "object")]);
    check(of("object"), json!([]), &[&wrong("object", "array")]);
    let int32 = json!({ "type": "integer", "format": "int32" });
    check(int32.clone(), json!(5_000_000_000_i64), &[]);
    check(
        int32.clone(),
        json!(1.5),
        &[": Invalid value: \"float64\":  in body must be of type int32: \"float64\""],
    );
    check(int32, json!("1"), &[&wrong("integer", "string")]);
    let date = json!({ "type": "string", "format": "date" });
    check(date.clone(), json!("2024-02-29"), &[]);
    check(
        date.clone(),
        json!("2024-02-30"),
        &[": Invalid value: \"2024-02-30\":  in body must be of type date: \"2024-02-30\""],
    );
    check(date, json!(true), &[": Invalid value: \"\":  in body must be of type date: \"\""]);
    check(json!({ "type": "string", "format": "colour" }), json!("red"), &[]);
    let either =
        json!({ "x-kubernetes-int-or-string": true, "anyOf": [{ "type": "integer" }, { "type": "string" }] });
    check(either.clone(), json!(1), &[]);
    check(either.clone(), json!("1"), &[]);
    check(
        either,
        json!(true),
        &[
            ": Invalid value: \"\": \"\" must validate at least one schema (anyOf)",
            &wrong("integer", "boolean"),
        ],
    );
}

#[test]
fn defaults_are_within_limits() {
    let text = |schema: Value, default: &str, wrong: &str| {
        let expect = format!(": Invalid value: {default:?}:  in body should {wrong}");
        check(changed(json!({ "type": "string" }), &schema), json!(default), &[&expect]);
    };
    text(json!({ "minLength": 3 }), "äö", "be at least 3 chars long");
    text(json!({ "pattern": "^a{,2}$" }), "aa", "match '^a{,2}$'");
    check(json!({ "type": "string", "maxLength": 2 }), json!("äö"), &[]);
    check(
        json!({ "type": "string", "maxLength": 2, "pattern": "x" }),
        json!("abc"),
        &[": Too long: may not be more than 2 bytes"],
    );
    check(json!({ "type": "string", "maxLength": -2 }), json!("abc"), &[": Too long: value is too long"]);
    let number = |schema: Value, default: Value, shown: &str, wrong: &str| {
        let expect = format!(": Invalid value: {shown}:  in body should be {wrong}");
        check(changed(json!({ "type": "number" }), &schema), default, &[&expect]);
    };
    number(json!({ "minimum": 1 }), json!(0), "0", "greater than or equal to 1");
    number(json!({ "minimum": 1, "exclusiveMinimum": true }), json!(1), "1", "greater than 1");
    number(json!({ "maximum": 1 }), json!(2), "2", "less than or equal to 1");
    number(json!({ "maximum": 1.5 }), json!(2.0), "2", "less than or equal to 1.5");
    number(
        json!({ "maximum": 1_000_000, "exclusiveMaximum": true }),
        json!(2e6),
        "2000000",
        "less than 1e+06",
    );
    number(json!({ "multipleOf": 3 }), json!(4), "4", "a multiple of 3");
    number(json!({ "multipleOf": 0.1 }), json!(0.25), "0.25", "a multiple of 0.1");
    number(json!({ "multipleOf": 0 }), json!(1), "1", "a multiple of 0");
    for (schema, default) in [
        (json!({ "multipleOf": 0.1 }), json!(0.3)),
        (json!({ "multipleOf": 0.5 }), json!(2)),
        (json!({ "minimum": 1, "maximum": 1 }), json!(1)),
        (json!({ "minimum": 1.5 }), json!(1)),
    ] {
        check(changed(json!({ "type": "number" }), &schema), default, &[]);
    }
    check(
        json!({ "type": "integer", "multipleOf": -2, "minimum": 5 }),
        json!(4),
        &[
            ": Invalid value: -2: factor MultipleOf declared for  must be positive: -2",
            ": Invalid value: 4:  in body should be greater than or equal to 5",
        ],
    );
    let list = json!({ "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 3 });
    check(list.clone(), json!([1, 2]), &[]);
    check(list.clone(), json!([1]), &[": Invalid value: 1:  in body should have at least 2 items"]);
    check(list.clone(), json!([1, 2, 3, 4]), &[": Too many: 4: must have at most 3 items"]);
    check(
        list,
        json!(["x", 1]),
        &[".[0]: Invalid value: \"string\": [0] in body must be of type integer: \"string\""],
    );
    let map = json!({ "type": "object", "additionalProperties": { "type": "integer" }, "minProperties": 1, "maxProperties": 2 });
    check(map.clone(), json!({ "a": 1 }), &[]);
    check(map.clone(), json!({}), &[": Invalid value: 0:  in body should have at least 1 properties"]);
    check(map.clone(), json!({ "a": 1, "b": 1, "c": "x" }), &[": Too many: 3: must have at most 2 items"]);
    check(
        map,
        json!({ "a": "x" }),
        &[".a: Invalid value: \"string\": .a in body must be of type integer: \"string\""],
    );
}

#[test]
fn defaults_are_what_is_allowed() {
    let list = json!({ "type": "string", "enum": ["a", "b"] });
    check(list.clone(), json!("a"), &[]);
    check(list, json!("c"), &[": Unsupported value: \"c\": supported values: \"a\", \"b\""]);
    let numbers = json!({ "type": "number", "enum": [1.0, 2.5] });
    check(numbers.clone(), json!(1), &[]);
    check(numbers.clone(), json!(1.0), &[]);
    check(numbers, json!(3), &[": Unsupported value: 3: supported values: \"1\", \"2.5\""]);
    let object =
        json!({ "type": "object", "properties": { "a": { "type": "integer" } }, "enum": [{ "a": 1 }] });
    check(object.clone(), json!({ "a": 1 }), &[]);
    check(
        object,
        json!({ "a": 2 }),
        &[": Unsupported value: {\"a\":2}: supported values: \"{\\\"a\\\":1}\""],
    );
    check(
        json!({ "type": "object", "properties": { "a": { "type": "string", "nullable": true, "enum": ["x"] } } }),
        json!({ "a": null }),
        &[".a: Unsupported value: null: supported values: \"x\""],
    );
}

#[test]
fn defaults_are_complete() {
    let object = json!({
        "type": "object",
        "required": ["a", "b"],
        "properties": { "a": { "type": "string", "default": "x" }, "b": { "type": "string" }, "n": { "type": "string", "nullable": true } },
    });
    check(object.clone(), json!({ "a": "x", "b": "y", "n": null }), &[]);
    // what is nested is not defaulted first
    check(object.clone(), json!({ "b": "y" }), &[".a: Required value"]);
    check(
        object.clone(),
        json!({ "b": null }),
        &[".b: Invalid value: \"null\": b in body must be of type string: \"null\"", ".a: Required value"],
    );
    check(
        object.clone(),
        json!({ "a": "x", "b": "y", "c": 1 }),
        &[": Invalid value: {\"a\":\"x\",\"b\":\"y\",\"c\":1}: must not have unknown fields"],
    );
    let keeps = json!({ "x-kubernetes-preserve-unknown-fields": true });
    check(changed(object.clone(), &keeps), json!({ "a": "x", "b": "y", "c": 1 }), &[]);
    let inside =
        json!({ "type": "object", "properties": { "o": object, "l": { "type": "array", "items": object } } });
    check(
        inside,
        json!({ "o": { "a": 1 }, "l": [{ "a": "x", "b": 1 }] }),
        &[
            ".l[0].b: Invalid value: \"integer\": l[0].b in body must be of type string: \"integer\"",
            ".o.a: Invalid value: \"integer\": o.a in body must be of type string: \"integer\"",
            ".o.b: Required value",
        ],
    );
    check(
        json!({ "type": "object", "additionalProperties": false }),
        json!({ "a": 1 }),
        &[": Invalid value: \"a\": .a in body is a forbidden property"],
    );
}

#[test]
fn defaults_obey_logic() {
    let object = |logic: Value| {
        let known = json!({ "type": "object", "properties": { "a": { "type": "integer" }, "b": { "type": "string" } } });
        changed(known, &logic)
    };
    let small = json!({ "properties": { "a": { "maximum": 1 } } });
    let named = json!({ "required": ["b"] });
    let invalid = |what: &str| format!(": Invalid value: \"\": \"\" must {what}");
    let large = ".a: Invalid value: 5: a in body should be less than or equal to 1";
    check(object(json!({ "anyOf": [small, named] })), json!({ "a": 5, "b": "x" }), &[]);
    check(
        object(json!({ "anyOf": [small, named] })),
        json!({ "a": 5 }),
        &[&invalid("validate at least one schema (anyOf)"), large],
    );
    check(object(json!({ "oneOf": [small, named] })), json!({ "a": 1 }), &[]);
    check(
        object(json!({ "oneOf": [small, named] })),
        json!({ "a": 1, "b": "x" }),
        &[&invalid("validate one and only one schema (oneOf). Found 2 valid alternatives")],
    );
    check(
        object(json!({ "oneOf": [named, small] })),
        json!({ "a": 5 }),
        &[&invalid("validate one and only one schema (oneOf). Found none valid"), large],
    );
    check(
        object(json!({ "allOf": [small, named] })),
        json!({ "a": 5, "b": "x" }),
        &[large, &invalid("validate all the schemas (allOf)")],
    );
    check(
        object(json!({ "allOf": [small, named] })),
        json!({ "a": 5 }),
        &[large, ".b: Required value", &invalid("validate all the schemas (allOf). None validated")],
    );
    check(object(json!({ "not": named })), json!({ "b": "x" }), &[&invalid("not validate the schema (not)")]);
    let within = json!({ "properties": { "b": { "not": { "enum": ["x"] } } } });
    check(
        object(json!({ "allOf": [within, within] })),
        json!({ "b": "x" }),
        &[
            ": Invalid value: \"\": \"b\" must not validate the schema (not)",
            &invalid("validate all the schemas (allOf). None validated"),
        ],
    );
}

#[test]
fn defaults_may_be_resources() {
    let resource = json!({
        "type": "object", "x-kubernetes-embedded-resource": true,
        "properties": { "metadata": { "type": "object", "properties": { "name": { "type": "string", "pattern": "^a" } } }, "spec": { "type": "object" } },
    });
    let good = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "ab", "labels": { "a": "b" }, "x": 1 }, "spec": {} });
    check(resource.clone(), good.clone(), &[]);
    check(
        resource.clone(),
        json!({ "spec": {}, "status": {} }),
        &[
            ": Invalid value: {\"spec\":{},\"status\":{}}: must not have unknown fields",
            ".apiVersion: Required value",
            ".kind: Required value",
        ],
    );
    let wrong =
        |changes: Value, expect: &[&str]| check(resource.clone(), changed(good.clone(), &changes), expect);
    wrong(json!({ "kind": 1 }), &[".kind: Invalid value: 1: must be a string"]);
    wrong(
        json!({ "apiVersion": "a/b/c", "kind": "a b" }),
        &[
            ".apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
            &format!(
                ".kind: Invalid value: \"a b\": may have mixed case, but should otherwise match: {}",
                object::dns1035_label("a b")[0]
            ),
        ],
    );
    wrong(
        json!({ "metadata": { "labels": "x", "x": null } }),
        &[
            ".metadata: Invalid value: {\"labels\":\"x\",\"name\":\"ab\"}: json: cannot unmarshal string into Go struct field ObjectMeta.labels of type map[string]string",
        ],
    );
    wrong(
        json!({ "metadata": { "name": "b/" } }),
        &[".metadata.name: Invalid value: \"b/\": may not contain '/'"],
    );
    wrong(
        json!({ "metadata": { "name": "b" } }),
        &[".metadata.name: Invalid value: \"b\": metadata.name in body should match '^a'"],
    );
    let list = json!({ "type": "array", "items": resource });
    check(list, json!([{ "kind": "Pod" }]), &["[0].apiVersion: Required value"]);
}

#[test]
fn defaults_of_metadata_make_it_right() {
    let meta = |metadata: Value| {
        json!({
            "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true,
            "properties": {
                "apiVersion": { "type": "string", "default": "a/b/c" },
                "kind": { "type": "string", "default": 1 },
                "metadata": { "type": "object", "properties": metadata },
            },
        })
    };
    let kind =
        ".properties[kind].default: Invalid value: \"integer\":  in body must be of type string: \"integer\"";
    check_schema(
        meta(
            json!({ "name": { "type": "string", "default": "a" }, "labels": { "type": "object", "default": { "a": "b" } } }),
        ),
        &[kind],
    );
    check_schema(
        meta(json!({
            "name": { "type": "string", "default": "." },
            "finalizers": { "type": "array", "items": { "type": "string", "default": "a b" } },
            "labels": { "type": "object", "default": { "a": 1 } },
        })),
        &[
            kind,
            &format!(
                ".properties[metadata].properties[finalizers].items.default: Invalid value: \"a b\": must result in valid metadata: metadata.finalizers: Invalid value: \"a b\": {}",
                object::qualified_name("a b")[0]
            ),
            ".properties[metadata].properties[labels].default: Invalid value: {\"a\":1}: must result in valid metadata: metadata: Invalid value: {\"labels\":{\"a\":1}}: json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string",
            ".properties[metadata].properties[name].default: Invalid value: \".\": must result in valid metadata: metadata.name: Invalid value: \".\": may not be '.'",
        ],
    );
    check_schema(
        meta(json!({ "labels": { "type": "object", "default": { "-": "+" } } })),
        &[
            kind,
            &format!(
                ".properties[metadata].properties[labels].default: Invalid value: {{\"-\":\"+\"}}: must result in valid metadata: [metadata.labels: Invalid value: \"-\": {}, metadata.labels: Invalid value: \"+\": {}]",
                object::qualified_name("-")[0],
                object::label_value("+")[0]
            ),
        ],
    );
    check_schema(
        meta(
            json!({ "labels": { "type": "object", "additionalProperties": { "type": "string", "default": "x" } } }),
        ),
        &[
            kind,
            ".properties[metadata].properties[labels].additionalProperties.default: Forbidden: must not be set inside additionalProperties applying to object metadata",
        ],
    );
    check_schema(
        meta(
            json!({ "a": { "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true } }),
        ),
        &[
            kind,
            ".properties[metadata].properties[a].x-kubernetes-embedded-resource: Forbidden: must not be used inside of resource meta",
        ],
    );
}

#[test]
fn defaults_stand_where_they_may() {
    check_root(
        json!({ "type": "object", "properties": {
            "kind": { "type": "string", "default": "x" },
            "metadata": { "type": "object", "properties": { "name": { "type": "string", "default": "x" } }, "default": {} },
        } }),
        &[
            ".properties[kind].default: Forbidden: must not be set in top-level kind",
            ".properties[metadata].default: Forbidden: must not be set in top-level metadata",
            ".properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata",
        ],
    );
    check_root(
        json!({ "type": "object", "default": { "spec": { "a": "x" } }, "properties": { "spec": { "type": "object", "properties": { "a": { "type": "integer" } } } } }),
        &[".default.apiVersion: Required value", ".default.kind: Required value"],
    );
    let nested = json!({ "type": "integer", "anyOf": [{ "default": 1, "additionalProperties": false }] });
    check_schema(
        nested,
        &[
            ".anyOf[0].additionalProperties: Forbidden: must be undefined to be structural",
            ".anyOf[0].default: Forbidden: must be undefined to be structural",
        ],
    );
    // of properties that are not listed, defaults are not checked
    check_schema(
        json!({ "type": "object", "additionalProperties": { "type": "integer", "default": "x" } }),
        &[],
    );
    check_schema(
        json!({ "type": "array", "items": { "type": "integer", "default": "x" } }),
        &[".items.default: Invalid value: \"string\":  in body must be of type integer: \"string\""],
    );
}

#[test]
fn schemas_that_are_strange_are_told_of_that_alone() {
    let unchecked = json!({ "pattern": "(", "default": 1 });
    let check = |strange: Value, expect: &[&str]| check_schema(changed(unchecked.clone(), &strange), expect);
    check(json!({ "id": "x" }), &[".id: Forbidden: id is not supported"]);
    check(
        json!({ "type": "string", "definitions": { "a": {} } }),
        &[".definitions: Forbidden: definitions is not supported"],
    );
    check(
        json!({ "x-kubernetes-preserve-unknown-fields": false }),
        &[".x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"],
    );
    check(json!({ "items": [{}] }), &[".items: Forbidden: items must be a schema object and not an array"]);
    check_root(
        json!({ "type": "object", "properties": { "a": { "$schema": "x" } } }),
        &[": Invalid value: \"\": OpenAPIV3Schema 'schema' is not supported"],
    );
}

#[test]
fn patterns_are_checked() {
    let wrong = "must be a valid regular expression, but isn't: error parsing regexp";
    check_schema(json!({ "type": "string", "pattern": r"^(?:[a-z]{2,}|\p{Greek})\z" }), &[]);
    check_schema(
        json!({ "type": "string", "pattern": "(", "default": "x" }),
        &[&format!(".pattern: Invalid value: \"(\": {wrong}: missing closing ): `(`")],
    );
    check_schema(
        json!({ "type": "string", "not": { "pattern": "a**" } }),
        &[&format!(
            ".not.pattern: Invalid value: \"a**\": {wrong}: invalid nested repetition operator: `**`"
        )],
    );
}

#[test]
fn lists_and_maps_merge_as_they_can() {
    let list =
        |kind: &str, items: Value| json!({ "type": "array", "x-kubernetes-list-type": kind, "items": items });
    check_schema(
        list(
            "set",
            json!({ "type": "array", "items": { "type": "string" }, "nullable": true, "x-kubernetes-list-type": "set" }),
        ),
        &[
            ".items.x-kubernetes-list-type: Invalid value: \"set\": must be atomic as item of a list with x-kubernetes-list-type=set",
            ".items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set",
        ],
    );
    let mut map = list(
        "map",
        json!({ "type": "object", "required": ["a"], "properties": { "a": { "type": "object" }, "b": { "type": "string", "nullable": true, "default": "x" } } }),
    );
    check_schema(
        map.clone(),
        &[".x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"],
    );
    map["x-kubernetes-list-map-keys"] = json!(["a", "b", "b", "c"]);
    let keys = "x-kubernetes-list-map-keys: Invalid value: [\"a\",\"b\",\"b\",\"c\"]";
    let nullable = ".items.properties[b].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
    check_schema(
        map,
        &[
            ".items.properties[a].type: Invalid value: \"object\": must be a scalar type if parent array's x-kubernetes-list-type is map",
            &format!(".{keys}: must not contain duplicate entries"),
            &format!(".{keys}: entries must all be names of item properties"),
            nullable,
            nullable,
        ],
    );
    check_schema(
        json!({ "type": "object", "x-kubernetes-map-type": "sparse", "x-kubernetes-list-map-keys": ["a"] }),
        &[
            ".x-kubernetes-map-type: Unsupported value: \"sparse\": supported values: \"atomic\", \"granular\"",
            ".x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty",
        ],
    );
    check_schema(
        json!({ "type": "object", "properties": { "a": { "type": "string" } }, "x-kubernetes-validations": [{ "rule": "true", "fieldPath": ".b" }, { "rule": "true", "fieldPath": ".a" }] }),
        &[".x-kubernetes-validations[0].fieldPath: Invalid value: \".b\": fieldPath must be a valid path"],
    );
}

#[test]
fn logic_is_about_what_is_there() {
    let either = json!([{ "type": "integer" }, { "type": "string" }]);
    check_schema(
        json!({ "x-kubernetes-int-or-string": true, "anyOf": either, "allOf": [{ "anyOf": either }, { "anyOf": either }] }),
        &[
            ".allOf[1].anyOf[0].type: Forbidden: must be empty to be structural",
            ".allOf[1].anyOf[1].type: Forbidden: must be empty to be structural",
        ],
    );
    let told = json!({ "properties": { "spec": { "properties": { "b": { "items": {} } } }, "x": {} } });
    check_root(
        json!({ "type": "object", "properties": { "spec": { "type": "object" }, "b": { "type": "object", "anyOf": [told] } }, "oneOf": [told] }),
        &[
            ".properties[spec].properties[b]: Required value: because it is defined in spec.validation.openAPIV3Schema.oneOf[0].properties[spec].properties[b]",
            ".properties[x]: Required value: because it is defined in spec.validation.openAPIV3Schema.oneOf[0].properties[x]",
        ],
    );
}

#[test]
fn versions_are_checked_together() {
    let strings =
        json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "array" } } });
    let other = |changes: Value| version(changed(json!({ "name": "v2", "storage": false }), &changes));
    let selects = json!({ "selectableFields": [{ "jsonPath": ".spec.size" }] });
    check_definition(
        json!({ "versions": [version(selects.clone()), other(json!({}))] }),
        &[
            "spec.versions[0].selectableFields: Invalid value: \"\": selectableFields may only be set when version.schema.openAPIV3Schema is not included",
        ],
    );
    let mut one = other(changed(
        selects.clone(),
        &json!({ "selectableFields": [{ "jsonPath": ".a[0]" }, { "jsonPath": "a" }, {}, { "jsonPath": ".a" }, { "jsonPath": ".a" }] }),
    ));
    one["schema"]["openAPIV3Schema"] = strings;
    check_definition(
        json!({ "versions": [version(selects.clone()), one] }),
        &[
            "spec.versions[1].schema.openAPIV3Schema.properties[b].items: Required value: must be specified",
            "spec.versions[1].selectableFields[0].jsonPath: Invalid value: \".a[0]\": is an invalid path: array notation is not allowed",
            "spec.versions[1].selectableFields[1].jsonPath: Invalid value: \"a\": is an invalid path: expected [ or . but got: a",
            "spec.versions[1].selectableFields[2].jsonPath: Required value",
            "spec.versions[1].selectableFields[4].jsonPath: Duplicate value: \".a\"",
        ],
    );
    let plain = changed(version(selects), &json!({ "schema": null }));
    check_definition(
        json!({ "versions": [plain] }),
        &[
            "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
            "spec.selectableFields: Invalid value: \"\": selectableFields may only be set when validations.schema is included",
        ],
    );
    let mut metadata = version(json!({ "selectableFields": [{ "jsonPath": ".metadata.name" }] }));
    metadata["schema"]["openAPIV3Schema"] = json!({ "type": "object", "properties": { "metadata": { "type": "object", "properties": { "name": { "type": "string" } } } } });
    check_definition(
        json!({ "versions": [metadata] }),
        &[
            "spec.selectableFields[0].jsonPath: Invalid value: \".metadata.name\": must not point to fields in metadata",
        ],
    );
    check_definition(
        json!({ "versions": [version(json!({ "deprecated": true, "deprecationWarning": "a\u{200b}" }))] }),
        &[
            "spec.versions[0].deprecationWarning: Invalid value: \"a\\u200b\": must only contain printable UTF-8 characters; non-printable character found at index 1",
        ],
    );
}

#[test]
fn roots_with_a_status_are_plain() {
    let check = |schema: Value, expect: &[&str]| {
        let mut one = version(json!({ "subresources": { "status": {} } }));
        let mut base = json!({ "type": "object" });
        base = changed(base, &schema);
        one["schema"]["openAPIV3Schema"] = base;
        check_definition(json!({ "versions": [one] }), expect);
    };
    let only = "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status subresource is enabled";
    check(json!({ "description": "x", "required": ["a"] }), &[]);
    check(
        json!({ "maxProperties": 1 }),
        &[&format!(
            "spec.validation.openAPIV3Schema: Invalid value: {{\"maxProperties\":1,\"type\":\"object\"}}: {only}"
        )],
    );
    check(
        json!({ "type": "string", "maxProperties": 1 }),
        &[
            "spec.validation.openAPIV3Schema.type: Invalid value: \"string\": only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled",
            "spec.validation.openAPIV3Schema.type: Invalid value: \"string\": must be object at the root",
        ],
    );
}

#[test]
fn definitions_that_keep_unknown_fields_have_neither_defaults_nor_webhooks() {
    let mut one = version(json!({}));
    one["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"]["default"] = json!(1);
    let webhook =
        json!({ "clientConfig": { "url": "https://a.example" }, "conversionReviewVersions": ["v1"] });
    check_definition(
        json!({ "preserveUnknownFields": true, "versions": [one], "conversion": { "strategy": "Webhook", "webhook": webhook } }),
        &[
            "spec.preserveUnknownFields: Invalid value: true: must be false in order to use defaults in the schema",
            "spec.conversion.strategy: Invalid value: \"Webhook\": must be None if spec.preserveUnknownFields is true",
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        ],
    );
}

#[test]
fn webhooks_of_objects_in_use_are_known_by_certificates() {
    let with = |bundle: &str| {
        let webhook = json!({ "clientConfig": { "url": "https://a.example", "caBundle": bundle }, "conversionReviewVersions": ["v1"] });
        created(
            "CustomResourceDefinition",
            definition(json!({ "conversion": { "strategy": "Webhook", "webhook": webhook } })),
        )
    };
    let check = |old: &Value, bundle: &str, expect: &[&str]| {
        assert_eq!(
            texts(row("CustomResourceDefinition").strategy.validate_update(&with(bundle), old)),
            expect
        );
    };
    let mut old = created("CustomResourceDefinition", definition(json!({})));
    check(&old, "eA==", &[]);
    old["status"]["conditions"] = json!([{ "type": "Established", "status": "True" }]);
    check(
        &old,
        "eA==",
        &[
            "spec.conversion.webhookClientConfig.caBundle: Invalid value: \"eA==\": unable to load root certificates: unable to parse bytes as PEM block",
        ],
    );
    check(&old, "", &[]);
    old["spec"] = with("eHg=")["spec"].clone();
    check(&old, "eA==", &[]);
}

#[test]
fn formats_are_warned_of_once() {
    let with = |format: &str| {
        let mut one = version(json!({}));
        one["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"] =
            json!({ "type": "string", "format": format });
        definition(json!({ "versions": [one] }))
    };
    check_warnings("CustomResourceDefinition", with("k8s-shortname"), &[]);
    check_warnings("CustomResourceDefinition", with("colour"), &["unrecognized format \"colour\""]);
    check_update_warnings(
        "CustomResourceDefinition",
        with("colour"),
        json!({ "spec": { "group": "b.example" } }),
        &[],
    );
    let new = json!({ "spec": { "versions": with("shade")["spec"]["versions"] } });
    check_update_warnings(
        "CustomResourceDefinition",
        with("colour"),
        new,
        &["unrecognized format \"shade\""],
    );
}

/// What is said about a definition of bad will. It must not take long to say so.
fn texts_soon(schema: Value) -> Vec<String> {
    let mut one = version(json!({}));
    one["schema"]["openAPIV3Schema"] = schema;
    let definition = created("CustomResourceDefinition", definition(json!({ "versions": [one] })));
    let begin = Instant::now();
    let texts = texts(row("CustomResourceDefinition").strategy.validate(&definition));
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    texts
}

#[test]
fn definitions_of_bad_will_cost_little() {
    let too_much = "spec.validation.openAPIV3Schema: Forbidden: takes too much work to check the defaults of";
    let many = |schema: Value| Value::Array(vec![schema; 20_000]);
    let list = |items: Value| json!({ "type": "array", "items": items, "default": vec![json!({}); 20_000] });
    let root = |property: Value| json!({ "type": "object", "properties": { "a": property } });
    // many values, each held against many schemas
    let kept = json!({ "type": "object", "anyOf": many(json!({ "maxProperties": -1 })) });
    assert_eq!(texts_soon(root(list(kept))).last().map(String::as_str), Some(too_much));
    // many values, each lacking many fields: the first are told
    let names: Vec<String> = (0..20_000).map(|i| format!("f{i}")).collect();
    let told = texts_soon(root(list(json!({ "type": "object", "required": names }))));
    assert!((1_000..1_010).contains(&told.len()), "{}", told.len());
    // logic within logic
    let mut logic = json!({ "maxLength": 0 });
    for _ in 0..30 {
        logic = json!({ "anyOf": [logic, logic.clone()] });
        if logic.to_string().len() > 200_000 {
            break;
        }
    }
    assert!(!texts_soon(root(changed(json!({ "type": "string", "default": "x" }), &logic))).is_empty());
    // patterns that are large, and many
    let large = json!({ "type": "string", "pattern": r"^\pL{1000}$", "default": "x" });
    assert_eq!(texts_soon(root(large)), [too_much]);
    let patterns = (0..20_000)
        .map(|i| (format!("p{i}"), json!({ "type": "string", "pattern": r"^\pL{40}$", "default": "x" })));
    let told = texts_soon(json!({ "type": "object", "properties": Value::Object(patterns.collect()) }));
    assert_eq!(told.last().map(String::as_str), Some(too_much));
    // errors that each name a long way
    let long = "x".repeat(20_000);
    let leaves: Value =
        (0..20_000).map(|i| (format!("f{i}"), json!({}))).collect::<serde_json::Map<_, _>>().into();
    let told = texts_soon(
        json!({ "type": "object", "properties": { long: { "type": "object", "properties": leaves } } }),
    );
    assert_eq!(told, ["spec.versions: Forbidden: fields with long names must not be nested as deep"]);
    let mut deep = json!({ "type": "string" });
    for _ in 0..50 {
        deep = json!({ "type": "object", "properties": { "a": deep }, "default": {} });
    }
    assert_eq!(
        texts_soon(deep),
        [
            "spec.validation.openAPIV3Schema.default.apiVersion: Required value",
            "spec.validation.openAPIV3Schema.default.kind: Required value",
        ]
    );
}
