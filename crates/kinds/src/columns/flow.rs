//! Columns of flow schemas and priority levels.

use object::Value;

use super::{AGE, NAME, NONE, or, shown, text};
use crate::Column;
use crate::rules::Read;

/// Columns of flow schemas.
pub(crate) const FLOW_SCHEMA: &[Column] = &[
    NAME,
    text("PriorityLevel", "spec.priorityLevelConfiguration.name"),
    shown("MatchingPrecedence", |o, _| o.int("spec.matchingPrecedence").unwrap_or_default().into()),
    shown("DistinguisherMethod", |o, _| or(o.text("spec.distinguisherMethod.type"), NONE).into()),
    AGE,
    shown("MissingPL", |o, _| dangling(o).into()),
];

/// Columns of priority levels.
pub(crate) const PRIORITY_LEVEL: &[Column] = &[
    NAME,
    text("Type", "spec.type"),
    shown("NominalConcurrencyShares", |o, _| limit(o, "nominalConcurrencyShares")),
    shown("Queues", |o, _| limit(o, "limitResponse.queuing.queues")),
    shown("HandSize", |o, _| limit(o, "limitResponse.queuing.handSize")),
    shown("QueueLengthLimit", |o, _| limit(o, "limitResponse.queuing.queueLengthLimit")),
    AGE,
];

/// Whether the priority level that a schema names is missing.
fn dangling(schema: &Value) -> &str {
    let conditions = schema.items("status.conditions").iter();
    conditions
        .filter(|one| one.text("type") == "Dangling")
        .map(|one| one.text("status"))
        .next()
        .unwrap_or("?")
}

fn limit(level: &Value, field: &str) -> Value {
    match level.at("spec.limited").at(field) {
        Value::Null => NONE.into(),
        number => number.clone(),
    }
}
