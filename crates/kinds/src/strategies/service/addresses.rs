//! How a service's address, its families and its node ports carry over and go together.

use object::Value;
use serde_json::json;

use super::{is_headless, is_reachable_from_outside, may_have_node_ports, needs_address};
use crate::rules::{Read, Write};

/// `clusterIP` is the first of `clusterIPs`: who sets one sets both.
pub(super) fn pair(spec: &mut Value) {
    if !spec.is_empty("clusterIP") && spec.is_empty("clusterIPs") {
        spec.put("clusterIPs", json!([spec.text("clusterIP")]));
    }
}

/// Fills in the address families of a service with an address.
pub(super) fn families(spec: &mut Value) {
    if !needs_address(spec) {
        return;
    }
    let without_selector = is_headless(spec) && spec.is_empty("selector");
    if spec.is_empty("ipFamilyPolicy") {
        spec.put("ipFamilyPolicy", if without_selector { "RequireDualStack" } else { "SingleStack" });
    }
    if spec.is_empty("ipFamilies") {
        let own = if spec.text("clusterIP").contains(':') { "IPv6" } else { "IPv4" };
        let both = without_selector && spec.text("ipFamilyPolicy") != "SingleStack";
        spec.put("ipFamilies", if both { json!(["IPv4", "IPv6"]) } else { json!([own]) });
    }
}

/// An update that leaves out what was allocated means to keep it.
pub(super) fn carry_over(spec: &mut Value, old: &Value) {
    follow(spec, old);
    if needs_address(spec) && needs_address(old) {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if spec.is_empty(field) {
                spec.keep(field, old);
            }
        }
    }
    if may_have_node_ports(spec) && may_have_node_ports(old) {
        node_ports(spec, old);
    }
}

/// A changed `clusterIP` next to an unchanged `clusterIPs` changes that too.
fn follow(spec: &mut Value, old: &Value) {
    let changed = spec.at("clusterIP") != old.at("clusterIP");
    if changed && spec.at("clusterIPs") == old.at("clusterIPs") {
        spec.remove("clusterIPs");
    }
    pair(spec);
}

fn node_ports(spec: &mut Value, old: &Value) {
    let is_set = |port: &Value| port.int("nodePort").is_some_and(|n| n != 0);
    let used: Vec<Value> =
        spec.items("ports").iter().filter(|p| is_set(p)).map(|p| p.at("nodePort").clone()).collect();
    let alike = |a: &Value, b: &Value| a.at("port") == b.at("port") && a.at("protocol") == b.at("protocol");
    for port in spec.items_mut("ports").iter_mut().filter(|p| !is_set(p)) {
        let was = old.items("ports").iter().find(|was| alike(was, port)).map(|was| was.at("nodePort"));
        if let Some(number) = was.filter(|n| !n.is_null() && !used.contains(n)) {
            port.put("nodePort", number.clone());
        }
    }
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
    if spec.text("type") != "LoadBalancer" {
        unused.extend(["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"]);
    }
    for field in unused {
        if spec.at(field) == old.at(field) {
            spec.remove(field);
        }
    }
    if !may_have_node_ports(spec) && may_have_node_ports(old) {
        let before: Vec<Value> = old.items("ports").iter().map(|p| p.at("nodePort").clone()).collect();
        for port in spec.items_mut("ports").iter_mut().filter(|p| before.contains(p.at("nodePort"))) {
            port.remove("nodePort");
        }
    }
}
