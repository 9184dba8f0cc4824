//! Rules of classes of storage and of volume attributes.

use std::collections::HashSet;

use object::{FieldError, FieldErrors, Value};

use crate::rules::{At, Errors, Read};
use crate::{Strategy, warnings};

const MAX_PARAMETERS: usize = 512;
const MAX_PARAMETERS_SIZE: usize = 256 * 1024;

/// Strategy of storage classes.
pub(crate) struct StorageClass;

impl Strategy for StorageClass {
    fn validate(&self, class: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(class), Errors::new());
        check_driver(&root, "provisioner", &mut errors);
        check_parameters(&root, &mut errors);
        check_topologies(&root, &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        unchanged(new, old, &["parameters", "provisioner", "reclaimPolicy"])
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        let terms = At::root(new).each("allowedTopologies").collect::<Vec<_>>();
        let expressions = terms.iter().flat_map(|term| term.each("matchLabelExpressions"));
        expressions.filter_map(|e| warnings::node_label(&e.path("key"), e.text("key"))).collect()
    }
}

/// Strategy of classes of volume attributes.
pub(crate) struct VolumeAttributesClass;

impl Strategy for VolumeAttributesClass {
    fn validate(&self, class: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(class), Errors::new());
        check_driver(&root, "driverName", &mut errors);
        check_parameters(&root, &mut errors);
        if root.is_empty("parameters") {
            let detail = "must contain at least one key/value pair";
            errors.push(FieldError::required(&root.path("parameters"), detail));
        }
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        unchanged(new, old, &["driverName", "parameters"])
    }
}

fn unchanged(new: &Value, old: &Value, fields: &[&str]) -> FieldErrors {
    let root = At::root(new);
    let changed = fields.iter().filter(|field| !object::alike(new.at(field), old.at(field)));
    let wrong =
        |field: &&str| FieldError::forbidden(&root.path(field), format!("updates to {field} are forbidden."));
    changed.map(wrong).collect()
}

fn check_driver(class: &At, field: &str, errors: &mut Errors) {
    let name = class.text(field).to_lowercase();
    if !name.is_empty() {
        errors.obey(&class.path(field), &name, object::qualified_name);
    }
}

fn check_parameters(class: &At, errors: &mut Errors) {
    let (path, mut size) = (class.path("parameters"), 0);
    if class.entries("parameters").count() > MAX_PARAMETERS {
        return errors.push(FieldError::too_long(&path, MAX_PARAMETERS));
    }
    for (key, value) in class.entries("parameters") {
        if key.is_empty() {
            errors.push(FieldError::invalid(&path, key, "field can not be empty."));
        }
        size += key.len() + value.text("").len();
    }
    if size > MAX_PARAMETERS_SIZE {
        errors.push(FieldError::too_long(&path, MAX_PARAMETERS_SIZE));
    }
}

/// Terms say something, and different things.
fn check_topologies(class: &At, errors: &mut Errors) {
    let mut seen = HashSet::from([Vec::new()]);
    for term in class.each("allowedTopologies") {
        check_term(&term, errors);
        if !seen.insert(meaning(&term)) {
            errors.push(FieldError::duplicate(&term.path("matchLabelExpressions"), ""));
        }
    }
}

fn check_term(term: &At, errors: &mut Errors) {
    for expression in term.each("matchLabelExpressions") {
        errors.need(&expression, "values");
        errors.distinct(expression.each("values"), |value| value.show(""));
        errors.obey(&expression.path("key"), expression.text("key"), object::qualified_name);
    }
    errors.unique(term.each("matchLabelExpressions"), "key");
}

/// What a term says, however its parts are ordered.
fn meaning(term: &At) -> Vec<(String, Vec<String>)> {
    let said = |expression: &Value| {
        let texts = expression.items("values").iter().map(|value| value.text("").to_owned());
        let mut values: Vec<String> = texts.collect();
        values.sort();
        (expression.text("key").to_owned(), values)
    };
    let mut expressions: Vec<_> = term.items("matchLabelExpressions").iter().map(said).collect();
    expressions.sort();
    expressions
}
