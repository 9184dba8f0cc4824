//! Columns of small kinds about the cluster: namespaces, leases, classes.

use super::{AGE, NAME, column, text};
use crate::{Cell, Column};

/// Columns of namespaces.
pub(crate) const NAMESPACE: &[Column] = &[NAME, text("Status", "status.phase"), AGE];

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
