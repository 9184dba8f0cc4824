//! Declarative validation: the rules that the schema states, with upstream's messages.

use crate::defaults::has_objects;
use crate::frame::Frame;
use crate::{Field, FieldError, FieldErrors, Map, Rule, Schema, Shape, TypeId, Types, Value, check_format};

/// The breaches of the schema's rules (the first thousand or so), in the order of the schema's fields. The document conforms to the schema
/// already (see [`crate::conform`]). Rules on a list or a map hold for each item, but for [`Rule::Required`].
pub fn validate(schema: &Schema, value: &Value) -> FieldErrors {
    let mut walk = Walk { types: &schema.types, errors: Vec::new() };
    walk.inside(&Shape::Object(schema.root), value, &Frame::ROOT);
    walk.errors
}

/// All fields with [`Rule::Immutable`] that were set in `old` and differ in `new`. Looks into objects and maps, not
/// into lists, whose items have no identity.
pub fn validate_update(schema: &Schema, new: &Value, old: &Value) -> FieldErrors {
    let mut walk = Walk { types: &schema.types, errors: Vec::new() };
    walk.compare(&Shape::Object(schema.root), new, old, &Frame::ROOT);
    walk.errors
}

/// Whether two values say the same: null, an empty list and an empty object say as much as absence, at any depth.
pub fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let same = |(key, value): (&String, &Value)| alike(value, b.get(key).unwrap_or(&Value::Null));
            a.iter().all(same) && b.iter().all(|(key, value)| a.contains_key(key) || says_nothing(value))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        _ => a == b || says_nothing(a) && says_nothing(b),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(says_nothing),
        Value::String(_) | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A walk ends behind this many errors: nobody reads more, and a small document could have very many.
pub(crate) const MAX_ERRORS: usize = 1_000;

struct Walk<'a> {
    types: &'a Types,
    errors: FieldErrors,
}

impl Walk<'_> {
    fn inside(&mut self, shape: &Shape, value: &Value, at: &Frame) {
        if self.errors.len() >= MAX_ERRORS {
            return;
        }
        match (shape, value) {
            (Shape::Object(id), Value::Object(map)) => self.object(*id, map, at),
            (Shape::List(of, _), Value::Array(items)) if has_objects(of) => {
                for (index, item) in items.iter().enumerate() {
                    self.inside(of, item, &at.index(index));
                }
            }
            (Shape::Map(of, _), Value::Object(map)) if has_objects(of) => {
                for (key, value) in map {
                    self.inside(of, value, &at.key(key));
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, id: TypeId, map: &Map, at: &Frame) {
        for field in &self.types.get(id).fields {
            if field.rules.is_empty() && !has_objects(&field.shape) {
                continue;
            }
            let (value, at) = (map.get(&field.name).unwrap_or(&Value::Null), at.field(&field.name));
            self.field(field, value, &at);
            self.inside(&field.shape, value, &at);
        }
    }

    fn field(&mut self, field: &Field, value: &Value, at: &Frame) {
        if is_empty(value) {
            if field.rules.contains(&Rule::Required) {
                self.errors.push(FieldError::required(&at.path(), ""));
            }
            return;
        }
        for rule in &field.rules {
            match value {
                Value::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        self.rule(rule, item, &at.index(index));
                    }
                }
                Value::Object(map) => {
                    for (key, value) in map {
                        self.rule(rule, value, &at.key(key));
                    }
                }
                scalar => self.rule(rule, scalar, at),
            }
        }
    }

    fn rule(&mut self, rule: &Rule, value: &Value, at: &Frame) {
        if self.errors.len() >= MAX_ERRORS {
            return;
        }
        let number = value.as_i64();
        match rule {
            Rule::Required | Rule::Immutable => {}
            Rule::Enum(allowed) => {
                if !value.as_str().is_some_and(|text| allowed.iter().any(|a| a == text)) {
                    self.errors.push(FieldError::not_supported(&at.path(), value.clone(), allowed));
                }
            }
            Rule::Min(min) if number.is_some_and(|n| n < *min) => {
                self.invalid(at, value, format!("must be greater than or equal to {min}"));
            }
            Rule::Max(max) if number.is_some_and(|n| n > *max) => {
                self.invalid(at, value, format!("must be less than or equal to {max}"));
            }
            Rule::Min(_) | Rule::Max(_) => {}
            Rule::MaxBytes(max) => {
                if value.as_str().is_some_and(|text| text.len() > *max) {
                    self.errors.push(FieldError::too_long(&at.path(), *max));
                }
            }
            Rule::Format(format) => {
                let complaints = match value {
                    Value::String(text) => check_format(format, text),
                    Value::Number(number) => check_format(format, &number.to_string()),
                    _ => Vec::new(),
                };
                complaints.into_iter().for_each(|complaint| self.invalid(at, value, complaint));
            }
        }
    }

    fn invalid(&mut self, at: &Frame, value: &Value, detail: String) {
        self.errors.push(FieldError::invalid(&at.path(), value.clone(), detail));
    }

    fn compare(&mut self, shape: &Shape, new: &Value, old: &Value, at: &Frame) {
        match (shape, old) {
            (Shape::Object(id), Value::Object(old)) => {
                for field in &self.types.get(*id).fields {
                    if let Some(old) = old.get(&field.name) {
                        let new = new.get(&field.name).unwrap_or(&Value::Null);
                        self.compare_field(field, new, old, &at.field(&field.name));
                    }
                }
            }
            (Shape::Map(of, _), Value::Object(old)) if has_objects(of) => {
                for (key, old) in old {
                    if let Some(new) = new.get(key) {
                        self.compare(of, new, old, &at.key(key));
                    }
                }
            }
            _ => {}
        }
    }

    fn compare_field(&mut self, field: &Field, new: &Value, old: &Value, at: &Frame) {
        if old.is_null() {
            return;
        }
        if field.rules.contains(&Rule::Immutable) && !alike(new, old) {
            self.invalid(at, new, "field is immutable".into());
        } else {
            self.compare(&field.shape, new, old, at);
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::workload;

    fn check(errors: FieldErrors, expect: &[&str]) {
        assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn rules() {
        let check =
            |spec: Value, expect: &[&str]| check(validate(&workload(), &json!({ "spec": spec })), expect);
        let containers = json!([{"name": "a"}]);
        check(json!({"containers": containers}), &[]);
        check(json!({}), &["spec.containers: Required value"]);
        check(json!({"containers": []}), &["spec.containers: Required value"]);
        check(
            json!({"containers": [{"name": ""}, {"name": "a"}, {}]}),
            &["spec.containers[0].name: Required value", "spec.containers[2].name: Required value"],
        );
        check(
            json!({"containers": containers, "replicas": -1}),
            &["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
        );
        check(
            json!({"containers": containers, "replicas": 1001}),
            &["spec.replicas: Invalid value: 1001: must be less than or equal to 1000"],
        );
        check(
            json!({"containers": containers, "policy": "Often"}),
            &[r#"spec.policy: Unsupported value: "Often": supported values: "Always", "Never""#],
        );
        check(
            json!({"containers": [{"name": "abcdefghijklmnopqrstu"}]}),
            &["spec.containers[0].name: Too long: may not be more than 20 bytes"],
        );
        check(
            json!({"containers": containers, "named": {"k": {"name": "a.b"}}}),
            &[r#"spec.named[k].name: Invalid value: "a.b": must not contain dots"#],
        );
    }

    #[test]
    fn what_is_empty_is_like_what_is_absent() {
        let check = |a: Value, b: Value, expect: bool| {
            assert_eq!((alike(&a, &b), alike(&b, &a)), (expect, expect), "{a} {b}");
        };
        check(json!(null), json!([]), true);
        check(json!({"a": 1, "b": [], "c": {"d": null}}), json!({"a": 1, "e": {}}), true);
        check(json!([{"env": []}]), json!([{}]), true);
        check(json!([{}]), json!([]), false);
        check(json!({"a": ""}), json!({}), false);
        check(json!({"a": 0}), json!({"a": false}), false);
        check(json!({"a": [1]}), json!({"a": [2]}), false);
    }

    #[test]
    fn immutable_fields() {
        let check = |new: Value, old: Value, expect: &[&str]| {
            check(validate_update(&workload(), &json!({ "spec": new }), &json!({ "spec": old })), expect);
        };
        check(json!({"host": "a"}), json!({"host": "a", "replicas": 1}), &[]);
        check(json!({"host": "a"}), json!({}), &[]);
        check(
            json!({"host": "b"}),
            json!({"host": "a"}),
            &[r#"spec.host: Invalid value: "b": field is immutable"#],
        );
        check(json!({}), json!({"host": "a"}), &["spec.host: Invalid value: null: field is immutable"]);
    }
}
