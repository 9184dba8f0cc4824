//! What an update of a service keeps of what was allocated for it, and what goes with a changed type.

use std::collections::HashSet;

use object::Value;
use serde_json::json;

use super::{
    LOAD_BALANCER, is_reachable_from_outside, may_have_node_ports, needs_address, needs_health_port,
    needs_node_ports,
};
use crate::rules::{Read, Write};

/// `clusterIP` is the first of `clusterIPs`: who sets it alone sets both.
pub(super) fn pair(spec: &mut Value) {
    if !spec.is_empty("clusterIP") && spec.is_empty("clusterIPs") {
        spec.put("clusterIPs", json!([spec.text("clusterIP")]));
    }
}

/// An update that leaves out what was allocated means to keep it.
pub(super) fn carry_over(spec: &mut Value, old: &Value) {
    if needs_address(spec) && needs_address(old) {
        for field in ["clusterIP", "clusterIPs"] {
            if spec.is_empty(field) {
                spec.keep(field, old);
            }
        }
    }
    follow(spec, old);
    if needs_node_ports(spec) && may_have_node_ports(old) {
        node_ports(spec, old);
    }
    if needs_health_port(spec) && needs_health_port(old) && !is_set(spec, "healthCheckNodePort") {
        spec.keep("healthCheckNodePort", old);
    }
}

/// A changed `clusterIP` next to unchanged `clusterIPs` changes these too.
fn follow(spec: &mut Value, old: &Value) {
    let changed = spec.text("clusterIP") != old.text("clusterIP");
    if changed && spec.items("clusterIPs") == old.items("clusterIPs") {
        spec.remove("clusterIPs");
    }
    pair(spec);
}

/// Ports of the same name keep their node ports, unless another port has them now.
fn node_ports(spec: &mut Value, old: &Value) {
    let used: HashSet<i64> = numbers(spec).intersection(&numbers(old)).copied().collect();
    for port in spec.items_mut("ports").iter_mut().filter(|port| !is_set(port, "nodePort")) {
        let was = old.items("ports").iter().find(|was| was.text("name") == port.text("name"));
        if let Some(number) = was.and_then(|was| was.int("nodePort")).filter(|n| *n != 0 && !used.contains(n))
        {
            port.put("nodePort", number);
        }
    }
}

/// The node ports of a service's ports.
fn numbers(spec: &Value) -> HashSet<i64> {
    spec.items("ports").iter().filter_map(|port| port.int("nodePort")).filter(|n| *n != 0).collect()
}

fn is_set(of: &Value, field: &str) -> bool {
    of.int(field).is_some_and(|number| number != 0)
}

/// What the new type of a service has no use for goes, unless the update asks for it anew.
pub(super) fn drop_unused(spec: &mut Value, old: &Value) {
    let mut unused = Vec::new();
    if !needs_address(spec) && needs_address(old) {
        unused.extend(["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"]);
    }
    if !is_reachable_from_outside(spec) {
        unused.push("externalTrafficPolicy");
    }
    if spec.text("type") != LOAD_BALANCER {
        unused.extend(["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
    }
    if !needs_health_port(spec) {
        unused.push("healthCheckNodePort");
    }
    for field in unused {
        if spec.at(field) == old.at(field) {
            spec.remove(field);
        }
    }
    if !may_have_node_ports(spec) && may_have_node_ports(old) && numbers(spec).is_subset(&numbers(old)) {
        for port in spec.items_mut("ports") {
            port.remove("nodePort");
        }
    }
}
