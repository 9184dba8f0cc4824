//! JSON merge patch (RFC 7386).

use super::{PatchError, not_an_object};
use crate::{Map, Value};

pub(super) fn apply(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    match patch {
        Value::Object(_) => {}
        Value::Null => return Err(PatchError::Malformed("Invalid JSON Patch".into())),
        other => {
            return Err(PatchError::Malformed(format!("error decoding patch: {}", not_an_object(other))));
        }
    }
    let mut object = object.clone();
    merge(&mut object, patch);
    Ok(object)
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, patch) in patch {
        if patch.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.as_str()).or_insert(Value::Null), patch);
        }
    }
}

/// The merge patch that turns `old` into `new`. Exact where no object in `new` has a null in it: a merge patch
/// cannot set one.
pub fn create_merge_patch(old: &Value, new: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return new.clone() };
    let mut patch = Map::new();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, new) in new {
        match old.get(name) {
            Some(old) if old == new => {}
            Some(old) if old.is_object() && new.is_object() => {
                patch.insert(name.clone(), create_merge_patch(old, new));
            }
            _ => {
                patch.insert(name.clone(), new.clone());
            }
        }
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::documents;

    #[test]
    fn patches() {
        let check = |object: Value, patch: Value, expect: Value| {
            assert_eq!(apply(&object, &patch), Ok(expect), "{patch}");
        };
        // the examples of RFC 7386, appendix A, whose patch is an object
        check(json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"}));
        check(json!({"a": "b"}), json!({"a": null}), json!({}));
        check(json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"}));
        check(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]}));
        check(json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}}));
        check(json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]}));
        check(json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1}));
        check(json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"}));
        check(json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}}));
    }

    #[test]
    fn not_objects() {
        let go = |found| {
            format!(
                "error decoding patch: json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
            )
        };
        for (patch, expect) in [
            (json!([]), go("array")),
            (json!("a"), go("string")),
            (json!(1), go("number")),
            (json!(null), "Invalid JSON Patch".to_owned()),
        ] {
            assert_eq!(apply(&json!({}), &patch), Err(PatchError::Malformed(expect)));
        }
    }

    #[test]
    fn created() {
        let check =
            |old: Value, new: Value, expect: Value| assert_eq!(create_merge_patch(&old, &new), expect);
        check(json!({"a": 1, "b": 2}), json!({"a": 1, "c": 3}), json!({"b": null, "c": 3}));
        check(json!({"a": {"x": 1, "y": [1]}}), json!({"a": {"x": 1, "y": [2]}}), json!({"a": {"y": [2]}}));
        check(json!({"a": 1}), json!({"a": 1}), json!({}));
    }

    fn without_nulls(value: Value) -> Value {
        match value {
            Value::Object(map) => map
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
            value => value,
        }
    }

    proptest! {
        #[test]
        fn what_is_created_leads_there(old in documents(), new in documents()) {
            let (old, new) = (json!({"x": old}), without_nulls(json!({"x": new})));
            prop_assert_eq!(apply(&old, &create_merge_patch(&old, &new)), Ok(new));
        }
    }
}
