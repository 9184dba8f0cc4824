//! What a patch makes of an object, and how it is refused.

use kinds::Kind;
use object::{Cause, FieldError, Key, PatchError, PatchType, Path, Reason, Schema, Status, Value};

/// A patch as a client sent it.
#[derive(Debug)]
pub(crate) struct Patch {
    pub(crate) kind: PatchType,
    pub(crate) document: Value,
    /// Fields that it states more than once.
    pub(crate) duplicates: Vec<String>,
}

impl Patch {
    /// The document as the patch changes it: an object of the kind, or one of another schema about it.
    pub(crate) fn apply(
        &self,
        schema: &Schema,
        kind: &Kind,
        key: &Key,
        old: &Value,
    ) -> Result<Value, Status> {
        object::apply_patch(self.kind, schema, old, &self.document).map_err(|e| match e {
            PatchError::Malformed(text) => Status::bad_request(text),
            PatchError::TooManyOperations { .. } => {
                Status::new(413, Reason::RequestEntityTooLarge, e.to_string())
            }
            PatchError::Unprocessable(text) => {
                let why = "the server rejected our request due to an error in our request";
                let mut status = Status::new(422, Reason::Invalid, why);
                let details = status.details.get_or_insert_default();
                (details.group, details.kind, details.name) =
                    (kind.group.clone(), kind.kind.clone(), key.name.clone());
                details.causes =
                    vec![Cause { reason: String::new(), message: text, field: "patch".to_owned() }];
                status
            }
        })
    }

    /// The patch made something that cannot be read as an object of its kind. Upstream shows the result, that of a
    /// strategic patch in Go's notation.
    pub(crate) fn unreadable(&self, made: &Value, why: &str) -> Status {
        let shown = match self.kind {
            PatchType::Strategic => in_go(made),
            _ => made.to_string(),
        };
        Status::invalid("", "", "", &[FieldError::invalid(&Path::new("patch"), shown, why)])
    }
}

/// A value as Go's `%+v` writes it.
fn in_go(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(in_go).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut fields: Vec<String> =
                map.iter().map(|(name, value)| format!("{name}:{}", in_go(value))).collect();
            fields.sort();
            format!("map[{}]", fields.join(" "))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_shown() {
        let made = json!({"b": [1, null], "a": {"c": "x"}});
        let check = |kind, expect: &str| {
            let patch = Patch { kind, document: Value::Null, duplicates: Vec::new() };
            let status = patch.unreadable(&made, "why");
            assert_eq!((status.code, status.message.as_str()), (422, expect));
        };
        check(
            PatchType::Merge,
            r#" "" is invalid: patch: Invalid value: "{\"a\":{\"c\":\"x\"},\"b\":[1,null]}": why"#,
        );
        check(
            PatchType::Strategic,
            r#" "" is invalid: patch: Invalid value: "map[a:map[c:x] b:[1 <nil>]]": why"#,
        );
    }
}
