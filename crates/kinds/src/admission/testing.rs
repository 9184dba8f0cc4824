//! What the tests of plugins share.

use object::Value;
use serde_json::json;

use super::{Mutate, Review, Validate};
use crate::built_in;

/// Lets a plugin complete an object of the kind, given these documents.
pub(super) fn mutate(kind: &str, rule: Mutate, object: Value, documents: &[Value]) -> Result<Value, String> {
    let (mut object, rows) = (object, built_in());
    let kind = rows.iter().find(|row| row.kind == kind).expect("a row");
    rule(&mut object, &Review { kind, namespace: "n", old: None, documents, suffix: "abcde" })
        .map(|()| object)
}

/// What a plugin has against an object, or against a change of it.
pub(super) fn refusal(rule: Validate, object: &Value, old: Option<&Value>, documents: &[Value]) -> String {
    let rows = built_in();
    let kind = rows.iter().next().expect("a row");
    rule(object, &Review { kind, namespace: "n", old, documents, suffix: "" }).err().unwrap_or_default()
}

/// A pod with these fields in its spec.
pub(super) fn pod(spec: Value) -> Value {
    json!({"metadata": {"name": "p", "namespace": "n"}, "spec": spec})
}
