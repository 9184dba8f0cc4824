//! Strict decoding: a document is made to fit its schema, and what does not fit is named as Go's decoder names it.

mod gotime;
mod scalar;

use crate::frame::{Frame, report};
use crate::{Map, Schema, Shape, Type, TypeId, Types, Value};

/// A value of the wrong type; the message is that of Go's decoder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TypeError(String);

/// Makes a document fit its schema, and what Go makes of it that decodes into its types and encodes again: fields the
/// schema does not know are removed and their paths returned in order (each once, at most 100); what is null or, for
/// all that Go knows, empty is removed, or takes the form that Go gives it where it always writes the field
/// ([`crate::Field::written`]); quantities and times take their canonical form.
///
/// Field names are case-sensitive.
///
/// # Errors
/// The first value whose type or form is wrong, for example `json: cannot unmarshal string into Go struct field
/// DeploymentSpec.spec.replicas of type int32`. The document is then partly processed.
pub fn conform(schema: &Schema, value: &mut Value) -> Result<Vec<String>, TypeError> {
    let mut walk = Walk { types: &schema.types, unknown: Vec::new() };
    walk.shape(&Shape::Object(schema.root), value, Place { at: &Frame::ROOT, owner: None })?;
    Ok(walk.unknown)
}

/// What strict field validation answers: `strict decoding error: unknown field "spec.foo", duplicate field
/// "spec.bar"`; `None` where there is nothing to complain about.
pub fn strict_error(unknown: &[String], duplicates: &[String]) -> Option<String> {
    let unknown = unknown.iter().map(|path| format!("unknown field {path:?}"));
    let duplicates = duplicates.iter().map(|path| format!("duplicate field {path:?}"));
    let complaints: Vec<String> = unknown.chain(duplicates).collect();
    (!complaints.is_empty()).then(|| format!("strict decoding error: {}", complaints.join(", ")))
}

struct Walk<'a> {
    types: &'a Types,
    unknown: Vec<String>,
}

/// Where a value is: its path, and the type whose field holds it.
#[derive(Clone, Copy)]
struct Place<'a> {
    at: &'a Frame<'a>,
    owner: Option<TypeId>,
}

impl Walk<'_> {
    fn shape(&mut self, shape: &Shape, value: &mut Value, place: Place) -> Result<(), TypeError> {
        match (shape, value) {
            (Shape::Any, _) => Ok(()),
            (Shape::Object(id), Value::Object(map)) => self.object(*id, map, place),
            (Shape::Map(of, _), Value::Object(map)) => self.map(of, map, place),
            (Shape::List(of, _), Value::Array(items)) => self.list(of, items, place),
            (Shape::Object(_) | Shape::Map(..) | Shape::List(..), value) => {
                Err(self.mismatch(shape, value, place))
            }
            (shape, value) => match scalar::normal(shape, value) {
                Ok(Some(new)) => {
                    *value = new;
                    Ok(())
                }
                Ok(None) => Ok(()),
                Err(scalar::Misfit::Form(message)) => Err(TypeError(message)),
                Err(scalar::Misfit::Type) => Err(self.mismatch(shape, value, place)),
            },
        }
    }

    fn object(&mut self, id: TypeId, map: &mut Map, place: Place) -> Result<(), TypeError> {
        let known = self.types.get(id);
        let mut result = Ok(());
        map.retain(|name, value| {
            if result.is_err() {
                return true;
            }
            let at = place.at.field(name);
            let Some(field) = known.field(name) else {
                report(&mut self.unknown, || at.dotted());
                return false;
            };
            if value.is_null() {
                return field.written == Some(Value::Null);
            }
            result = self.shape(&field.shape, value, Place { at: &at, owner: Some(id) });
            if result.is_err() || !field.reads_as_unset(value) {
                return true;
            }
            if let (Some(empty), Shape::List(..) | Shape::Map(..)) = (&field.written, &field.shape) {
                *value = empty.clone();
            }
            field.written.is_some()
        });
        result?;
        self.complete(known, map);
        Ok(())
    }

    /// Puts in what Go always writes and is not there.
    fn complete(&self, known: &Type, map: &mut Map) {
        for (field, empty) in known.always() {
            if !map.contains_key(&field.name) {
                let mut value = empty.clone();
                if let (Shape::Object(id), Value::Object(map)) = (&field.shape, &mut value) {
                    self.complete(self.types.get(*id), map);
                }
                map.insert(field.name.clone(), value);
            }
        }
    }

    fn map(&mut self, of: &Shape, map: &mut Map, place: Place) -> Result<(), TypeError> {
        for (key, value) in map {
            self.item(of, value, Place { at: &place.at.key(key), ..place })?;
        }
        Ok(())
    }

    fn list(&mut self, of: &Shape, items: &mut [Value], place: Place) -> Result<(), TypeError> {
        for (index, value) in items.iter_mut().enumerate() {
            self.item(of, value, Place { at: &place.at.index(index), ..place })?;
        }
        Ok(())
    }

    /// A list item or map value: null is the type's zero value there, as in Go.
    fn item(&mut self, of: &Shape, value: &mut Value, place: Place) -> Result<(), TypeError> {
        if value.is_null() {
            *value = of.zero();
        }
        if value.is_null() {
            return Ok(());
        }
        self.shape(of, value, place)
    }

    fn mismatch(&self, shape: &Shape, value: &Value, place: Place) -> TypeError {
        let (found, wanted) = (found(shape, value), self.go_type(shape));
        TypeError(match place.owner {
            Some(owner) => {
                let owner = last_part(&self.types.get(owner).name);
                let fields = place.at.fields();
                format!(
                    "json: cannot unmarshal {found} into Go struct field {owner}.{fields} of type {wanted}"
                )
            }
            None => format!("json: cannot unmarshal {found} into Go value of type {wanted}"),
        })
    }

    /// The type as Go prints it, e.g. `[]v1.Container`.
    fn go_type(&self, shape: &Shape) -> String {
        match shape {
            Shape::Bool => "bool".into(),
            Shape::Int { bits } => format!("int{bits}"),
            Shape::Number => "float64".into(),
            Shape::String => "string".into(),
            Shape::Bytes => "[]uint8".into(),
            Shape::Time => "v1.Time".into(),
            Shape::MicroTime => "v1.MicroTime".into(),
            Shape::Duration => "v1.Duration".into(),
            Shape::Quantity => "resource.Quantity".into(),
            Shape::IntOrString => "intstr.IntOrString".into(),
            Shape::Any => "interface {}".into(),
            Shape::Object(id) => package_and_name(&self.types.get(*id).name),
            Shape::List(of, _) => format!("[]{}", self.go_type(of)),
            Shape::Map(of, _) => format!("map[string]{}", self.go_type(of)),
        }
    }
}

/// The found value as Go's decoder calls it; a number is shown where another number would have been right.
fn found(wanted: &Shape, value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(number) if matches!(wanted, Shape::Int { .. }) => format!("number {number}"),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(_) => "array".into(),
        Value::Object(_) => "object".into(),
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn package_and_name(name: &str) -> String {
    let mut parts = name.rsplit('.');
    match (parts.next(), parts.next()) {
        (Some(name), Some(package)) => format!("{package}.{name}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::workload;

    fn check(mut value: Value, expect: Value, unknown: &[&str]) {
        let before = value.clone();
        assert_eq!(
            conform(&workload(), &mut value),
            Ok(unknown.iter().map(|&s| s.into()).collect()),
            "{before}"
        );
        assert_eq!(value, expect, "{before}");
    }

    /// Of a spec, without what it always has.
    fn check_spec(value: Value, mut expect: Value) {
        expect["containers"] = Value::Null;
        if expect["renewTime"].is_null() {
            expect["renewTime"] = Value::Null;
        }
        check(json!({ "metadata": {}, "spec": value }), json!({ "metadata": {}, "spec": expect }), &[]);
    }

    fn check_error(value: Value, expect: &str) {
        let error = conform(&workload(), &mut value.clone()).expect_err(&value.to_string());
        assert_eq!(error.to_string(), expect, "{value}");
    }

    #[test]
    fn unknown_fields() {
        check(
            json!({"spec": {"foo": 1, "Replicas": 1, "containers": [{"name": "a", "foo": null, "ports": [{"x": {}}]}],
                            "named": {"k": {"bar": 2}}, "raw": {"any": null}}, "bar": []}),
            json!({"metadata": {}, "spec": {
                "containers": [{"name": "a", "ports": [{}], "resources": {}}],
                "named": {"k": {"name": "", "resources": {}}}, "raw": {"any": null}, "renewTime": null,
            }}),
            &[
                "bar",
                "spec.Replicas",
                "spec.containers[0].foo",
                "spec.containers[0].ports[0].x",
                "spec.foo",
                "spec.named.k.bar",
            ],
        );
    }

    #[test]
    fn unknown_fields_are_reported_up_to_a_limit() {
        let mut value = json!({});
        (0..500).for_each(|i| value[format!("x{i}")] = 1.into());
        assert_eq!(conform(&workload(), &mut value).unwrap().len(), crate::frame::MAX_REPORTS);
        assert_eq!(value, json!({"metadata": {}}));
    }

    #[test]
    fn nulls() {
        check(
            json!({"metadata": {"labels": {"a": null}, "creationTimestamp": null, "finalizers": null},
                   "spec": {"replicas": null, "raw": null, "containers": [null], "limits": {"cpu": null}}}),
            json!({"metadata": {"labels": {"a": ""}}, "spec": {
                "containers": [{"name": "", "resources": {}}], "limits": {"cpu": "0"}, "renewTime": null,
            }}),
            &[],
        );
    }

    #[test]
    fn what_is_empty_is_left_out_or_always_written() {
        check(json!({"metadata": {"labels": {}, "finalizers": []}}), json!({"metadata": {}}), &[]);
        check(json!({"metadata": null}), json!({"metadata": {}}), &[]);
        check_spec(json!({"args": [], "payload": {}, "containers": []}), json!({}));
        check_spec(
            json!({"probe": {}, "raw": {}, "replicas": 0}),
            json!({"probe": {}, "raw": {}, "replicas": 0}),
        );
        check_spec(
            json!({"named": {"k": {"name": "n", "env": [], "resources": {"limits": {}}}}}),
            json!({"named": {"k": {"name": "n", "resources": {}}}}),
        );
        check_spec(json!({"payload": {"a": ""}}), json!({"payload": {"a": ""}}));
    }

    #[test]
    fn canonical_forms() {
        check_spec(
            json!({"limits": {"cpu": 2, "memory": "1Gi"}}),
            json!({"limits": {"cpu": "2", "memory": "1Gi"}}),
        );
        check_spec(
            json!({"limits": {"a": 0.5, "b": "1000m", "c": "1024Mi", "d": "0.1Gi"}}),
            json!({"limits": {"a": "500m", "b": "1", "c": "1Gi", "d": "107374182400m"}}),
        );
        check_spec(json!({"surge": "25%"}), json!({"surge": "25%"}));
        let negative_zero: Value = serde_json::from_str("-0").unwrap();
        check_spec(json!({"replicas": negative_zero, "weight": 1}), json!({"replicas": 0, "weight": 1}));
        check_spec(json!({"payload": {"a": "aGk="}}), json!({"payload": {"a": "aGk="}}));
        check_spec(
            json!({"renewTime": "2024-01-02T03:04:05Z"}),
            json!({"renewTime": "2024-01-02T03:04:05.000000Z"}),
        );
        check(
            json!({"metadata": {"creationTimestamp": "2024-01-02T03:04:05.7+01:00"}}),
            json!({"metadata": {"creationTimestamp": "2024-01-02T02:04:05Z"}}),
            &[],
        );
    }

    #[test]
    fn wrong_types() {
        let at = "json: cannot unmarshal";
        let check = |value, rest: &str| check_error(value, &format!("{at} {rest}"));
        check(
            json!({"spec": {"replicas": "3"}}),
            "string into Go struct field DeploymentSpec.spec.replicas of type int32",
        );
        check(
            json!({"spec": {"replicas": 1.5}}),
            "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
        );
        check(
            json!({"spec": {"replicas": 3.0}}),
            "number 3.0 into Go struct field DeploymentSpec.spec.replicas of type int32",
        );
        check(
            json!({"spec": {"replicas": 4_294_967_296_i64}}),
            "number 4294967296 into Go struct field DeploymentSpec.spec.replicas of type int32",
        );
        check(
            json!({"spec": {"generation": u64::MAX}}),
            "number 18446744073709551615 into Go struct field DeploymentSpec.spec.generation of type int64",
        );
        check(
            json!({"spec": {"containers": [{"env": [{"name": "a", "value": 1}]}]}}),
            "number into Go struct field EnvVar.spec.containers.env.value of type string",
        );
        check(
            json!({"spec": {"containers": {}}}),
            "object into Go struct field DeploymentSpec.spec.containers of type []v1.Container",
        );
        check(
            json!({"spec": {"containers": ["x"]}}),
            "string into Go struct field DeploymentSpec.spec.containers of type v1.Container",
        );
        check(
            json!({"metadata": {"labels": {"a": true}}}),
            "bool into Go struct field ObjectMeta.metadata.labels of type string",
        );
        check(
            json!({"metadata": {"labels": []}}),
            "array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
        );
        check(
            json!({"spec": {"paused": "true"}}),
            "string into Go struct field DeploymentSpec.spec.paused of type bool",
        );
        check(json!([]), "array into Go value of type v1.Deployment");
        check(json!({"spec": {"surge": true}}), "bool into Go value of type int32");
        check(json!({"metadata": {"creationTimestamp": 1}}), "number into Go value of type string");
    }

    #[test]
    fn wrong_forms() {
        check_error(
            json!({"spec": {"limits": {"cpu": "1x"}}}),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        );
        check_error(json!({"spec": {"payload": {"a": "a*=="}}}), "illegal base64 data at input byte 1");
        check_error(
            json!({"metadata": {"creationTimestamp": "today"}}),
            "parsing time \"today\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"today\" as \"2006\"",
        );
    }

    #[test]
    fn strict_errors() {
        let check = |unknown: &[&str], duplicates: &[&str], expect: Option<&str>| {
            let own = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
            assert_eq!(strict_error(&own(unknown), &own(duplicates)).as_deref(), expect);
        };
        check(&[], &[], None);
        check(
            &["spec.foo"],
            &["spec.bar"],
            Some(r#"strict decoding error: unknown field "spec.foo", duplicate field "spec.bar""#),
        );
    }
}
