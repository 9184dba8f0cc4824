//! Checks of services.

use std::collections::HashSet;

use object::{FieldError, FieldErrors, Value};

use super::{
    EXTERNAL_NAME, IpFamily, LOAD_BALANCER, TOPOLOGY_HINTS, TOPOLOGY_MODE, is_headless, needs_address,
    needs_health_port, outside,
};
use crate::rules::at::PORT;
use crate::rules::{At, Errors, Read, labels};

/// Checks a service.
pub(super) fn service(service: &At, errors: &mut Errors) {
    let spec = &service.field("spec");
    check_topology(&service.field("metadata.annotations"), errors);
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
    if needs_address(spec) {
        check_cluster_ips(spec, errors);
    }
    labels::check(&spec.field("selector"), errors);
    check_affinity(spec, errors);
    outside::check(service, spec, errors);
}

/// The older annotation says what the newer one does.
fn check_topology(annotations: &At, errors: &mut Errors) {
    let (old, new) = (annotations.value().get(TOPOLOGY_HINTS), annotations.value().get(TOPOLOGY_MODE));
    if let (Some(old), Some(new)) = (old, new)
        && old != new
    {
        let detail = format!("must match annotations[{TOPOLOGY_HINTS}] when both are specified");
        errors.push(FieldError::invalid(&annotations.path("").key(TOPOLOGY_MODE), new.clone(), detail));
    }
}

fn check_external_name(spec: &At, errors: &mut Errors) {
    for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        errors.forbid(spec, field, "may not be set for ExternalName services");
    }
    let (path, name) = (spec.path("externalName"), spec.text("externalName"));
    match name.strip_suffix('.').unwrap_or(name) {
        "" => errors.push(FieldError::required(&path, "")),
        name => errors.obey(&path, name, object::dns1123_subdomain),
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
        if let Some(protocol) = port.present("appProtocol") {
            errors.obey(&protocol.path(""), protocol.text(""), object::qualified_name);
        }
        let (protocol, number) = (port.text("protocol"), port.int("port").unwrap_or_default());
        if !ports.insert((protocol.to_owned(), number)) {
            let shown = serde_json::json!({ "port": number, "protocol": protocol });
            errors.push(FieldError::duplicate(&port.path(""), shown));
        }
        let node = port.int("nodePort").unwrap_or_default();
        if node != 0 && spec.text("type") == "ClusterIP" {
            let detail = "may not be used when `type` is 'ClusterIP'";
            errors.push(FieldError::forbidden(&port.path("nodePort"), detail));
        } else if node != 0 && !node_ports.insert((protocol.to_owned(), node)) {
            errors.push(FieldError::duplicate(&port.path("nodePort"), node));
        }
    }
}

/// Checks what is said of addresses and families: each for itself, then one by the other.
fn check_cluster_ips(spec: &At, errors: &mut Errors) {
    let (at, list) = (spec.path("clusterIPs"), spec.items("clusterIPs"));
    let wrong = |detail: &str, errors: &mut Errors| {
        errors.push(FieldError::invalid(&at, spec.show("clusterIPs"), detail));
    };
    match list.first() {
        Some(_) if spec.is_empty("clusterIP") => {
            wrong("must be empty when `clusterIP` is not specified", errors);
        }
        Some(first) if first != spec.at("clusterIP") => wrong("first value must match `clusterIP`", errors),
        _ => {}
    }
    for family in spec.each("ipFamilies").filter(|f| f.as_str().and_then(IpFamily::named).is_none()) {
        errors.push(FieldError::not_supported(&family.path(""), family.show(""), &["IPv4", "IPv6"]));
    }
    errors.distinct(spec.each("ipFamilies"), |family| family.show(""));
    let before = errors.count_so_far();
    if list.len() > 1 && is_headless(spec) {
        wrong("'None' must be the first and only value", errors);
    }
    for ip in spec.each("clusterIPs").skip(usize::from(is_headless(spec))) {
        errors.obey(&ip.path(""), ip.as_str().unwrap_or_default(), object::ip);
    }
    let are_valid = errors.count_so_far() == before;
    if list.len() > 2 {
        wrong("may only hold up to 2 values", errors);
    }
    if are_valid {
        check_pairs(spec, errors);
    }
}

/// Of two addresses, one is of IPv4 and one of IPv6, and each of the family at its place.
fn check_pairs(spec: &At, errors: &mut Errors) {
    let family = |ip: &Value| ip.as_str().and_then(|text| text.parse().ok()).map(IpFamily::of);
    let families: Vec<Option<IpFamily>> = spec.items("clusterIPs").iter().map(family).collect();
    let has = |wanted: IpFamily| families.contains(&Some(wanted));
    if families.len() > 1 && !(families.len() == 2 && has(IpFamily::V4) && has(IpFamily::V6)) {
        let detail = "may specify no more than one IP for each IP family";
        errors.push(FieldError::invalid(&spec.path("clusterIPs"), spec.show("clusterIPs"), detail));
    }
    for (index, (ip, told)) in spec.each("clusterIPs").zip(spec.items("ipFamilies")).enumerate() {
        let (found, told) = (families[index], told.as_str().and_then(IpFamily::named));
        if let (Some(found), Some(told)) = (found, told)
            && found != told
        {
            let detail = format!("expected an {} value as indicated by `ipFamilies[{index}]`", told.name());
            errors.push(FieldError::invalid(&ip.path(""), ip.show(""), detail));
        }
    }
}

fn check_affinity(spec: &At, errors: &mut Errors) {
    let (config, seconds) = ("sessionAffinityConfig", "sessionAffinityConfig.clientIP.timeoutSeconds");
    if spec.text("sessionAffinity") == "ClientIP" {
        let detail = "must be greater than 0 and less than 86400";
        errors.number(spec, seconds, |n| (1..=86400).contains(&n), detail);
    } else {
        let detail = "must not be set when session affinity is None";
        errors.forbid_present(spec, config, detail);
    }
}

/// Checks a change: what was given to a service stays while it is of use.
pub(super) fn update(spec: &At, old: &Value) -> FieldErrors {
    let mut errors = Errors::new();
    let mut first = Errors::new();
    check_cluster_ips(spec, &mut first);
    let keeps = needs_address(spec) && needs_address(old) && !(is_headless(spec) && is_headless(old));
    if keeps && first.done().is_empty() {
        check_kept(spec, old, "clusterIPs", &mut errors);
        if is_headless(spec) == is_headless(old) {
            check_kept(spec, old, "ipFamilies", &mut errors);
        }
    }
    let are_both = |of: fn(&Value) -> bool| of(spec) && of(old);
    if are_both(|spec| spec.text("type") == LOAD_BALANCER)
        && spec.at("loadBalancerClass") != old.at("loadBalancerClass")
    {
        let (at, shown) = (spec.path("loadBalancerClass"), spec.show("loadBalancerClass"));
        errors.push(FieldError::invalid(&at, shown, "may not change once set"));
    }
    let (now, was) = (spec.int("healthCheckNodePort"), old.int("healthCheckNodePort"));
    if are_both(needs_health_port) && now != was {
        errors.push(FieldError::forbidden(&spec.path("healthCheckNodePort"), "field is immutable"));
    }
    errors.done()
}

/// The first stays, and the second may come and go, but not become another.
fn check_kept(spec: &At, old: &Value, field: &str, errors: &mut Errors) {
    let (now, was) = (spec.items(field), old.items(field));
    let kept = if now.len() == was.len() { now.len() } else { 1 };
    for (index, _) in now.iter().zip(was).enumerate().take(kept).filter(|(_, (now, was))| now != was) {
        let (at, detail) = (spec.path(field).index(index), "may not change once set");
        errors.push(FieldError::invalid(&at, spec.show(field), detail));
    }
}
