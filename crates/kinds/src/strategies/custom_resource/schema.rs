//! The schema of a custom resource, read once from its definition for all walks over values.

use std::collections::BTreeMap;

use object::Value;

use super::pattern::Pattern;
use crate::rules::Read;

/// What a value may be. In `allOf`, `anyOf`, `oneOf` and `not`, only what it must not be besides.
#[derive(Default)]
pub(super) struct Schema {
    /// The type; empty where it may be any.
    pub(super) kind: String,
    pub(super) format: String,
    pub(super) is_nullable: bool,
    /// The value is an object of its own, with metadata.
    pub(super) is_resource: bool,
    /// Fields that the schema does not know stay.
    pub(super) keeps_unknown: bool,
    /// What the value is where there is none; null: nothing.
    pub(super) default: Value,
    pub(super) items: Option<Box<Schema>>,
    pub(super) properties: BTreeMap<String, Schema>,
    pub(super) others: Others,
    pub(super) numbers: Numbers,
    /// How many characters, items and properties there may be.
    pub(super) length: Counts,
    pub(super) items_count: Counts,
    pub(super) properties_count: Counts,
    pub(super) pattern: Option<(String, Pattern)>,
    pub(super) allowed: Vec<Value>,
    pub(super) required: Vec<String>,
    pub(super) all_of: Vec<Schema>,
    pub(super) any_of: Vec<Schema>,
    pub(super) one_of: Vec<Schema>,
    pub(super) not: Option<Box<Schema>>,
}

/// What properties may be there that are not listed.
#[derive(Default)]
pub(super) enum Others {
    /// The schema says nothing about them.
    #[default]
    Unsaid,
    /// Any.
    Any,
    /// None.
    Never,
    /// Those of this schema.
    Of(Box<Schema>),
}

/// What numbers there may be.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) least: Option<f64>,
    pub(super) is_above_least: bool,
    pub(super) most: Option<f64>,
    pub(super) is_below_most: bool,
    pub(super) factor: Option<f64>,
}

/// How many there may be.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) least: Option<i64>,
    pub(super) most: Option<i64>,
}

impl Schema {
    /// Reads a schema that is structural.
    pub(super) fn read(schema: &Value) -> Self {
        let pattern = schema.text("pattern");
        let counts = |least, most| Counts { least: schema.int(least), most: schema.int(most) };
        Self {
            kind: schema.text("type").to_owned(),
            format: schema.text("format").to_owned(),
            is_nullable: schema.flag("nullable"),
            is_resource: schema.flag("x-kubernetes-embedded-resource"),
            keeps_unknown: schema.flag("x-kubernetes-preserve-unknown-fields"),
            default: schema.at("default").clone(),
            items: nested(schema.at("items")),
            properties: schema
                .entries("properties")
                .map(|(name, field)| (name.to_owned(), Self::read(field)))
                .collect(),
            others: Others::read(schema.at("additionalProperties")),
            numbers: Numbers::read(schema),
            length: counts("minLength", "maxLength"),
            items_count: counts("minItems", "maxItems"),
            properties_count: counts("minProperties", "maxProperties"),
            pattern: Pattern::read(pattern)
                .ok()
                .filter(|_| !pattern.is_empty())
                .map(|read| (pattern.to_owned(), read)),
            allowed: schema.items("enum").to_vec(),
            required: schema.items("required").iter().map(|name| name.text("").to_owned()).collect(),
            all_of: all(schema.items("allOf")),
            any_of: all(schema.items("anyOf")),
            one_of: all(schema.items("oneOf")),
            not: nested(schema.at("not")),
        }
    }

    /// The schema of a property, if it is known or may be any of those that are not listed.
    pub(super) fn property(&self, name: &str) -> Option<&Schema> {
        self.properties.get(name).or(match &self.others {
            Others::Of(others) => Some(others),
            Others::Unsaid | Others::Any | Others::Never => None,
        })
    }
}

fn nested(schema: &Value) -> Option<Box<Schema>> {
    schema.is_object().then(|| Box::new(Schema::read(schema)))
}

fn all(schemas: &[Value]) -> Vec<Schema> {
    schemas.iter().map(Schema::read).collect()
}

impl Others {
    fn read(schema: &Value) -> Self {
        match schema {
            Value::Bool(true) => Self::Any,
            Value::Bool(false) => Self::Never,
            schema => nested(schema).map_or(Self::Unsaid, Self::Of),
        }
    }
}

impl Numbers {
    fn read(schema: &Value) -> Self {
        let number = |field: &str| schema.at(field).as_f64();
        Self {
            least: number("minimum"),
            is_above_least: schema.flag("exclusiveMinimum"),
            most: number("maximum"),
            is_below_most: schema.flag("exclusiveMaximum"),
            factor: number("multipleOf"),
        }
    }
}
