//! Events of `events.k8s.io`, stored as those of the core group: the same under other names.

use object::Value;

use super::rename;
use crate::Conversion;

/// Names in `events.k8s.io`, and in the core group.
const NAMES: &[(&str, &str)] = &[
    ("deprecatedCount", "count"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedSource", "source"),
    ("note", "message"),
    ("regarding", "involvedObject"),
    ("reportingController", "reportingComponent"),
];

/// Fields that selectors name, likewise.
const SELECTED: &[(&str, &str)] = &[
    ("regarding.apiVersion", "involvedObject.apiVersion"),
    ("regarding.fieldPath", "involvedObject.fieldPath"),
    ("regarding.kind", "involvedObject.kind"),
    ("regarding.name", "involvedObject.name"),
    ("regarding.namespace", "involvedObject.namespace"),
    ("regarding.resourceVersion", "involvedObject.resourceVersion"),
    ("regarding.uid", "involvedObject.uid"),
    ("reportingController", "reportingComponent"),
];

/// Conversion of events.
pub(crate) struct Event;

impl Conversion for Event {
    fn to_stored(&self, event: &mut Value) {
        rename(event, NAMES.iter().copied());
    }

    fn to_served(&self, event: &mut Value) {
        rename(event, NAMES.iter().map(|&(served, stored)| (stored, served)));
    }

    fn stored_field<'f>(&self, field: &'f str) -> &'f str {
        SELECTED.iter().find(|(served, _)| *served == field).map_or(field, |(_, stored)| stored)
    }
}
