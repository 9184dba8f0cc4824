//! Names and metadata of objects.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Labels;

/// A JSON document: an API object, or a part of one.
pub type Value = serde_json::Value;
/// A JSON object.
pub type Map = serde_json::Map<String, Value>;
/// A point in time; always an argument, never read from a clock in this crate.
pub type Time = jiff::Timestamp;

/// The name of an object among those of its kind. Cluster-scoped objects have an empty namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Namespace, empty for cluster-scoped kinds.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl Key {
    /// The key of a namespaced object; pass an empty namespace for a cluster-scoped one.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// `metadata.ownerReferences[*]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerRef {
    /// API version of the owner, e.g. `apps/v1`.
    pub api_version: String,
    /// Kind of the owner.
    pub kind: String,
    /// Name of the owner, in the dependent's namespace or cluster-scoped.
    pub name: String,
    /// UID of the owner.
    pub uid: String,
    /// Whether this owner manages the object; at most one does.
    pub controller: Option<bool>,
    /// Whether a foreground deletion of the owner waits for this object.
    pub block_owner_deletion: Option<bool>,
}

/// The fields of `metadata` that components read, decoded once; part of every view.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// Name.
    pub name: String,
    /// Namespace, empty for cluster-scoped kinds.
    pub namespace: String,
    /// UID, set by the API server.
    pub uid: String,
    /// Resource version as served; opaque to clients.
    pub resource_version: String,
    /// Generation of the desired state.
    pub generation: i64,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// When the object was created.
    pub creation_timestamp: Option<Time>,
    /// Set once deletion was asked for.
    pub deletion_timestamp: Option<Time>,
    /// Grace period of the deletion, in seconds.
    pub deletion_grace_period_seconds: Option<i64>,
    /// What must be done before the object goes.
    pub finalizers: Box<[String]>,
    /// Owners.
    pub owner_references: Box<[OwnerRef]>,
}

impl Meta {
    /// The object's key.
    pub fn key(&self) -> Key {
        Key::new(self.namespace.clone(), self.name.clone())
    }

    /// The owner that manages the object, if any.
    pub fn controller(&self) -> Option<&OwnerRef> {
        self.owner_references.iter().find(|o| o.controller == Some(true))
    }

    /// Whether deletion was asked for.
    pub fn is_terminating(&self) -> bool {
        self.deletion_timestamp.is_some()
    }

    /// Reads `metadata` of a document; absent or ill-typed metadata reads as empty.
    pub fn of(object: &Value) -> Self {
        object.get("metadata").and_then(|m| Self::deserialize(m).ok()).unwrap_or_default()
    }
}

/// RFC 3339 with seconds, as `metav1.Time` is written: `2006-01-02T15:04:05Z`.
pub fn format_time(time: Time) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// RFC 3339 with microseconds, as `metav1.MicroTime` is written.
pub fn format_micro_time(time: Time) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Parses RFC 3339.
pub fn parse_time(text: &str) -> Option<Time> {
    text.parse().ok()
}
