//! Columns of nodes.

use std::collections::BTreeSet;

use object::Value;

use super::{AGE, NAME, NONE, UNKNOWN, or, shown, text, wide};
use crate::Column;
use crate::rules::Read;

/// Columns of nodes.
pub(crate) const NODE: &[Column] = &[
    NAME,
    shown("Status", |o, _| status(o).into()),
    shown("Roles", |o, _| roles(o).into()),
    AGE,
    text("Version", "status.nodeInfo.kubeletVersion"),
    wide(shown("Internal-IP", |o, _| address(o, "InternalIP").into())),
    wide(shown("External-IP", |o, _| address(o, "ExternalIP").into())),
    wide(shown("OS-Image", |o, _| or(o.text("status.nodeInfo.osImage"), UNKNOWN).into())),
    wide(shown("Kernel-Version", |o, _| or(o.text("status.nodeInfo.kernelVersion"), UNKNOWN).into())),
    wide(shown("Container-Runtime", |o, _| {
        or(o.text("status.nodeInfo.containerRuntimeVersion"), UNKNOWN).into()
    })),
];

fn status(node: &Value) -> String {
    let ready = node.items("status.conditions").iter().find(|c| c.text("type") == "Ready");
    let word = match ready.map(|c| c.text("status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    if node.flag("spec.unschedulable") { format!("{word},SchedulingDisabled") } else { word.to_owned() }
}

/// Roles are told by the labels `node-role.kubernetes.io/<role>` and `kubernetes.io/role=<role>`.
fn roles(node: &Value) -> String {
    let roles: BTreeSet<&str> = node
        .entries("metadata.labels")
        .filter_map(|(key, value)| match key {
            "kubernetes.io/role" => value.as_str(),
            _ => key.strip_prefix("node-role.kubernetes.io/"),
        })
        .filter(|role| !role.is_empty())
        .collect();
    or(&roles.into_iter().collect::<Vec<_>>().join(","), NONE).to_owned()
}

fn address<'a>(node: &'a Value, kind: &str) -> &'a str {
    node.items("status.addresses").iter().find(|a| a.text("type") == kind).map_or(NONE, |a| a.text("address"))
}
