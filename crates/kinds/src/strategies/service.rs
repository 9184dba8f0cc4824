//! Rules of services.

mod addresses;
mod check;
mod families;
mod outside;
mod status;

use object::{FieldErrors, Value};
use serde_json::json;

pub use families::{IpFamily, settle_families};

use crate::rules::{At, Errors, Read, Write};
use crate::{Claim, Strategy, warnings};

const EXTERNAL_NAME: &str = "ExternalName";
const LOAD_BALANCER: &str = "LoadBalancer";
/// The older annotation, and the newer one.
const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";

/// Strategy of services.
pub(crate) struct Service;

impl Strategy for Service {
    fn default(&self, service: &mut Value) {
        status::default(service);
        let Some(spec) = service.at_mut("spec") else { return };
        for port in spec.items_mut("ports") {
            if matches!(port.at("targetPort"), Value::Null)
                || port.int("targetPort") == Some(0)
                || port.at("targetPort") == ""
            {
                port.put("targetPort", port.at("port").clone());
            }
        }
        let forgets = !spec.has("sessionAffinityConfig.clientIP.timeoutSeconds");
        if spec.text("sessionAffinity") == "ClientIP" && forgets {
            spec.put("sessionAffinityConfig", json!({ "clientIP": { "timeoutSeconds": 10800 } }));
        }
        if needs_address(spec) {
            spec.put_new("internalTrafficPolicy", "Cluster");
        }
        if is_reachable_from_outside(spec) {
            spec.put_new("externalTrafficPolicy", "Cluster");
        }
        if spec.text("type") == LOAD_BALANCER {
            spec.put_new("allocateLoadBalancerNodePorts", true);
        }
    }

    fn prepare_create(&self, service: &mut Value) {
        if let Some(spec) = service.at_mut("spec") {
            addresses::pair(spec);
        }
        service.put("status", json!({ "loadBalancer": {} }));
    }

    fn prepare_update(&self, new: &mut Value, old: &Value) {
        let Some(spec) = new.at_mut("spec") else { return };
        let was = old.at("spec");
        addresses::carry_over(spec, was);
        addresses::drop_unused(spec, was);
        if spec.text("type") != LOAD_BALANCER {
            new.put("status.loadBalancer", json!({}));
        }
    }

    fn validate(&self, service: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        check::service(&At::root(service), &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        check::update(&At::root(new).field("spec"), old.at("spec"))
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        warnings::of_service(new)
    }

    fn status_warnings(&self, new: &Value) -> Vec<String> {
        warnings::service_addresses(new)
    }

    fn validate_status(&self, new: &Value, _: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        status::check(&At::root(new), &mut errors);
        errors.done()
    }

    fn claims(&self, service: &Value) -> Vec<Claim> {
        let spec = service.at("spec");
        let mut claims = Vec::new();
        if needs_address(spec) {
            claims.push(Claim::Families);
        }
        if needs_address(spec) && !is_headless(spec) {
            claims.extend(cluster_ips(spec));
        }
        for (index, port) in spec.items("ports").iter().enumerate() {
            let asked = port_number(port, "nodePort");
            if asked.is_some() && may_have_node_ports(spec) || needs_node_ports(spec) {
                claims.push(Claim::NodePort { index, port: asked });
            }
        }
        if needs_health_port(spec) {
            claims.push(Claim::HealthPort(port_number(spec, "healthCheckNodePort")));
        }
        claims
    }
}

/// An address of each family, and those that are there.
fn cluster_ips(spec: &Value) -> Vec<Claim> {
    let (families, addresses) = (spec.items("ipFamilies"), spec.items("clusterIPs"));
    let claim = |index: usize| {
        let address = addresses.get(index).and_then(|ip| ip.as_str()?.parse().ok());
        let told = families.get(index).and_then(|name| IpFamily::named(name.as_str()?));
        let family = told.or_else(|| address.map(IpFamily::of))?;
        Some(Claim::ClusterIp { index, family, address })
    };
    (0..families.len().max(addresses.len())).filter_map(claim).collect()
}

fn port_number(of: &Value, field: &str) -> Option<u16> {
    of.int(field).filter(|&n| n != 0).and_then(|n| u16::try_from(n).ok())
}

fn needs_address(spec: &Value) -> bool {
    spec.text("type") != EXTERNAL_NAME
}

fn is_headless(spec: &Value) -> bool {
    spec.text("clusterIP") == "None"
}

/// Whether the service's ports get ports of the nodes.
fn needs_node_ports(spec: &Value) -> bool {
    match spec.text("type") {
        "NodePort" => true,
        LOAD_BALANCER => spec.at("allocateLoadBalancerNodePorts") != &Value::Bool(false),
        _ => false,
    }
}

/// Whether the service may have ports of the nodes.
fn may_have_node_ports(spec: &Value) -> bool {
    matches!(spec.text("type"), "NodePort" | LOAD_BALANCER)
}

/// Whether load balancers ask the nodes which of them have endpoints of the service.
fn needs_health_port(spec: &Value) -> bool {
    spec.text("type") == LOAD_BALANCER && spec.text("externalTrafficPolicy") == "Local"
}

fn is_reachable_from_outside(spec: &Value) -> bool {
    may_have_node_ports(spec) || (spec.text("type") == "ClusterIP" && !spec.is_empty("externalIPs"))
}
