//! Dotted paths into documents: `spec.template.spec.nodeName`. Keys that contain dots cannot be named.

use crate::{Map, Value};

/// The value at a dotted path; `None` where a part is absent or its parent is not an object.
pub fn get_path<'a>(value: &'a Value, dotted: &str) -> Option<&'a Value> {
    dotted.split('.').try_fold(value, |at, name| at.get(name))
}

/// Sets the value at a dotted path. Parents that are absent or not objects become objects.
pub fn set_path(value: &mut Value, dotted: &str, new: Value) {
    let target = dotted.split('.').fold(value, |at, name| {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        &mut at[name]
    });
    *target = new;
}

/// Takes the value at a dotted path out of the document.
pub fn remove_path(value: &mut Value, dotted: &str) -> Option<Value> {
    let (parent, name) = match dotted.rsplit_once('.') {
        Some((parent, name)) => (parent.split('.').try_fold(value, |at, name| at.get_mut(name))?, name),
        None => (value, dotted),
    };
    parent.as_object_mut()?.remove(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn gets() {
        let value = json!({"spec": {"replicas": 3, "list": [1]}});
        let check =
            |path, expect: Option<Value>| assert_eq!(get_path(&value, path), expect.as_ref(), "{path}");
        check("spec.replicas", Some(json!(3)));
        check("spec.absent", None);
        check("spec.replicas.deeper", None);
        check("spec.list.0", None);
    }

    #[test]
    fn sets() {
        let check = |mut value: Value, path, expect: Value| {
            set_path(&mut value, path, json!(1));
            assert_eq!(value, expect, "{path}");
        };
        check(json!({}), "a.b.c", json!({"a": {"b": {"c": 1}}}));
        check(json!({"a": null}), "a.b", json!({"a": {"b": 1}}));
        check(json!({"a": {"b": 2, "c": 3}}), "a.b", json!({"a": {"b": 1, "c": 3}}));
    }

    #[test]
    fn removes() {
        let check = |path, removed: Option<Value>, expect: Value| {
            let mut value = json!({"a": {"b": 2, "c": 3}});
            assert_eq!(remove_path(&mut value, path), removed, "{path}");
            assert_eq!(value, expect, "{path}");
        };
        check("a.b", Some(json!(2)), json!({"a": {"c": 3}}));
        check("a", Some(json!({"b": 2, "c": 3})), json!({}));
        check("a.x", None, json!({"a": {"b": 2, "c": 3}}));
        check("x.y", None, json!({"a": {"b": 2, "c": 3}}));
    }
}
