//! Rules of namespaces.

use object::{FieldErrors, Value};
use serde_json::json;

use crate::Strategy;
use crate::rules::{At, Errors, Read, Write};

/// The label that repeats a namespace's name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// What must be done before a namespace goes: empty it.
const FINALIZER: &str = "kubernetes";

/// Namespaces that every cluster has.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Strategy of namespaces.
pub(crate) struct Namespace;

impl Strategy for Namespace {
    fn default(&self, namespace: &mut Value) {
        let name = namespace.text("metadata.name").to_owned();
        if name.is_empty() {
            return;
        }
        namespace.put_new("metadata.labels", json!({}));
        if let Some(labels) = namespace.at_mut("metadata.labels").and_then(Value::as_object_mut) {
            labels.insert(NAME_LABEL.to_owned(), name.into());
        }
    }

    fn prepare_create(&self, namespace: &mut Value) {
        self.default(namespace);
        let mut finalizers = namespace.items("spec.finalizers").to_vec();
        if !finalizers.iter().any(|f| f == FINALIZER) {
            finalizers.push(FINALIZER.into());
        }
        namespace.put("spec.finalizers", finalizers);
        namespace.put("status", json!({ "phase": "Active" }));
    }

    fn stays(&self, namespace: &Value) -> Option<&'static str> {
        IMMORTAL.contains(&namespace.text("metadata.name")).then_some("this namespace may not be deleted")
    }

    /// Only `/finalize` changes the finalizers.
    fn prepare_update(&self, new: &mut Value, old: &Value) {
        new.keep("spec.finalizers", old);
    }

    fn validate(&self, namespace: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        for finalizer in At::root(namespace).each("spec.finalizers") {
            errors.obey(&finalizer.path(""), finalizer.as_str().unwrap_or_default(), object::qualified_name);
        }
        errors.done()
    }
}
