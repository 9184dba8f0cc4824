//! Rules of events.

use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::{At, Errors, Read};

/// Strategy of events.
pub(crate) struct Event;

impl Strategy for Event {
    /// An event lives in the namespace of what it is about; cluster-scoped things have theirs in `default`.
    fn validate(&self, event: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(event), Errors::new());
        let (about, own) = (event.text("involvedObject.namespace"), event.text("metadata.namespace"));
        let right =
            if about.is_empty() { matches!(own, "" | "default" | "kube-system") } else { about == own };
        if !right {
            let at = root.path("involvedObject.namespace");
            errors.push(FieldError::invalid(&at, about, "does not match event.namespace"));
        }
        errors.at_least(&root, "count", 0);
        errors.done()
    }
}
