//! The three-way merge of a client-side apply: what was applied last, what is wanted, and what there is.

use object::{List, Map, Schema, Shape, Types, Value};
use serde_json::json;

/// The patch that takes `current` to what is wanted: fields of `modified` are set, fields of `original` that
/// `modified` lacks are removed, others stay. With a schema it is a strategic merge patch, without one a merge patch.
/// Empty where there is nothing to do.
pub(crate) fn three_way(
    schema: Option<&Schema>,
    original: &Value,
    modified: &Value,
    current: &Value,
) -> Value {
    let shape = schema.map_or(Shape::Any, |schema| Shape::Object(schema.root));
    let merge = Merge { types: schema.map(|schema| &*schema.types) };
    let (Some(modified), Some(current)) = (modified.as_object(), current.as_object()) else {
        return json!({});
    };
    let none = Map::new();
    Value::Object(merge.map(&shape, original.as_object().unwrap_or(&none), modified, current))
}

struct Merge<'a> {
    types: Option<&'a Types>,
}

impl Merge<'_> {
    fn map(&self, shape: &Shape, original: &Map, modified: &Map, current: &Map) -> Map {
        let mut patch = Map::new();
        for (name, wanted) in modified {
            let Some(present) = current.get(name) else {
                if !wanted.is_null() {
                    patch.insert(name.clone(), wanted.clone());
                }
                continue;
            };
            let before = original.get(name).unwrap_or(&Value::Null);
            self.field(shape, name, (before, wanted, present), &mut patch);
        }
        for name in
            original.keys().filter(|name| !modified.contains_key(*name) && current.contains_key(*name))
        {
            patch.insert(name.clone(), Value::Null);
        }
        patch
    }

    /// What a field needs that is wanted and there.
    fn field(
        &self,
        shape: &Shape,
        name: &str,
        (before, wanted, present): (&Value, &Value, &Value),
        patch: &mut Map,
    ) {
        let (shape, retain) = self.shape_of(shape, name);
        match (wanted, present) {
            (Value::Object(wanted), Value::Object(present)) if !self.is_atomic(&shape) => {
                let none = Map::new();
                let mut inner = self.map(&shape, before.as_object().unwrap_or(&none), wanted, present);
                if !inner.is_empty() {
                    if retain {
                        let keys: Vec<_> = wanted.keys().cloned().collect();
                        inner.insert("$retainKeys".into(), keys.into());
                    }
                    patch.insert(name.to_owned(), inner.into());
                }
            }
            (Value::Array(wanted), Value::Array(present)) => {
                let before = before.as_array().map_or(&[][..], Vec::as_slice);
                match &shape {
                    Shape::List(item, List { merge: true, merge_key: Some(key), .. }) => {
                        self.keyed(item, (name, key), (before, wanted, present), patch);
                    }
                    Shape::List(_, List { merge: true, .. }) => set(name, (before, wanted, present), patch),
                    _ if wanted != present => {
                        patch.insert(name.to_owned(), wanted.clone().into());
                    }
                    _ => {}
                }
            }
            _ if wanted != present => {
                patch.insert(name.to_owned(), wanted.clone());
            }
            _ => {}
        }
    }

    /// A list whose items are known by a key.
    fn keyed(
        &self,
        item: &Shape,
        (name, key): (&str, &str),
        (before, wanted, present): (&[Value], &[Value], &[Value]),
        patch: &mut Map,
    ) {
        let find = |list: &[Value], id: &Value| list.iter().find(|item| item.get(key) == Some(id)).cloned();
        let none = Map::new();
        let mut changes = Vec::new();
        for wanted in wanted {
            let Some((id, fields)) = wanted.get(key).zip(wanted.as_object()) else { continue };
            let Some(Value::Object(present)) = find(present, id) else {
                changes.push(wanted.clone());
                continue;
            };
            let before = find(before, id);
            let before = before.as_ref().and_then(Value::as_object).unwrap_or(&none);
            let mut inner = self.map(item, before, fields, &present);
            if !inner.is_empty() {
                inner.insert(key.to_owned(), id.clone());
                changes.push(inner.into());
            }
        }
        let gone = before.iter().filter_map(|item| item.get(key)).filter(|id| find(wanted, id).is_none());
        for id in gone.filter(|id| find(present, id).is_some()) {
            changes.push(json!({"$patch": "delete", key: id}));
        }
        if !changes.is_empty() {
            let order: Vec<_> = wanted.iter().filter_map(|item| Some(json!({key: item.get(key)?}))).collect();
            patch.insert(format!("$setElementOrder/{name}"), order.into());
            patch.insert(name.to_owned(), changes.into());
        }
    }

    /// The shape of a field, and whether a merge keeps only the keys that are wanted.
    fn shape_of(&self, shape: &Shape, name: &str) -> (Shape, bool) {
        match (shape, self.types) {
            (Shape::Object(id), Some(types)) => {
                types.get(*id).field(name).map_or((Shape::Any, false), |f| (f.shape.clone(), f.retain_keys))
            }
            (Shape::Map(value, _), _) => ((**value).clone(), false),
            _ => (Shape::Any, false),
        }
    }

    /// Whether the whole object is replaced: only structured merges know such.
    fn is_atomic(&self, shape: &Shape) -> bool {
        match (shape, self.types) {
            (Shape::Map(_, atomic), _) => *atomic,
            _ => false,
        }
    }
}

/// A list of plain values that merges as a set.
fn set(name: &str, (before, wanted, present): (&[Value], &[Value], &[Value]), patch: &mut Map) {
    let add: Vec<_> = wanted.iter().filter(|value| !present.contains(value)).cloned().collect();
    let gone = before.iter().filter(|value| !wanted.contains(value) && present.contains(value));
    let gone: Vec<_> = gone.cloned().collect();
    if add.is_empty() && gone.is_empty() {
        return;
    }
    patch.insert(format!("$setElementOrder/{name}"), wanted.to_vec().into());
    if !gone.is_empty() {
        patch.insert(format!("$deleteFromPrimitiveList/{name}"), gone.into());
    }
    if !add.is_empty() {
        patch.insert(name.to_owned(), add.into());
    }
}

#[cfg(test)]
mod tests {
    use object::{PatchType, apply_patch};

    use super::*;

    fn deployment(replicas: Value, containers: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": containers}}}})
    }

    #[test]
    fn strategic() {
        let schema = kinds::schema_by_kind("apps", "v1", "Deployment").unwrap();
        let last = deployment(json!(2), json!([{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]));
        let mut current = last.clone();
        current["spec"]["paused"] = json!(false);
        current["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("Always");
        assert_eq!(three_way(Some(&schema), &last, &last, &current), json!({}));

        let wanted = deployment(json!(3), json!([{"name": "a", "image": "z"}]));
        let patch = three_way(Some(&schema), &last, &wanted, &current);
        let expect = json!({"spec": {"replicas": 3, "template": {"spec": {
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [{"name": "a", "image": "z"}, {"name": "b", "$patch": "delete"}],
        }}}});
        assert_eq!(patch, expect);
        let after = apply_patch(PatchType::Strategic, &schema, &current, &patch).unwrap();
        let containers = &after["spec"]["template"]["spec"]["containers"];
        assert_eq!(*containers, json!([{"name": "a", "image": "z", "imagePullPolicy": "Always"}]));
        assert_eq!(three_way(Some(&schema), &wanted, &wanted, &after), json!({}));
    }

    #[test]
    fn merge() {
        let check = |original: Value, modified: Value, current: Value, expect: Value| {
            assert_eq!(three_way(None, &original, &modified, &current), expect);
        };
        check(json!({}), json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}), json!({}));
        check(json!({"a": 1, "b": 1}), json!({"a": 1}), json!({"a": 1, "b": 2}), json!({"b": null}));
        check(json!({"b": 1}), json!({}), json!({}), json!({}));
        check(json!({}), json!({"l": [1]}), json!({"l": [2, 3]}), json!({"l": [1]}));
        check(json!({}), json!({"n": null}), json!({"n": 5}), json!({"n": null}));
    }
}
