//! Pods for tests.

use std::collections::HashMap;
use std::sync::Arc;

use kinds::Kind;
use object::{Encoded, Key, Schema, Type, TypeId, Types, encode};
use serde_json::json;

use crate::{CacheChange, Entry};

/// A row for pods, with `spec.nodeName` and `status.phase` to select by, and no schema.
pub(crate) fn pods() -> Kind {
    let types = Types { types: vec![Type::default()], by_name: HashMap::new() };
    let schema = Schema { types: Arc::new(types), root: TypeId(0) };
    let row = kinds::plain("", "v1", "Pod", "pods", schema);
    Kind { selectable: vec!["spec.nodeName".into(), "status.phase".into()], ..row }
}

/// A pod at a revision.
pub(crate) fn pod(namespace: &str, name: &str, node: &str, labels: &[(&str, &str)], revision: u64) -> Entry {
    let labels: serde_json::Map<_, _> = labels.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
    let object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "uid": format!("{namespace}/{name}"), "labels": labels},
        "spec": {"nodeName": node},
    });
    let Encoded { bytes, .. } = encode(&object);
    Entry::new(&pods(), Key::new(namespace, name), bytes, revision, revision).unwrap()
}

/// The change that puts a pod.
pub(crate) fn put(entry: Entry) -> CacheChange {
    CacheChange::Put { resource: "pods".into(), entry: Arc::new(entry) }
}

/// The change that removes a pod.
pub(crate) fn gone(namespace: &str, name: &str, revision: u64) -> CacheChange {
    CacheChange::Gone { resource: "pods".into(), key: Key::new(namespace, name), revision }
}
