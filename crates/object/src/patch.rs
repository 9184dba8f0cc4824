//! Patches: JSON patch (RFC 6902), merge patch (RFC 7386) and strategic merge patch.

mod json;
mod list;
mod merge;
mod strategic;

use crate::json::{MAX_PARTS, TOO_MANY_PARTS, parts};
use crate::{Schema, Value};

pub use merge::create_merge_patch;
pub use strategic::go_text;

/// Operations that one JSON patch may have.
pub const MAX_OPERATIONS: usize = 10_000;
/// Bytes of JSON that the `copy` operations of one JSON patch may copy (upstream's `JSONPatchMaxCopyBytes`).
pub const MAX_COPIED: usize = 3 * 1024 * 1024;

/// How a patch is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// `application/json-patch+json`.
    Json,
    /// `application/merge-patch+json`.
    Merge,
    /// `application/strategic-merge-patch+json`.
    Strategic,
}

/// Why a patch cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch is not one of its type (400).
    #[error("{0}")]
    Malformed(String),
    /// A JSON patch has this many operations, more than [`MAX_OPERATIONS`] (413).
    #[error(
        "Request entity too large: The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {0}"
    )]
    TooManyOperations(usize),
    /// The patch does not fit the object: a path leads nowhere, a `test` fails (422).
    #[error("{0}")]
    Unprocessable(String),
    /// The lists of a strategic patch cannot be merged: a merge key is missing, a directive is unknown. Upstream blames
    /// itself (500).
    #[error("{0}")]
    Unmergeable(String),
}

/// The object after the patch; the schema is needed by strategic merges only. Neither unknown fields nor types are
/// checked: that is [`crate::conform`]'s part.
///
/// # Errors
/// See [`PatchError`].
pub fn apply_patch(
    kind: PatchType,
    schema: &Schema,
    object: &Value,
    patch: &Value,
) -> Result<Value, PatchError> {
    let patched = match kind {
        PatchType::Json => json::apply(object, patch),
        PatchType::Merge => merge::apply(object, patch),
        PatchType::Strategic => strategic::apply(schema, object, patch),
    }?;
    match parts(&patched) {
        count if count > MAX_PARTS => Err(PatchError::Unprocessable(TOO_MANY_PARTS.to_owned())),
        _ => Ok(patched),
    }
}

/// What a patch must be where it is not: the message of Go's decoder.
fn not_an_object(patch: &Value) -> String {
    format!("json: cannot unmarshal {} into Go value of type map[string]interface {{}}", go_kind(patch))
}

/// What Go's decoder calls a value of this type.
pub fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
