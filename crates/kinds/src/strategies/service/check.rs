//! Checks of services.

use std::collections::HashSet;

use object::{FieldError, FieldErrors, Value};

use super::{
    EXTERNAL_NAME, LOAD_BALANCER, is_headless, is_reachable_from_outside, may_have_node_ports, needs_address,
};
use crate::rules::at::PORT;
use crate::rules::{At, Errors, Read, labels};

/// Checks the spec of a service.
pub(super) fn spec(spec: &At, errors: &mut Errors) {
    match spec.text("type") {
        EXTERNAL_NAME => check_external_name(spec, errors),
        kind @ ("NodePort" | LOAD_BALANCER) if is_headless(spec) => {
            let detail = format!("may not be set to 'None' for {kind} services");
            errors.push(FieldError::invalid(&spec.path("clusterIPs[0]"), "None", detail));
        }
        _ => {}
    }
    if spec.is_empty("ports") && !is_headless(spec) && needs_address(spec) {
        errors.push(FieldError::required(&spec.path("ports"), ""));
    }
    check_ports(spec, errors);
    check_addresses(spec, errors);
    labels::check(&spec.field("selector"), errors);
    check_affinity(spec, errors);
    check_outside(spec, errors);
}

fn check_external_name(spec: &At, errors: &mut Errors) {
    if !spec.is_empty("clusterIP") || !spec.is_empty("clusterIPs") {
        let detail = "may not be set when `type` is 'ExternalName'";
        errors.push(FieldError::forbidden(&spec.path("clusterIPs"), detail));
    }
    let name = spec.text("externalName").trim_end_matches('.');
    if errors.need(spec, "externalName") {
        errors.obey(&spec.path("externalName"), name, object::dns1123_subdomain);
    }
}

fn check_ports(spec: &At, errors: &mut Errors) {
    let (mut ports, mut node_ports) = (HashSet::new(), HashSet::new());
    errors.unique(spec.each("ports"), "name");
    for port in spec.each("ports") {
        if spec.items("ports").len() > 1 {
            errors.need(&port, "name");
        }
        if !port.has("port") {
            errors.push(FieldError::invalid(&port.path("port"), 0, PORT));
        }
        errors.port(&port, "targetPort");
        let (protocol, number) = (port.text("protocol"), port.int("port").unwrap_or_default());
        if !ports.insert((protocol.to_owned(), number)) {
            let shown = serde_json::json!({ "port": number, "protocol": protocol });
            errors.push(FieldError::duplicate(&port.path(""), shown));
        }
        let node = port.int("nodePort").unwrap_or_default();
        if node != 0 && !may_have_node_ports(spec) {
            let detail = format!("may not be used when `type` is '{}'", spec.text("type"));
            errors.push(FieldError::forbidden(&port.path("nodePort"), detail));
        } else if node != 0 && !node_ports.insert((protocol.to_owned(), node)) {
            errors.push(FieldError::duplicate(&port.path("nodePort"), node));
        }
    }
}

fn check_addresses(spec: &At, errors: &mut Errors) {
    for ip in spec.each("clusterIPs").filter(|ip| ip.value() != "None") {
        errors.obey(&ip.path(""), ip.as_str().unwrap_or_default(), object::ip);
    }
    let first = spec.items("clusterIPs").first().unwrap_or(&Value::Null);
    if !spec.is_empty("clusterIP") && first != spec.at("clusterIP") {
        let detail = "must match the first element of `clusterIPs`";
        errors.push(FieldError::invalid(&spec.path("clusterIPs"), spec.show("clusterIPs"), detail));
    }
    for ip in spec.each("externalIPs") {
        errors.obey(&ip.path(""), ip.as_str().unwrap_or_default(), object::ip);
    }
    for block in spec.each("loadBalancerSourceRanges") {
        errors.obey(&block.path(""), block.as_str().unwrap_or_default().trim(), object::cidr);
    }
    for family in spec.each("ipFamilies").filter(|f| f.value() != "IPv4" && f.value() != "IPv6") {
        errors.push(FieldError::not_supported(&family.path(""), family.show(""), &["IPv4", "IPv6"]));
    }
}

fn check_affinity(spec: &At, errors: &mut Errors) {
    let seconds = "sessionAffinityConfig.clientIP.timeoutSeconds";
    if spec.text("sessionAffinity") == "ClientIP" {
        let detail = "must be greater than 0 and less than 86400";
        errors.number(spec, seconds, |n| (1..=86400).contains(&n), detail);
    } else {
        let detail = "must not be set when session affinity is None";
        errors.forbid_present(spec, "sessionAffinityConfig", detail);
    }
}

/// What only makes sense for traffic from outside the cluster.
fn check_outside(spec: &At, errors: &mut Errors) {
    if spec.has("externalTrafficPolicy") && !is_reachable_from_outside(spec) {
        let (at, value) = (spec.path("externalTrafficPolicy"), spec.show("externalTrafficPolicy"));
        errors.push(FieldError::invalid(&at, value, "may only be set for externally-accessible services"));
    }
    if spec.text("type") == LOAD_BALANCER {
        return;
    }
    for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass", "loadBalancerSourceRanges"] {
        errors.forbid(spec, field, "may only be used when `type` is 'LoadBalancer'");
    }
    if spec.int("healthCheckNodePort").is_some_and(|n| n != 0) {
        let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.push(FieldError::invalid(
            &spec.path("healthCheckNodePort"),
            spec.show("healthCheckNodePort"),
            detail,
        ));
    }
}

/// Checks a change: the address stays while the service keeps one.
pub(super) fn update(spec: &At, old: &Value) -> FieldErrors {
    let mut errors = Errors::new();
    let keeps = needs_address(spec) && needs_address(old) && !old.is_empty("clusterIP");
    if keeps && spec.at("clusterIP") != old.at("clusterIP") {
        let detail = "may not change once set";
        errors.push(FieldError::invalid(&spec.path("clusterIPs[0]"), spec.show("clusterIPs"), detail));
    }
    errors.done()
}
