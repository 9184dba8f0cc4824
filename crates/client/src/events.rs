//! Events: what a component tells users about an object.
//!
//! [`event`] builds one; [`Aggregator`] decides, without I/O, whether to create it, to count it on an earlier one or
//! to keep quiet; [`Recorder`] sends what it decides.

mod aggregate;
mod record;

use std::hash::{DefaultHasher, Hash, Hasher};

use object::{Time, Value, format_time};
use serde_json::json;

pub use aggregate::{Aggregator, Step};
pub use record::Recorder;

/// The longest name of an Event's object that is kept, so that the Event's own name stays within 253 bytes.
const MAX_NAME: usize = 236;

/// The longest message that the API takes.
const MAX_MESSAGE: usize = 1024;

/// What an Event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// API version, e.g. `apps/v1`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace, empty for cluster-scoped kinds.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// Resource version, empty where it does not matter.
    pub resource_version: String,
    /// Part of the object, e.g. `spec.containers{web}`; empty for all of it.
    pub field_path: String,
}

/// How serious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Progress.
    Normal,
    /// Trouble.
    Warning,
}

impl Severity {
    /// The Event's `type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// A new `v1` Event of a component.
pub fn event(
    now: Time,
    component: &str,
    about: &ObjectRef,
    severity: Severity,
    reason: &str,
    message: &str,
) -> Value {
    let time = format_time(now);
    let mut involved = json!({"apiVersion": about.api_version, "kind": about.kind, "name": about.name});
    let optional = [
        ("namespace", &about.namespace),
        ("uid", &about.uid),
        ("resourceVersion", &about.resource_version),
        ("fieldPath", &about.field_path),
    ];
    for (field, value) in optional.into_iter().filter(|(_, value)| !value.is_empty()) {
        involved[field] = value.as_str().into();
    }
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name(now, component, about, reason, message), "namespace": namespace(about)},
        "involvedObject": involved,
        "type": severity.name(), "reason": reason, "message": head(message, MAX_MESSAGE),
        "source": {"component": component}, "reportingComponent": component, "reportingInstance": "",
        "firstTimestamp": time, "lastTimestamp": time, "count": 1,
    })
}

/// Events about cluster-scoped objects live in `default`, as upstream's.
fn namespace(about: &ObjectRef) -> &str {
    if about.namespace.is_empty() { "default" } else { &about.namespace }
}

/// The object's name and a hash: the same Event told twice is one object.
fn name(now: Time, component: &str, about: &ObjectRef, reason: &str, message: &str) -> String {
    let mut hash = DefaultHasher::new();
    (now.as_nanosecond(), component, about, reason, message).hash(&mut hash);
    let object = head(&about.name, MAX_NAME).trim_end_matches(['-', '.']);
    format!("{object}.{:016x}", hash.finish())
}

/// The first bytes of a text, cut between characters.
fn head(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_what_the_api_takes() {
        let about = ObjectRef {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: "ns".into(),
            name: "web".into(),
            uid: "u1".into(),
            ..ObjectRef::default()
        };
        let now: Time = "2024-05-06T07:08:09.5Z".parse().unwrap();
        let mut event = event(now, "scheduler", &about, Severity::Warning, "FailedScheduling", "no node");
        let name = event["metadata"]["name"].take();
        assert!(name.as_str().unwrap().starts_with("web.") && name.as_str().unwrap().len() == 20);
        let expected = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": null, "namespace": "ns"},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "ns", "name": "web", "uid": "u1"},
            "type": "Warning", "reason": "FailedScheduling", "message": "no node",
            "source": {"component": "scheduler"}, "reportingComponent": "scheduler", "reportingInstance": "",
            "firstTimestamp": "2024-05-06T07:08:09Z", "lastTimestamp": "2024-05-06T07:08:09Z", "count": 1,
        });
        assert_eq!(event, expected);
    }

    #[test]
    fn names_and_messages_stay_within_bounds() {
        let about = ObjectRef { name: format!("{}-x", "a".repeat(235)), ..ObjectRef::default() };
        let event = event(Time::UNIX_EPOCH, "c", &about, Severity::Normal, "R", &"é".repeat(600));
        assert_eq!(event["metadata"]["namespace"], "default");
        assert_eq!(event["metadata"]["name"].as_str().unwrap().len(), 235 + 17);
        assert_eq!(event["message"].as_str().unwrap().len(), 1024);
    }
}
