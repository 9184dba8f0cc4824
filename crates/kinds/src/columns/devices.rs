//! Columns of devices and claims to them.

use object::Value;

use super::{AGE, NAME, shown, text};
use crate::Column;
use crate::rules::Read;

/// Columns of claims.
pub(crate) const RESOURCE_CLAIM: &[Column] = &[NAME, shown("State", |o, _| state(o).into()), AGE];

/// Columns of slices.
pub(crate) const RESOURCE_SLICE: &[Column] = &[
    NAME,
    text("Node", "spec.nodeName"),
    text("Driver", "spec.driver"),
    text("Pool", "spec.pool.name"),
    AGE,
];

/// How far a claim is.
fn state(claim: &Value) -> String {
    let deleted = claim.has("metadata.deletionTimestamp");
    let allocated = claim.has("status.allocation");
    let states = [
        (deleted, "deleted"),
        (!allocated && !deleted, "pending"),
        (allocated, "allocated"),
        (allocated && !claim.is_empty("status.reservedFor"), "reserved"),
    ];
    states.into_iter().filter(|(is, _)| *is).map(|(_, state)| state).collect::<Vec<_>>().join(",")
}
