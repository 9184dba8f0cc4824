//! Defaults of a schema: each is as complete and as right as if a user had written it. What is nested in one is not
//! defaulted first.

use std::collections::HashSet;

use object::{FieldError, FieldErrors, Map, Path, Value};
use serde_json::json;

use super::openapi::has_defaults;
use super::prune::{self, META};
use super::schema::Schema;
use super::values::{self, Work};
use super::{MAX_ERRORS, resources};

/// What is wrong with the defaults of a structural schema, which stands at `path`.
pub(super) fn check(schema: &Value, path: &Path) -> FieldErrors {
    if !has_defaults(schema) {
        return FieldErrors::new();
    }
    let schema = Schema::read(schema);
    let mut walk = Walk { errors: FieldErrors::new(), work: Work::default() };
    let root = Place { path: path.clone(), resource: &schema, around: &Around::Resource, is_meta: false };
    walk.schema(&schema, true, root);
    if walk.work.is_spent() {
        let detail = "takes too much work to check the defaults of";
        walk.errors.push(FieldError::forbidden(path, detail));
    }
    walk.errors
}

/// Where a schema stands.
struct Place<'a> {
    path: Path,
    /// The resource around it.
    resource: &'a Schema,
    /// Where it stands in there.
    around: &'a Around<'a>,
    /// It is about what each resource has.
    is_meta: bool,
}

/// What is around a value in a resource.
enum Around<'a> {
    Resource,
    Field(&'a Around<'a>, &'a str),
    Item(&'a Around<'a>),
}

impl Around<'_> {
    /// A resource in which nothing is but the value, and what its kind is.
    fn complete(&self, value: Value) -> Value {
        match self {
            Around::Resource => {
                let mut resource = value;
                if let Value::Object(fields) = &mut resource {
                    fields.insert("apiVersion".to_owned(), json!("validation/v1"));
                    fields.insert("kind".to_owned(), json!("Validation"));
                }
                resource
            }
            Around::Field(around, name) => {
                around.complete(Value::Object(Map::from_iter([((*name).to_owned(), value)])))
            }
            Around::Item(around) => around.complete(Value::Array(vec![value])),
        }
    }
}

struct Walk {
    errors: FieldErrors,
    work: Work,
}

impl Walk {
    fn schema(&mut self, schema: &Schema, is_root: bool, place: Place) {
        if self.work.is_spent() || self.errors.len() >= MAX_ERRORS {
            return;
        }
        let is_resource = is_root || schema.is_resource;
        let place = match is_resource {
            true => Place { path: place.path, resource: schema, around: &Around::Resource, is_meta: false },
            false => place,
        };
        if !schema.default.is_null() {
            let at = place.path.child("default");
            let errors = match place.is_meta {
                true => self.meta(schema, &place, &at),
                false => self.value(schema, is_resource, &at),
            };
            self.errors.extend(errors);
        }
        // there are no defaults for properties that are not listed
        let Place { path, resource, around, is_meta } = place;
        if let Some(items) = &schema.items {
            let around = &Around::Item(around);
            self.schema(items, false, Place { path: path.child("items"), resource, around, is_meta });
        }
        for (name, field) in &schema.properties {
            let is_meta = is_meta || is_resource && META.contains(&name.as_str());
            let (path, around) = (path.child("properties").key(name), &Around::Field(around, name));
            self.schema(field, false, Place { path, resource, around, is_meta });
        }
    }

    /// What is wrong with a default.
    fn value(&mut self, schema: &Schema, is_resource: bool, at: &Path) -> FieldErrors {
        let mut errors = FieldErrors::new();
        if prune::prune(schema, &mut schema.default.clone(), is_resource) {
            errors.push(FieldError::invalid(at, schema.default.clone(), "must not have unknown fields"));
        }
        let mut value = schema.default.clone();
        if let Err(error) = resources::conform(schema, &mut value, is_resource, at) {
            errors.push(error);
            return errors;
        }
        let wrong = resources::check(schema, &value, is_resource, at);
        errors.extend(match wrong.is_empty() {
            true => values::check(schema, &value, at, &mut self.work),
            false => wrong,
        });
        errors
    }

    /// What is wrong with a default of what each resource has.
    fn meta(&mut self, schema: &Schema, place: &Place, at: &Path) -> FieldErrors {
        let mut resource = place.around.complete(schema.default.clone());
        let conformed = resources::conform(place.resource, &mut resource, true, &Path::root());
        let wrong = match conformed {
            Err(error) => vec![error],
            Ok(()) => resources::check(place.resource, &resource, true, &Path::root()),
        };
        if wrong.is_empty() {
            return values::check(schema, &schema.default, at, &mut self.work);
        }
        let detail = format!("must result in valid metadata: {}", together(&wrong));
        vec![FieldError::invalid(at, schema.default.clone(), detail)]
    }
}

/// Errors as one, each told once.
fn together(errors: &FieldErrors) -> String {
    let mut seen = HashSet::new();
    let texts: Vec<String> =
        errors.iter().map(ToString::to_string).filter(|text| seen.insert(text.clone())).collect();
    match &texts[..] {
        [text] => text.clone(),
        texts => format!("[{}]", texts.join(", ")),
    }
}
