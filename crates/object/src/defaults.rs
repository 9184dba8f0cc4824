//! Defaulting along the schema.

use crate::{Map, Schema, Shape, TypeId, Types, Value};

/// Sets each field's default where the field is absent, null, an empty text or a zero that Go does not tell from
/// absence, in every object that is present, those that came as a default included. Defaults never create a parent. Idempotent.
pub fn apply_defaults(schema: &Schema, value: &mut Value) {
    if let Value::Object(map) = value {
        object(&schema.types, schema.root, map);
    }
}

fn object(types: &Types, id: TypeId, map: &mut Map) {
    for field in &types.get(id).fields {
        if let Some(default) = &field.default
            && map.get(&field.name).is_none_or(|value| is_unset(value) || field.reads_as_unset(value))
        {
            map.insert(field.name.clone(), default.clone());
        }
        if has_objects(&field.shape)
            && let Some(value) = map.get_mut(&field.name)
        {
            inside(types, &field.shape, value);
        }
    }
}

/// An empty text counts as unset, as Go does not tell the two apart.
fn is_unset(value: &Value) -> bool {
    value.is_null() || value == ""
}

pub(crate) fn has_objects(shape: &Shape) -> bool {
    match shape {
        Shape::Object(_) => true,
        Shape::List(of, _) | Shape::Map(of, _) => has_objects(of),
        _ => false,
    }
}

fn inside(types: &Types, shape: &Shape, value: &mut Value) {
    match (shape, value) {
        (Shape::Object(id), Value::Object(map)) => object(types, *id, map),
        (Shape::List(of, _), Value::Array(items)) => {
            items.iter_mut().for_each(|item| inside(types, of, item))
        }
        (Shape::Map(of, _), Value::Object(map)) => {
            map.values_mut().for_each(|value| inside(types, of, value))
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::workload;

    #[test]
    fn defaults() {
        let check = |mut value: Value, expect: Value| {
            for _ in 0..2 {
                apply_defaults(&workload(), &mut value);
                assert_eq!(value, expect);
            }
        };
        let probe = json!({"protocol": "TCP"});
        check(json!({}), json!({}));
        check(json!({"spec": {}}), json!({"spec": {"replicas": 1, "policy": "Always", "probe": probe}}));
        check(
            json!({"spec": {"replicas": null, "policy": ""}}),
            json!({"spec": {"replicas": 1, "policy": "Always", "probe": probe}}),
        );
        check(
            json!({"spec": {"replicas": 0, "policy": "Never", "probe": {"protocol": "UDP"},
                            "containers": [{"ports": [{"containerPort": 1}]}], "named": {"a": {"ports": [{}]}}}}),
            json!({"spec": {"replicas": 0, "policy": "Never", "probe": {"protocol": "UDP"},
                            "containers": [{"ports": [{"containerPort": 1, "protocol": "TCP"}]}],
                            "named": {"a": {"ports": [{"protocol": "TCP"}]}}}}),
        );
    }
}
