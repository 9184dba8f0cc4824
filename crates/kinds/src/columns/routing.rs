//! Columns of ways to services: ingresses, policies, addresses.

use object::Value;

use super::network::ingress_points;
use super::{AGE, NAME, NONE, joined, or, shown, text};
use crate::Column;
use crate::rules::{Read, labels};

const SHOWN_HOSTS: usize = 3;

/// Columns of ingresses.
pub(crate) const INGRESS: &[Column] = &[
    NAME,
    shown("Class", |o, _| or(o.text("spec.ingressClassName"), NONE).into()),
    shown("Hosts", |o, _| hosts(o.items("spec.rules")).into()),
    shown("Address", |o, _| ingress_points(o).join(",").into()),
    shown("Ports", |o, _| if o.is_empty("spec.tls") { "80" } else { "80, 443" }.into()),
    AGE,
];

/// Columns of ingress classes.
pub(crate) const INGRESS_CLASS: &[Column] = &[
    NAME,
    text("Controller", "spec.controller"),
    shown("Parameters", |o, _| parameters(o.at("spec.parameters")).into()),
    AGE,
];

/// Columns of network policies.
pub(crate) const NETWORK_POLICY: &[Column] = &[
    NAME,
    shown("Pod-Selector", |o, _| or(&labels::show_selector(o.at("spec.podSelector")), NONE).into()),
    AGE,
];

/// Columns of addresses.
pub(crate) const IP_ADDRESS: &[Column] =
    &[NAME, shown("ParentRef", |o, _| parent(o.at("spec.parentRef")).into()), AGE];

/// Columns of blocks of addresses.
pub(crate) const SERVICE_CIDR: &[Column] =
    &[NAME, shown("CIDRs", |o, _| joined(o.items("spec.cidrs"), "").into()), AGE];

/// The first three hosts; the rules behind them count as more, with a host or without.
fn hosts(rules: &[Value]) -> String {
    let mut named = rules.iter().enumerate().filter(|(_, rule)| !rule.is_empty("host"));
    let first: Vec<_> = named.by_ref().take(SHOWN_HOSTS).collect();
    let list = first.iter().map(|(_, rule)| rule.text("host")).collect::<Vec<_>>().join(",");
    let seen = first.last().map_or(0, |(i, _)| i + 1);
    if first.len() == SHOWN_HOSTS && seen < rules.len() {
        return format!("{list} + {} more...", rules.len() - SHOWN_HOSTS);
    }
    or(&list, "*").to_owned()
}

fn parameters(of: &Value) -> String {
    match (of.text("kind"), of.text("name"), of.at("apiGroup")) {
        _ if of.is_null() => NONE.to_owned(),
        (kind, name, Value::String(group)) => format!("{kind}.{group}/{name}"),
        (kind, name, _) => format!("{kind}/{name}"),
    }
}

/// Whose an address is: `services/default/web`.
fn parent(of: &Value) -> String {
    if of.is_null() {
        return NONE.to_owned();
    }
    let mut text = of.text("resource").to_lowercase();
    if !of.is_empty("group") {
        text = format!("{text}.{}", of.text("group").to_lowercase());
    }
    for part in [of.text("namespace"), of.text("name")].iter().filter(|part| !part.is_empty()) {
        text = format!("{text}/{part}");
    }
    text
}
