//! Rules of namespaces.

use object::{FieldError, FieldErrors, Path, Value};
use serde_json::json;

use crate::rules::{At, Errors, Read, Write};
use crate::{Part, Strategy};

/// The label that repeats a namespace's name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// What must be done before a namespace goes: empty it.
const FINALIZER: &str = "kubernetes";
const STANDARD_FINALIZERS: [&str; 3] = [FINALIZER, "orphan", "foregroundDeletion"];

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
        let path = At::root(namespace).path("spec.finalizers");
        for finalizer in namespace.items("spec.finalizers") {
            check_finalizer(&path, finalizer.text(""), &mut errors);
        }
        errors.done()
    }

    /// A namespace is active until it is deleted.
    fn validate_status(&self, new: &Value, _: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(new), Errors::new());
        let (right, when) = match new.has("metadata.deletionTimestamp") {
            false => ("Active", "empty"),
            true => ("Terminating", "not empty"),
        };
        let phase = new.text("status.phase");
        if phase != right {
            let detail = format!("may only be '{right}' if `deletionTimestamp` is {when}");
            errors.push(FieldError::invalid(&root.path("status.Phase"), phase, detail));
        }
        errors.done()
    }

    fn validate_part(&self, part: &Part, new: &Value, _: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        if *part == Part::FINALIZE {
            for finalizer in At::root(new).each("spec.finalizers") {
                check_finalizer(&finalizer.path(""), finalizer.text(""), &mut errors);
            }
        }
        errors.done()
    }
}

/// Names of finalizers have a domain, but for those of Kubernetes.
fn check_finalizer(path: &Path, name: &str, errors: &mut Errors) {
    errors.obey(path, name, object::qualified_name);
    if !name.contains('/') && !STANDARD_FINALIZERS.contains(&name) {
        let detail = "name is neither a standard finalizer name nor is it fully qualified";
        errors.push(FieldError::invalid(path, name, detail));
    }
}
