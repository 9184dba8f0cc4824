//! The server-side Table: columns of each kind and how their cells are read.

mod access;
mod batch;
mod cluster;
mod config;
mod devices;
mod duration;
mod event;
mod extensions;
mod flow;
mod network;
mod node;
mod pod;
mod routing;
mod storage;
mod workload;

use object::{Excerpt, Time, Value, parse_time};

use crate::rules::Read;
use crate::{Cell, Column, Kind};

pub(crate) use access::{BINDING, POD_CERTIFICATE_REQUEST, SIGNING_REQUEST, TRUST_BUNDLE};
pub(crate) use batch::{AUTOSCALER, CRON_JOB, JOB};
pub(crate) use cluster::{COMPONENT_STATUS, LEASE, NAMESPACE, PRIORITY_CLASS, RUNTIME_CLASS};
pub(crate) use config::{CONFIG_MAP, RESOURCE_QUOTA, SECRET, SERVICE_ACCOUNT};
pub(crate) use devices::{RESOURCE_CLAIM, RESOURCE_SLICE};
pub use duration::human_duration;
pub(crate) use event::EVENT;
pub(crate) use extensions::{API_SERVICE, MUTATING_POLICY, POLICY_BINDING, VALIDATING_POLICY, WEBHOOKS};
pub(crate) use flow::{FLOW_SCHEMA, PRIORITY_LEVEL};
pub(crate) use network::{ENDPOINT_SLICE, ENDPOINTS, SERVICE};
pub(crate) use node::NODE;
pub(crate) use pod::{POD, POD_READS};
pub(crate) use routing::{INGRESS, INGRESS_CLASS, IP_ADDRESS, NETWORK_POLICY, SERVICE_CIDR};
pub(crate) use storage::{
    CSI_DRIVER, CSI_NODE, CSI_STORAGE_CAPACITY, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS,
    STORAGE_VERSION_MIGRATION, VOLUME_ATTACHMENT, VOLUME_ATTRIBUTES_CLASS,
};
pub(crate) use workload::{
    CONTROLLER_REVISION, DAEMON_SET, DEPLOYMENT, POD_DISRUPTION_BUDGET, POD_TEMPLATE, REPLICA_SET,
    REPLICATION_CONTROLLER, SCALE, STATEFUL_SET,
};

const NONE: &str = "<none>";
const UNKNOWN: &str = "<unknown>";
const UNSET: &str = "<unset>";

/// The column of the object's name.
const NAME: Column = Column { format: "name", ..column("Name", "string", Cell::Path("metadata.name")) };
/// The column of the object's age.
const AGE: Column = column("Age", "string", Cell::Age("metadata.creationTimestamp"));

/// The columns of a kind that has none of its own.
pub(crate) const PLAIN: &[Column] =
    &[NAME, column("Created At", "date", Cell::Path("metadata.creationTimestamp"))];

/// The columns of a kind that shows its age only.
pub(crate) const AGED: &[Column] = &[NAME, AGE];

const fn column(name: &'static str, kind: &'static str, cell: Cell) -> Column {
    Column { name, kind, format: "", priority: 0, cell }
}

/// A text column with the value at `path`.
const fn text(name: &'static str, path: &'static str) -> Column {
    column(name, "string", Cell::Path(path))
}

/// A text column that is computed.
const fn shown(name: &'static str, cell: fn(&Value, Time) -> Value) -> Column {
    column(name, "string", Cell::Of(cell))
}

/// The same column, shown with `-o wide` only.
const fn wide(column: Column) -> Column {
    Column { priority: 1, ..column }
}

/// The columns of a kind as `metav1.TableColumnDefinition`s.
pub fn table_columns(kind: &Kind) -> Vec<Value> {
    let definition = |column: &Column| {
        serde_json::json!({
            "name": column.name, "type": column.kind, "format": column.format, "description": "",
            "priority": column.priority,
        })
    };
    kind.columns.iter().map(definition).collect()
}

/// What of an object its cells and its metadata need.
pub fn table_excerpt(kind: &Kind) -> Excerpt {
    Excerpt::of(kind.reads)
}

/// The cells of an object in the order of its kind's columns.
pub fn table_row(kind: &Kind, object: &Value, now: Time) -> Vec<Value> {
    kind.columns.iter().map(|column| cell(column, object, now)).collect()
}

fn cell(column: &Column, object: &Value, now: Time) -> Value {
    match column.cell {
        Cell::Of(compute) => compute(object, now),
        Cell::Age(path) => age(object, path, now).into(),
        Cell::Path(path) => match (object.at(path), column.kind) {
            (Value::Null, "integer") => 0.into(),
            (Value::Null, "boolean") => false.into(),
            (Value::Null, _) => "".into(),
            (value, _) => value.clone(),
        },
    }
}

/// How long ago the time at `path` was.
fn age(object: &Value, path: &str, now: Time) -> String {
    parse_time(object.text(path))
        .map_or_else(|| UNKNOWN.to_owned(), |then| human_duration(now.duration_since(then)))
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// The number at `path`, 0 if absent.
fn count(object: &Value, path: &str) -> Value {
    object.int(path).unwrap_or_default().into()
}

/// How many entries the list or map at `path` has.
fn size(object: &Value, path: &str) -> usize {
    match object.at(path) {
        Value::Array(list) => list.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    }
}

/// The texts at `path` of each item, with commas between.
fn joined(items: &[Value], path: &str) -> String {
    items.iter().map(|item| item.text(path)).collect::<Vec<_>>().join(",")
}

/// The first three of a list, and how many more there are.
fn first_three(list: &[String], otherwise: &str) -> String {
    match list.len() {
        0 => otherwise.to_owned(),
        1..=3 => list.join(","),
        all => format!("{} + {} more...", list[..3].join(","), all - 3),
    }
}

#[cfg(test)]
mod tests;
