//! JSON patch (RFC 6902), with bounds on what small patches can make large.

use json_patch::jsonptr::Pointer;
use json_patch::{PatchErrorKind, PatchOperation};
use serde::Deserialize;

use super::{MAX_OPERATIONS, PatchError};
use crate::Value;
use crate::json::MAX_DEPTH;

/// Values that the `copy` and `move` operations of one patch may touch.
const MAX_TOUCHED: usize = 1_000_000;

pub(super) fn apply(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    let operations = patch.as_array().map_or(0, Vec::len);
    if operations > MAX_OPERATIONS {
        return Err(PatchError::TooManyOperations(operations));
    }
    let operations: Vec<PatchOperation> =
        Vec::deserialize(patch).map_err(|e| PatchError::Malformed(format!("error decoding patch: {e}")))?;
    let (mut object, mut left) = (object.clone(), MAX_TOUCHED);
    for operation in &operations {
        check_growth(&object, operation, &mut left)?;
        match json_patch::patch_unsafe(&mut object, std::slice::from_ref(operation)) {
            Err(e) if !tests_for_absence(operation, &e.kind) => {
                return Err(unprocessable(operation, &e.kind));
            }
            _ => {}
        }
    }
    Ok(object)
}

/// Refuses what would nest too deep or copy too much; `left` is what may still be touched.
fn check_growth(object: &Value, operation: &PatchOperation, left: &mut usize) -> Result<(), PatchError> {
    let (value, path) = match operation {
        PatchOperation::Add(op) => (Some(&op.value), &op.path),
        PatchOperation::Replace(op) => (Some(&op.value), &op.path),
        PatchOperation::Copy(op) => (object.pointer(op.from.as_str()), &op.path),
        PatchOperation::Move(op) => (object.pointer(op.from.as_str()), &op.path),
        PatchOperation::Remove(_) | PatchOperation::Test(_) => return Ok(()),
    };
    let deepest = path.count() + value.map_or(0, |value| depth(value, left));
    if *left == 0 {
        return Err(PatchError::Unprocessable("the patch copies too much".into()));
    }
    if deepest > MAX_DEPTH {
        return Err(PatchError::Unprocessable("the patch nests too deep".into()));
    }
    Ok(())
}

/// Levels of nesting below a value. Each value visited is one less `left`; at 0 the walk ends.
fn depth(value: &Value, left: &mut usize) -> usize {
    *left = left.saturating_sub(1);
    if *left == 0 {
        return 0;
    }
    match value {
        Value::Array(items) => 1 + items.iter().map(|value| depth(value, left)).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(|value| depth(value, left)).max().unwrap_or(0),
        _ => 0,
    }
}

/// A `test` for null holds where there is nothing, as upstream has it.
fn tests_for_absence(operation: &PatchOperation, kind: &PatchErrorKind) -> bool {
    matches!(operation, PatchOperation::Test(test) if test.value.is_null())
        && matches!(kind, PatchErrorKind::InvalidPointer)
}

fn unprocessable(operation: &PatchOperation, kind: &PatchErrorKind) -> PatchError {
    let path: &Pointer = operation.path();
    let name = match operation {
        PatchOperation::Add(_) => "add",
        PatchOperation::Remove(_) => "remove",
        PatchOperation::Replace(_) => "replace",
        PatchOperation::Move(_) => "move",
        PatchOperation::Copy(_) => "copy",
        PatchOperation::Test(_) => {
            return PatchError::Unprocessable(format!("testing value {path} failed: test failed"));
        }
    };
    PatchError::Unprocessable(format!("{name} operation does not apply: {path}: {kind}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations() {
        let check = |patch: Value, expect: Value| {
            let object = json!({"a": {"b": [1, 2]}, "x/y": 1});
            assert_eq!(apply(&object, &patch), Ok(expect), "{patch}");
        };
        check(json!([]), json!({"a": {"b": [1, 2]}, "x/y": 1}));
        check(json!([{"op": "add", "path": "/a/b/-", "value": 3}]), json!({"a": {"b": [1, 2, 3]}, "x/y": 1}));
        check(json!([{"op": "replace", "path": "/x~1y", "value": 2}]), json!({"a": {"b": [1, 2]}, "x/y": 2}));
        check(json!([{"op": "remove", "path": "/a"}]), json!({"x/y": 1}));
        check(json!([{"op": "move", "from": "/a/b", "path": "/c"}]), json!({"a": {}, "c": [1, 2], "x/y": 1}));
        check(
            json!([{"op": "copy", "from": "/x~1y", "path": "/a/c"}]),
            json!({"a": {"b": [1, 2], "c": 1}, "x/y": 1}),
        );
        check(
            json!([{"op": "test", "path": "/a/b/0", "value": 1}, {"op": "test", "path": "/none", "value": null}]),
            json!({"a": {"b": [1, 2]}, "x/y": 1}),
        );
    }

    #[test]
    fn failures() {
        let check = |patch: Value, expect: &str| {
            let error = apply(&json!({"a": 1}), &patch).expect_err(&patch.to_string());
            assert!(matches!(error, PatchError::Unprocessable(_)), "{error:?}");
            assert_eq!(error.to_string(), expect);
        };
        check(json!([{"op": "test", "path": "/a", "value": 2}]), "testing value /a failed: test failed");
        check(
            json!([{"op": "remove", "path": "/b"}]),
            "remove operation does not apply: /b: path is invalid",
        );
        check(
            json!([{"op": "add", "path": "/b/c", "value": 1}]),
            "add operation does not apply: /b/c: path is invalid",
        );
        for patch in [
            json!({}),
            json!([{"op": "none", "path": "/a"}]),
            json!([{"op": "remove", "path": "a"}]),
            json!([1]),
        ] {
            assert!(matches!(apply(&json!({}), &patch), Err(PatchError::Malformed(_))), "{patch}");
        }
    }

    #[test]
    fn bounds() {
        let many = |count| Value::Array(vec![json!({"op": "test", "path": "/a", "value": 1}); count]);
        let object = json!({"a": 1});
        assert!(apply(&object, &many(MAX_OPERATIONS)).is_ok());
        let error = apply(&object, &many(MAX_OPERATIONS + 1)).unwrap_err();
        assert_eq!(error.to_string(), "The allowed maximum operations in a JSON patch is 10000, got 10001");
        let doubling = Value::Array(
            (0..100).map(|i| json!({"op": "copy", "from": "", "path": format!("/x{i}")})).collect(),
        );
        assert!(apply(&object, &doubling).is_err());
        let deepening = vec![json!({"op": "copy", "from": "/a", "path": "/a/a"}); 5000];
        assert!(apply(&json!({"a": {}}), &deepening.into()).is_err());
        let long = "/a".repeat(MAX_DEPTH + 1);
        assert!(apply(&json!({}), &json!([{"op": "add", "path": long, "value": {}}])).is_err());
    }
}
