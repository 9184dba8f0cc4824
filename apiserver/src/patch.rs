//! What a patch makes of an object, and how it is refused.

use object::{FieldError, PatchError, PatchType, Path, Reason, Schema, Status, Value, go_text};

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
    pub(crate) fn apply(&self, schema: &Schema, old: &Value) -> Result<Value, Status> {
        object::apply_patch(self.kind, schema, old, &self.document).map_err(|e| match e {
            PatchError::Malformed(text) => Status::bad_request(text),
            PatchError::TooManyOperations { .. } => {
                Status::new(413, Reason::RequestEntityTooLarge, e.to_string())
            }
            // nobody is told why: upstream answers what its client makes of an answer of this code
            PatchError::Unprocessable(_) => {
                let why = "the server rejected our request due to an error in our request";
                let details = Some(Box::default());
                Status { details, ..Status::new(422, Reason::Invalid, why) }
            }
            PatchError::Unmergeable(message) => Status { code: 500, reason: None, message, details: None },
        })
    }

    /// The patch made something that cannot be read as an object of its kind. Upstream shows the result, or of a
    /// strategic patch itself in Go's notation.
    pub(crate) fn unreadable(&self, made: &Value, why: &str) -> Status {
        let shown = match self.kind {
            PatchType::Strategic => go_text(&self.document),
            _ => made.to_string(),
        };
        Status::invalid("", "", "", &[FieldError::invalid(&Path::new("patch"), shown, why)])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_shown() {
        let check = |kind, expect: &str| {
            let document = json!({"b": [1, null], "a": {"c": "x"}});
            let patch = Patch { kind, document, duplicates: Vec::new() };
            let status = patch.unreadable(&json!({"a": "x"}), "why");
            assert_eq!((status.code, status.message.as_str()), (422, expect));
        };
        check(PatchType::Merge, r#" "" is invalid: patch: Invalid value: "{\"a\":\"x\"}": why"#);
        check(
            PatchType::Strategic,
            r#" "" is invalid: patch: Invalid value: "map[a:map[c:x] b:[1 <nil>]]": why"#,
        );
    }
}
