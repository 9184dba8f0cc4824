//! Services.

use object::Value;

use super::{address, block};
use crate::rules::{At, Read};

const EXTERNAL_NAME: &str = "ExternalName";
const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const MODE: &str = "service.kubernetes.io/topology-mode";

/// What is odd about a service.
pub(crate) fn of_service(service: &Value) -> Vec<String> {
    let spec = At::root(service).field("spec");
    let mut warnings = Vec::new();
    if service.at("metadata.annotations").get(HINTS).is_some() {
        warnings.push(format!("annotation {HINTS} is deprecated, please use {MODE} instead"));
    }
    let own = spec.text("clusterIP");
    if !own.is_empty() && own != "None" {
        warnings.extend(each(&spec, "clusterIPs"));
    }
    if is_headless(&spec) {
        warnings.extend(ignored_without_address(&spec));
    }
    warnings.extend(each(&spec, "externalIPs"));
    let external = !spec.is_empty("externalIPs");
    if external && !is_headless(&spec) && spec.text("type") != EXTERNAL_NAME {
        let text = "spec.externalIPs is deprecated and may no longer be implemented in some clusters";
        warnings.push(text.to_owned());
    }
    warnings.extend(address(&spec.path("loadBalancerIP"), spec.text("loadBalancerIP")));
    warnings.extend(spec.each("loadBalancerSourceRanges").flat_map(|one| block(&one.path(""), one.text(""))));
    warnings.extend(of_type(&spec));
    if spec.text("trafficDistribution") == "PreferClose" {
        let text = "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"";
        warnings.push(text.to_owned());
    }
    warnings
}

/// What is odd about the addresses that the status of a service tells of.
pub(crate) fn addresses(service: &Value) -> Vec<String> {
    let places = At::root(service).each("status.loadBalancer.ingress").collect::<Vec<_>>();
    places.iter().filter_map(|place| address(&place.path(""), place.text("ip"))).collect()
}

fn each(spec: &At, field: &str) -> Vec<String> {
    spec.each(field).filter_map(|one| address(&one.path(""), one.text(""))).collect()
}

fn is_headless(spec: &At) -> bool {
    spec.text("type") == "ClusterIP" && spec.text("clusterIP") == "None"
}

fn ignored_without_address(spec: &At) -> Vec<String> {
    let affinity = spec.text("sessionAffinity");
    let set = [
        ("loadBalancerIP", !spec.is_empty("loadBalancerIP")),
        ("externalIPs", !spec.is_empty("externalIPs")),
        ("SessionAffinity", affinity != "None"),
    ];
    let ignored = set.into_iter().filter(|(_, set)| *set);
    ignored.map(|(field, _)| format!("spec.{field} is ignored for headless services")).collect()
}

/// What a service of its type has no use for.
fn of_type(spec: &At) -> Option<String> {
    let named = spec.text("type") == EXTERNAL_NAME;
    let when = if named { "is" } else { "is not" };
    let unused = if named { "externalIPs" } else { "externalName" };
    (!spec.is_empty(unused))
        .then(|| format!("spec.{unused} is ignored when spec.type {when} \"{EXTERNAL_NAME}\""))
}
