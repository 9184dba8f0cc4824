//! JSON patch (RFC 6902), with bounds on what small patches can make large.

use std::io;

use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, PatchErrorKind, PatchOperation, RemoveOperation,
    ReplaceOperation, TestOperation,
};

use super::{MAX_COPIED, MAX_OPERATIONS, PatchError, go_kind};
use crate::json::MAX_DEPTH;
use crate::{Map, Value};

/// Values that one patch may look at for their depth: those that it adds, copies and moves.
const MAX_TOUCHED: usize = 4_000_000;
/// Places by which one patch may shift items of lists.
const MAX_SHIFTED: usize = 100_000_000;

pub(super) fn apply(object: &Value, patch: &Value) -> Result<Value, PatchError> {
    let operations = match patch {
        Value::Array(operations) => operations.as_slice(),
        Value::Null => &[],
        other => {
            let found = go_kind(other);
            let wanted = "[]handlers.jsonPatchOp";
            return Err(malformed(&format!("json: cannot unmarshal {found} into Go value of type {wanted}")));
        }
    };
    operations.iter().try_for_each(check_form)?;
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooManyOperations(operations.len()));
    }
    let mut object = object.clone();
    let mut bounds = Bounds { touched: MAX_TOUCHED, shifted: MAX_SHIFTED, copied: 0 };
    for operation in operations {
        let operation = read(operation)?;
        bounds.admit(&object, &operation)?;
        match json_patch::patch_unsafe(&mut object, std::slice::from_ref(&operation)) {
            Err(e) if !tests_for_absence(&operation, &e.kind) => {
                return Err(does_not_apply(&operation, &e.kind));
            }
            _ => {}
        }
    }
    Ok(object)
}

fn malformed(why: &str) -> PatchError {
    PatchError::Malformed(format!("error decoding patch: {why}"))
}

/// Whether an operation can be read at all: an object whose `op`, `path` and `from` are texts, where they are there.
fn check_form(operation: &Value) -> Result<(), PatchError> {
    let wrong = |value: &Value, into: &str| {
        Err(malformed(&format!("json: cannot unmarshal {} into Go {into}", go_kind(value))))
    };
    let map = match operation {
        Value::Object(map) => map,
        Value::Null => return Ok(()),
        other => return wrong(other, "value of type handlers.jsonPatchOp"),
    };
    for name in ["op", "path", "from"] {
        match map.get(name) {
            None | Some(Value::String(_) | Value::Null) => {}
            Some(other) => {
                return wrong(other, &format!("struct field jsonPatchOp.{name} of type string"));
            }
        }
    }
    Ok(())
}

/// An operation that has the form of one.
fn read(operation: &Value) -> Result<PatchOperation, PatchError> {
    let empty = Map::new();
    let map = operation.as_object().unwrap_or(&empty);
    let text = |name: &str| map.get(name).and_then(Value::as_str);
    let name = text("op").unwrap_or("unknown");
    let pointer = |field: &str| {
        let text = text(field).ok_or_else(|| {
            PatchError::Unprocessable(format!("{name} operation has no valid {field}: missing value"))
        })?;
        PointerBuf::parse(text).map_err(|_| {
            PatchError::Unprocessable(format!(
                "{name} operation does not apply: doc is missing path: {text:?}: missing value"
            ))
        })
    };
    // as upstream reads it, a value that is left out is null
    let value = || map.get("value").cloned().unwrap_or_default();
    Ok(match name {
        "add" => PatchOperation::Add(AddOperation { path: pointer("path")?, value: value() }),
        "remove" => PatchOperation::Remove(RemoveOperation { path: pointer("path")? }),
        "replace" => PatchOperation::Replace(ReplaceOperation { path: pointer("path")?, value: value() }),
        "move" => PatchOperation::Move(MoveOperation { from: pointer("from")?, path: pointer("path")? }),
        "copy" => PatchOperation::Copy(CopyOperation { from: pointer("from")?, path: pointer("path")? }),
        "test" => PatchOperation::Test(TestOperation { path: pointer("path")?, value: value() }),
        other => return Err(PatchError::Unprocessable(format!("Unexpected kind: {other}"))),
    })
}

/// What a patch may still cost.
struct Bounds {
    touched: usize,
    shifted: usize,
    /// Bytes of JSON copied so far.
    copied: usize,
}

impl Bounds {
    /// Refuses an operation that would nest too deep, or with which the patch costs too much.
    fn admit(&mut self, object: &Value, operation: &PatchOperation) -> Result<(), PatchError> {
        let refuse = |why: &str| Err(PatchError::Unprocessable(why.to_owned()));
        let (value, path) = match operation {
            PatchOperation::Add(op) => (Some(&op.value), &op.path),
            PatchOperation::Replace(op) => (Some(&op.value), &op.path),
            PatchOperation::Copy(op) => {
                let value = object.pointer(op.from.as_str());
                self.copied += value.map_or(0, json_size);
                if self.copied > MAX_COPIED {
                    return refuse(&format!(
                        "Unable to complete the copy, the accumulated size increase of copy is {}, exceeding the limit \
                         {MAX_COPIED}",
                        self.copied
                    ));
                }
                (value, &op.path)
            }
            PatchOperation::Move(op) => {
                self.shift(object, &op.from);
                (object.pointer(op.from.as_str()), &op.path)
            }
            PatchOperation::Remove(op) => (None, &op.path),
            PatchOperation::Test(_) => return Ok(()),
        };
        self.shift(object, path);
        let deepest = path.count() + value.map_or(0, |value| depth(value, &mut self.touched));
        if self.touched == 0 || self.shifted == 0 {
            return refuse("the patch touches too much");
        }
        if deepest > MAX_DEPTH { refuse("the patch nests too deep") } else { Ok(()) }
    }

    /// Counts the items of the list in which an operation works, all of which it may shift.
    fn shift(&mut self, object: &Value, path: &Pointer) {
        let parent = path.split_back().and_then(|(parent, _)| object.pointer(parent.as_str()));
        self.shifted = self.shifted.saturating_sub(parent.and_then(Value::as_array).map_or(0, Vec::len));
    }
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

/// Bytes of a value's JSON.
fn json_size(value: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX,
    }
}

/// A `test` for null holds where there is nothing, as upstream has it.
fn tests_for_absence(operation: &PatchOperation, kind: &PatchErrorKind) -> bool {
    matches!(operation, PatchOperation::Test(test) if test.value.is_null())
        && matches!(kind, PatchErrorKind::InvalidPointer)
}

fn does_not_apply(operation: &PatchOperation, kind: &PatchErrorKind) -> PatchError {
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
        check(json!(null), json!({"a": {"b": [1, 2]}, "x/y": 1}));
        check(json!([{"op": "add", "path": "/a"}]), json!({"a": null, "x/y": 1}));
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
        check(json!([{"op": "none", "path": "/a"}]), "Unexpected kind: none");
        check(json!([{"op": "remove"}]), "remove operation has no valid path: missing value");
        check(
            json!([{"op": "remove", "path": "a"}]),
            "remove operation does not apply: doc is missing path: \"a\": missing value",
        );
        check(
            json!([{"op": "add", "path": "/b/c", "value": 1}]),
            "add operation does not apply: /b/c: path is invalid",
        );
        for patch in [
            json!({}),
            json!("x"),
            json!([1]),
            json!([{"op": 1, "path": "/a"}]),
            json!([{"op": "copy", "path": "/a", "from": {}}]),
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
        assert_eq!(
            error.to_string(),
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"
        );
        let doubling = Value::Array(
            (0..100).map(|i| json!({"op": "copy", "from": "", "path": format!("/x{i}")})).collect(),
        );
        assert!(apply(&object, &doubling).is_err());
        let deepening = vec![json!({"op": "copy", "from": "/a", "path": "/a/a"}); 5000];
        assert!(apply(&json!({"a": {}}), &deepening.into()).is_err());
        let copies = Value::Array(
            (0..4).map(|i| json!({"op": "copy", "from": "/a", "path": format!("/b{i}")})).collect(),
        );
        let error = apply(&json!({"a": "x".repeat(1 << 20)}), &copies).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Unable to complete the copy, the accumulated size increase of copy is 3145734, exceeding the limit 3145728"
        );
        let shifting = Value::Array(vec![json!({"op": "add", "path": "/a/0", "value": 0}); MAX_OPERATIONS]);
        assert!(apply(&json!({"a": vec![0; 100_000]}), &shifting).is_err());
        assert!(apply(&json!({"a": []}), &shifting).is_ok());
        let long = "/a".repeat(MAX_DEPTH + 1);
        assert!(apply(&json!({}), &json!([{"op": "add", "path": long, "value": {}}])).is_err());
    }
}
