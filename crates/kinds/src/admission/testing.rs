//! What the tests of plugins share.

use object::Value;
use serde_json::json;

use super::{Mutate, Review, Validate};

/// Lets a plugin complete an object, given these documents.
pub(super) fn mutate(rule: Mutate, mut object: Value, documents: &[Value]) -> Result<Value, String> {
    rule(&mut object, &Review { namespace: "n", old: None, documents, suffix: "abcde" }).map(|()| object)
}

/// What a plugin has against an object, or against a change of it.
pub(super) fn refusal(rule: Validate, object: &Value, old: Option<&Value>, documents: &[Value]) -> String {
    rule(object, &Review { namespace: "n", old, documents, suffix: "" }).err().unwrap_or_default()
}

/// A pod with these fields in its spec.
pub(super) fn pod(spec: Value) -> Value {
    json!({"metadata": {"name": "p", "namespace": "n"}, "spec": spec})
}
