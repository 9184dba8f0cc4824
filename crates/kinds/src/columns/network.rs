//! Columns of services and their endpoints.

use std::collections::BTreeSet;

use object::Value;

use super::{AGE, NAME, NONE, UNKNOWN, UNSET, first_three, or, shown, text, wide};
use crate::Column;
use crate::rules::{Read, labels};

/// Columns of services.
pub(crate) const SERVICE: &[Column] = &[
    NAME,
    text("Type", "spec.type"),
    shown("Cluster-IP", |o, _| cluster_ip(o).into()),
    shown("External-IP", |o, _| external_ip(o).into()),
    shown("Port(s)", |o, _| ports(o).into()),
    AGE,
    wide(shown("Selector", |o, _| labels::show(o.at("spec.selector")).into())),
];

/// Columns of endpoints.
pub(crate) const ENDPOINTS: &[Column] = &[NAME, shown("Endpoints", |o, _| endpoints(o).into()), AGE];

/// Columns of endpoint slices.
pub(crate) const ENDPOINT_SLICE: &[Column] = &[
    NAME,
    text("AddressType", "addressType"),
    shown("Ports", |o, _| slice_ports(o).into()),
    shown("Endpoints", |o, _| slice_addresses(o).into()),
    AGE,
];

fn cluster_ip(service: &Value) -> &str {
    let first = service.items("spec.clusterIPs").first().and_then(Value::as_str).unwrap_or_default();
    or(or(first, service.text("spec.clusterIP")), NONE)
}

fn external_ip(service: &Value) -> String {
    let external: Vec<&str> = service.items("spec.externalIPs").iter().filter_map(Value::as_str).collect();
    match service.text("spec.type") {
        "ClusterIP" | "NodePort" => or(&external.join(","), NONE).to_owned(),
        "LoadBalancer" => {
            let mut all = ingress_points(service);
            all.extend(external);
            or(&all.join(","), "<pending>").to_owned()
        }
        "ExternalName" => service.text("spec.externalName").to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

pub(super) fn ingress_points(service: &Value) -> Vec<&str> {
    let points = service.items("status.loadBalancer.ingress").iter();
    let shown: BTreeSet<&str> =
        points.map(|i| or(i.text("ip"), i.text("hostname"))).filter(|t| !t.is_empty()).collect();
    shown.into_iter().collect()
}

fn ports(service: &Value) -> String {
    let shown = service.items("spec.ports").iter().map(|port| {
        let (number, protocol) = (port.int("port").unwrap_or_default(), or(port.text("protocol"), "TCP"));
        match port.int("nodePort") {
            Some(node) if node > 0 => format!("{number}:{node}/{protocol}"),
            _ => format!("{number}/{protocol}"),
        }
    });
    or(&shown.collect::<Vec<_>>().join(","), NONE).to_owned()
}

fn endpoints(object: &Value) -> String {
    let mut list = Vec::new();
    for subset in object.items("subsets") {
        let addresses = || subset.items("addresses").iter().map(|a| a.text("ip"));
        if subset.is_empty("ports") {
            list.extend(addresses().map(str::to_owned));
        }
        for port in subset.items("ports") {
            list.extend(addresses().map(|ip| host_port(ip, port.int("port").unwrap_or_default())));
        }
    }
    first_three(&list, NONE)
}

fn host_port(ip: &str, port: i64) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

fn slice_ports(slice: &Value) -> String {
    let shown = slice.items("ports").iter().map(|port| match port.int("port") {
        Some(number) => number.to_string(),
        None => or(port.text("name"), "*").to_owned(),
    });
    first_three(&shown.collect::<Vec<_>>(), UNSET)
}

fn slice_addresses(slice: &Value) -> String {
    let all = slice.items("endpoints").iter().flat_map(|e| e.items("addresses"));
    first_three(&all.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>(), UNSET)
}
