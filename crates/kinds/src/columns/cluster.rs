//! Columns of small kinds about the cluster: namespaces, leases, classes.

use object::Value;

use super::{AGE, NAME, column, shown, text};
use crate::rules::Read;
use crate::{Cell, Column};

/// Columns of namespaces.
pub(crate) const NAMESPACE: &[Column] = &[NAME, text("Status", "status.phase"), AGE];

/// Columns of the states of the server's parts.
pub(crate) const COMPONENT_STATUS: &[Column] = &[
    NAME,
    shown("Status", |o, _| match health(o).map(|healthy| healthy.text("status")) {
        None => "Unknown".into(),
        Some("True") => "Healthy".into(),
        Some(_) => "Unhealthy".into(),
    }),
    shown("Message", |o, _| health(o).map_or("", |healthy| healthy.text("message")).into()),
    shown("Error", |o, _| health(o).map_or("", |healthy| healthy.text("error")).into()),
];

fn health(component: &Value) -> Option<&Value> {
    component.items("conditions").iter().find(|condition| condition.text("type") == "Healthy")
}

/// Columns of leases.
pub(crate) const LEASE: &[Column] = &[NAME, text("Holder", "spec.holderIdentity"), AGE];

/// Columns of priority classes.
pub(crate) const PRIORITY_CLASS: &[Column] = &[
    NAME,
    column("Value", "integer", Cell::Path("value")),
    column("Global-Default", "boolean", Cell::Path("globalDefault")),
    AGE,
    text("PreemptionPolicy", "preemptionPolicy"),
];

/// Columns of runtime classes.
pub(crate) const RUNTIME_CLASS: &[Column] = &[NAME, text("Handler", "handler"), AGE];
