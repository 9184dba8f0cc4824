//! Pruning: what a schema does not know is taken out of a value.

use object::{Map, Value};

use super::schema::{Others, Schema};

/// What each resource has, whatever its schema says.
pub(super) const META: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Takes out of a value what its schema does not know, but for what each resource has. Tells whether there was any.
pub(super) fn prune(schema: &Schema, value: &mut Value, is_resource: bool) -> bool {
    match value {
        Value::Object(map) => prune_object(schema, map, is_resource),
        Value::Array(items) => match (&schema.items, schema.keeps_unknown) {
            (None, true) => false,
            // a schema that keeps what it does not know keeps it in all items
            (Some(of), true) => any(items, |item| keep(of, item)),
            (of, false) => any(items, |item| prune_or_empty(of.as_deref(), item)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Changes all. Tells whether any was changed.
fn any<T>(items: impl IntoIterator<Item = T>, change: impl FnMut(T) -> bool) -> bool {
    items.into_iter().map(change).filter(|changed| *changed).count() > 0
}

/// Prunes as if the schema kept what it does not know.
fn keep(schema: &Schema, value: &mut Value) -> bool {
    match value {
        Value::Object(map) => prune_known(schema, map, schema.is_resource),
        Value::Array(items) => schema.items.as_deref().is_some_and(|of| any(items, |item| keep(of, item))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn prune_object(schema: &Schema, map: &mut Map, is_resource: bool) -> bool {
    let before = map.len();
    if !schema.keeps_unknown && matches!(schema.others, Others::Unsaid) {
        let is_known =
            |name: &str| schema.properties.contains_key(name) || is_resource && META.contains(&name);
        map.retain(|name, _| is_known(name));
    }
    let is_shorter = map.len() < before;
    prune_known(schema, map, is_resource) || is_shorter
}

/// Prunes what is in the properties that stay.
fn prune_known(schema: &Schema, map: &mut Map, is_resource: bool) -> bool {
    let inside = map.iter_mut().filter(|(name, _)| !(is_resource && META.contains(&name.as_str())));
    any(inside, |(name, value)| match (schema.property(name), &schema.others) {
        (Some(of), _) => prune(of, value, of.is_resource),
        (None, Others::Unsaid) => false,
        (None, _) => prune_or_empty(None, value),
    })
}

/// Prunes a value that may have no schema: then no object has fields.
fn prune_or_empty(schema: Option<&Schema>, value: &mut Value) -> bool {
    match (schema, value) {
        (Some(schema), value) => prune(schema, value, schema.is_resource),
        (None, Value::Object(map)) => {
            let had_fields = !map.is_empty();
            map.clear();
            had_fields
        }
        (None, Value::Array(items)) => any(items, |item| prune_or_empty(None, item)),
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_pruned() {
        let check = |schema: Value, mut value: Value, expect: Value| {
            let changes = value != expect;
            assert_eq!(prune(&Schema::read(&schema), &mut value, false), changes, "{schema}");
            assert_eq!(value, expect, "{schema}");
        };
        let known = json!({ "properties": { "a": {} } });
        check(known.clone(), json!({ "a": 1, "b": 2 }), json!({ "a": 1 }));
        check(known.clone(), json!({ "a": { "b": 2 } }), json!({ "a": {} }));
        check(known.clone(), json!("x"), json!("x"));
        check(
            json!({ "items": known }),
            json!([{ "a": 1 }, { "b": 1 }, [{ "b": 1 }]]),
            json!([{ "a": 1 }, {}, [{}]]),
        );
        check(json!({}), json!([{ "b": 1 }, 1]), json!([{}, 1]));
        check(
            json!({ "additionalProperties": known }),
            json!({ "x": { "a": 1, "b": 2 } }),
            json!({ "x": { "a": 1 } }),
        );
        check(
            json!({ "additionalProperties": true }),
            json!({ "x": { "a": 1 }, "y": 1, "z": [{ "a": 1 }] }),
            json!({ "x": {}, "y": 1, "z": [{}] }),
        );
        let keeps = json!({ "x-kubernetes-preserve-unknown-fields": true, "properties": { "p": known } });
        check(
            keeps.clone(),
            json!({ "b": { "c": 1 }, "p": { "b": 1 } }),
            json!({ "b": { "c": 1 }, "p": {} }),
        );
        check(keeps.clone(), json!([{ "b": 1 }]), json!([{ "b": 1 }]));
        let list = json!({ "x-kubernetes-preserve-unknown-fields": true, "items": known });
        check(
            list,
            json!([{ "b": 1, "a": { "c": 1 } }, [{ "b": 1 }]]),
            json!([{ "b": 1, "a": {} }, [{ "b": 1 }]]),
        );
        let resource = json!({ "properties": { "a": { "x-kubernetes-embedded-resource": true, "properties": { "spec": {} } } } });
        check(
            resource,
            json!({ "a": { "kind": "K", "apiVersion": "v1", "metadata": { "x": 1 }, "y": 1 }, "metadata": {} }),
            json!({ "a": { "kind": "K", "apiVersion": "v1", "metadata": { "x": 1 } } }),
        );
    }
}
