//! Columns of what makes pods, and of what guards them.

use object::Value;

use super::{AGE, NAME, NONE, column, count, joined, or, shown, text, wide};
use crate::rules::{Read, labels};
use crate::{Cell, Column};

const CONTAINERS: Column =
    wide(shown("Containers", |o, _| joined(o.items("spec.template.spec.containers"), "name").into()));
const IMAGES: Column =
    wide(shown("Images", |o, _| joined(o.items("spec.template.spec.containers"), "image").into()));
const SELECTOR: Column = wide(shown("Selector", |o, _| labels::show_selector(o.at("spec.selector")).into()));
const DESIRED: Column = column("Desired", "integer", Cell::Path("spec.replicas"));
const CURRENT: Column = column("Current", "integer", Cell::Path("status.replicas"));
const READY_COUNT: Column = column("Ready", "integer", Cell::Path("status.readyReplicas"));
const READY: Column = shown("Ready", |o, _| {
    format!("{}/{}", count(o, "status.readyReplicas"), count(o, "spec.replicas")).into()
});

/// Columns of deployments.
pub(crate) const DEPLOYMENT: &[Column] = &[
    NAME,
    READY,
    shown("Up-to-date", |o, _| count(o, "status.updatedReplicas")),
    shown("Available", |o, _| count(o, "status.availableReplicas")),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

/// Columns of what `/scale` answers.
pub(crate) const SCALE: &[Column] = &[
    text("Name", "metadata.name"),
    DESIRED,
    column("Available", "integer", Cell::Path("status.replicas")),
    AGE,
];

/// Columns of daemon sets.
pub(crate) const DAEMON_SET: &[Column] = &[
    NAME,
    column("Desired", "integer", Cell::Path("status.desiredNumberScheduled")),
    column("Current", "integer", Cell::Path("status.currentNumberScheduled")),
    column("Ready", "integer", Cell::Path("status.numberReady")),
    column("Up-to-date", "integer", Cell::Path("status.updatedNumberScheduled")),
    column("Available", "integer", Cell::Path("status.numberAvailable")),
    shown("Node Selector", |o, _| labels::show(o.at("spec.template.spec.nodeSelector")).into()),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

/// Columns of stateful sets.
pub(crate) const STATEFUL_SET: &[Column] = &[NAME, READY, AGE, CONTAINERS, IMAGES];

/// Columns of replica sets.
pub(crate) const REPLICA_SET: &[Column] =
    &[NAME, DESIRED, CURRENT, READY_COUNT, AGE, CONTAINERS, IMAGES, SELECTOR];

/// Columns of replication controllers.
pub(crate) const REPLICATION_CONTROLLER: &[Column] = &[
    NAME,
    DESIRED,
    CURRENT,
    READY_COUNT,
    AGE,
    CONTAINERS,
    IMAGES,
    wide(shown("Selector", |o, _| labels::show(o.at("spec.selector")).into())),
];

/// Columns of controller revisions.
pub(crate) const CONTROLLER_REVISION: &[Column] =
    &[NAME, shown("Controller", |o, _| controller(o).into()), text("Revision", "revision"), AGE];

/// Columns of pod templates.
pub(crate) const POD_TEMPLATE: &[Column] = &[
    NAME,
    shown("Containers", |o, _| joined(o.items("template.spec.containers"), "name").into()),
    shown("Images", |o, _| joined(o.items("template.spec.containers"), "image").into()),
    shown("Pod Labels", |o, _| labels::show(o.at("template.metadata.labels")).into()),
];

/// Columns of disruption budgets.
pub(crate) const POD_DISRUPTION_BUDGET: &[Column] = &[
    NAME,
    shown("Min Available", |o, _| amount(o.at("spec.minAvailable"))),
    shown("Max Unavailable", |o, _| amount(o.at("spec.maxUnavailable"))),
    column("Allowed Disruptions", "integer", Cell::Path("status.disruptionsAllowed")),
    AGE,
];

fn amount(value: &Value) -> Value {
    match value {
        Value::Null => "N/A".into(),
        Value::String(text) => text.as_str().into(),
        number => number.to_string().into(),
    }
}

/// The managing owner, as `statefulset.apps/web`.
fn controller(object: &Value) -> String {
    let owners = object.items("metadata.ownerReferences");
    let Some(owner) = owners.iter().find(|owner| owner.flag("controller")) else {
        return NONE.to_owned();
    };
    let group = owner.text("apiVersion").rsplit_once('/').map_or("", |(group, _)| group);
    let kind = owner.text("kind").to_lowercase();
    let resource = if group.is_empty() { kind } else { format!("{kind}.{group}") };
    format!("{resource}/{}", or(owner.text("name"), NONE))
}
