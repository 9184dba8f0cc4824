//! What the status of a service may say: where its load balancer is.

use object::{FieldError, Value};

use super::LOAD_BALANCER;
use crate::rules::{At, Errors, Read, Write};

const MODES: [&str; 2] = ["Proxy", "VIP"];

/// An address of a load balancer is one that packets keep, where it does not say otherwise.
pub(super) fn default(service: &mut Value) {
    if service.text("spec.type") != LOAD_BALANCER {
        return;
    }
    for point in service.items_mut("status.loadBalancer.ingress") {
        if !point.is_empty("ip") {
            point.put_new("ipMode", "VIP");
        }
    }
}

/// Checks a new status.
pub(super) fn check(service: &At, errors: &mut Errors) {
    let balancer = service.field("status.loadBalancer");
    if service.text("spec.type") != LOAD_BALANCER {
        return errors.forbid(&balancer, "ingress", "may only be used when `spec.type` is 'LoadBalancer'");
    }
    for point in balancer.each("ingress") {
        errors.text(&point, "ip", object::ip);
        check_mode(&point, errors);
        errors.text(&point, "hostname", object::dns1123_subdomain);
        if object::ip(point.text("hostname")).is_empty() {
            let detail = "must be a DNS name, not an IP address";
            errors.push(FieldError::invalid(&point.path("hostname"), point.text("hostname"), detail));
        }
    }
}

/// Every address has a mode, and nothing else has.
fn check_mode(point: &At, errors: &mut Errors) {
    match (point.is_empty("ip"), point.has("ipMode")) {
        (false, false) => {
            errors.push(FieldError::required(&point.path("ipMode"), "must be specified when `ip` is set"));
        }
        (true, true) => {
            errors.push(FieldError::forbidden(
                &point.path("ipMode"),
                "may not be specified when `ip` is not set",
            ));
        }
        _ => errors.one_of(point, "ipMode", &MODES),
    }
}
