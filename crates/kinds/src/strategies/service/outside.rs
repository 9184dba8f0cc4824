//! Checks of what a service says of traffic from outside the cluster.

use object::FieldError;

use super::{LOAD_BALANCER, is_reachable_from_outside, needs_health_port};
use crate::rules::at::PORT;
use crate::rules::{At, Errors, Read, blocks};

/// The annotation is older than the field `loadBalancerSourceRanges`.
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const ONLY_BALANCED: &str = "may only be used when `type` is 'LoadBalancer'";

/// Checks what makes a service reachable from outside, and what is said of that.
pub(super) fn check(service: &At, spec: &At, errors: &mut Errors) {
    for ip in spec.each("externalIPs") {
        let malformed = object::ip(ip.text(""));
        errors.obey(
            &ip.path(""),
            ip.text(""),
            if malformed.is_empty() { blocks::endpoint_ip } else { object::ip },
        );
    }
    check_source_ranges(service, spec, errors);
    let balanced = spec.text("type") == LOAD_BALANCER;
    for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
        if !balanced {
            errors.forbid_present(spec, field, ONLY_BALANCED);
        }
    }
    if let Some(class) = spec.present("loadBalancerClass").filter(|_| balanced) {
        errors.obey(&class.path(""), class.text(""), object::qualified_name);
    }
    if !spec.is_empty("externalTrafficPolicy") && !is_reachable_from_outside(spec) {
        let (at, value) = (spec.path("externalTrafficPolicy"), spec.show("externalTrafficPolicy"));
        errors.push(FieldError::invalid(&at, value, "may only be set for externally-accessible services"));
    }
    check_health_port(spec, errors);
}

/// Blocks of those who may come; the annotation counts where the field says nothing.
fn check_source_ranges(service: &At, spec: &At, errors: &mut Errors) {
    let annotations = service.field("metadata.annotations");
    let (list, of_annotation) =
        (spec.path("LoadBalancerSourceRanges"), annotations.path("").key(SOURCE_RANGES));
    let (path, blocks): (_, Vec<_>) = if !spec.is_empty("loadBalancerSourceRanges") {
        let blocks = spec.items("loadBalancerSourceRanges").iter().enumerate();
        (&list, blocks.map(|(index, block)| (list.index(index), block.text(""))).collect())
    } else if let Some(blocks) = annotations.value().get(SOURCE_RANGES) {
        let blocks = blocks.text("").trim().split(',').filter(|_| !blocks.text("").trim().is_empty());
        (&of_annotation, blocks.map(|block| (of_annotation.clone(), block)).collect())
    } else {
        return;
    };
    if spec.text("type") != LOAD_BALANCER {
        errors.push(FieldError::forbidden(path, ONLY_BALANCED));
    }
    for (path, block) in blocks {
        errors.obey(&path, block.trim(), object::cidr);
    }
}

fn check_health_port(spec: &At, errors: &mut Errors) {
    let set = spec.int("healthCheckNodePort").filter(|port| *port != 0);
    let detail = match set {
        Some(_) if !needs_health_port(spec) => {
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        }
        Some(port) if !(1..=65535).contains(&port) => PORT,
        _ => return,
    };
    let (at, shown) = (spec.path("healthCheckNodePort"), spec.show("healthCheckNodePort"));
    errors.push(FieldError::invalid(&at, shown, detail));
}
