//! Parameters of operations.

use object::Value;
use serde_json::json;

use super::Dialect;

/// A parameter's name and JSON type.
type Parameter = (&'static str, &'static str);

/// Every request may ask for indented answers.
pub(super) const PRETTY: Parameter = ("pretty", "string");
/// What reads of many objects may say.
pub(super) const LIST: &[Parameter] = &[
    ("allowWatchBookmarks", "boolean"),
    ("continue", "string"),
    ("fieldSelector", "string"),
    ("labelSelector", "string"),
    ("limit", "integer"),
    ("resourceVersion", "string"),
    ("resourceVersionMatch", "string"),
    ("sendInitialEvents", "boolean"),
    ("timeoutSeconds", "integer"),
    ("watch", "boolean"),
];
/// What writes may say.
pub(super) const WRITE: &[Parameter] =
    &[("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string")];
/// What patches may say.
pub(super) const PATCH: &[Parameter] =
    &[("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string"), ("force", "boolean")];
/// What deletions may say.
pub(super) const DELETE: &[Parameter] = &[
    ("dryRun", "string"),
    ("gracePeriodSeconds", "integer"),
    ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
    ("orphanDependents", "boolean"),
    ("propagationPolicy", "string"),
];
/// What deletions of many objects may say.
pub(super) const DELETE_COLLECTION: &[Parameter] = &[
    ("continue", "string"),
    ("dryRun", "string"),
    ("fieldSelector", "string"),
    ("gracePeriodSeconds", "integer"),
    ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
    ("labelSelector", "string"),
    ("limit", "integer"),
    ("orphanDependents", "boolean"),
    ("propagationPolicy", "string"),
    ("resourceVersion", "string"),
    ("resourceVersionMatch", "string"),
    ("sendInitialEvents", "boolean"),
    ("timeoutSeconds", "integer"),
];

impl Dialect {
    /// A parameter of the query.
    pub(super) fn query(self, (name, kind): Parameter) -> Value {
        match self {
            Dialect::V2 => json!({"in": "query", "name": name, "type": kind, "uniqueItems": true}),
            Dialect::V3 => {
                json!({"in": "query", "name": name, "schema": {"type": kind, "uniqueItems": true}})
            }
        }
    }

    /// A parameter of the path.
    pub(super) fn path_part(self, name: &str) -> Value {
        match self {
            Dialect::V2 => {
                json!({"in": "path", "name": name, "required": true, "type": "string", "uniqueItems": true})
            }
            Dialect::V3 => json!({
                "in": "path", "name": name, "required": true,
                "schema": {"type": "string", "uniqueItems": true},
            }),
        }
    }
}
