//! Further versions of stored kinds.

use super::row;
use crate::strategies as rules;
use crate::{Kind, conversions};

const EVENT_FIELDS: &[&str] = &[
    "reason",
    "regarding.apiVersion",
    "regarding.fieldPath",
    "regarding.kind",
    "regarding.name",
    "regarding.namespace",
    "regarding.resourceVersion",
    "regarding.uid",
    "reportingController",
    "type",
];

/// Further versions of stored kinds.
pub(super) fn rows() -> Vec<Kind> {
    vec![
        row("events.k8s.io", "v1", "Event", "events")
            .short(&["ev"])
            .selectable(EVENT_FIELDS)
            .strategy(&rules::StrictEvent)
            .stored_as("", &conversions::Event),
        row("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
            .short(&["hpa"])
            .all()
            .status()
            .stored_as("autoscaling", &conversions::Autoscaler),
    ]
}
