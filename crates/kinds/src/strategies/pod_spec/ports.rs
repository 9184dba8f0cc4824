//! Rules of ports of containers.

use std::collections::HashSet;

use object::FieldError;

use super::{At, Errors, Read};
use crate::rules::at::PORT;

/// Checks the ports of a container.
pub(super) fn check(container: &At, errors: &mut Errors) {
    let mut names = HashSet::new();
    for port in container.each("ports") {
        let name = port.value().text("name");
        if object::port_name(name).is_empty() && !names.insert(name) {
            errors.push(FieldError::duplicate(&port.path("name"), name));
        }
        if port.int("containerPort").unwrap_or_default() == 0 {
            errors.push(FieldError::required(&port.path("containerPort"), ""));
        }
        for field in ["containerPort", "hostPort"] {
            errors.number(&port, field, |n| (0..=65535).contains(&n), PORT);
        }
    }
}

/// No two ports of containers that run together take the same port of the node, and in the node's network every port
/// is one of the node.
pub(super) fn check_hosts(spec: &At, errors: &mut Errors) {
    check_taken(spec.each("containers").flat_map(|container| container.each("ports")), errors);
    for container in spec.each("initContainers") {
        // each is told of as the first
        let alone = container.placed(spec.path("initContainers").index(0));
        check_taken(alone.each("ports"), errors);
    }
    if spec.flag("hostNetwork") {
        spec.each("containers").flat_map(|c| c.each("ports")).for_each(|port| check_same(&port, errors));
    }
}

fn check_taken<'a>(ports: impl Iterator<Item = At<'a>>, errors: &mut Errors) {
    let mut taken = HashSet::new();
    for port in ports {
        let host = port.int("hostPort").unwrap_or_default();
        let claim = format!("{}/{}/{host}", port.text("protocol"), port.text("hostIP"));
        if host != 0 && !taken.insert(claim.clone()) {
            errors.push(FieldError::duplicate(&port.path("hostPort"), claim));
        }
    }
}

/// A template need not say it: its pods will.
fn check_same(port: &At, errors: &mut Errors) {
    let (host, own) =
        (port.int("hostPort").unwrap_or_default(), port.int("containerPort").unwrap_or_default());
    if host != 0 && host != own {
        let detail = "must match `containerPort` when `hostNetwork` is true";
        errors.push(FieldError::invalid(&port.path("hostPort"), host, detail));
    }
}
