//! Ports that more than one container has.

use std::collections::HashMap;

use object::Path;

use super::containers;
use crate::rules::{At, Read};
use crate::warnings::MANY;

/// So many ports are compared with each other; no pod has more in earnest.
const COMPARED: usize = 1000;

/// What is odd about the ports of a pod.
pub(super) fn of_pod(spec: &At) -> Vec<String> {
    let ports: Vec<At> = containers::all(spec).flat_map(|container| container.each("ports")).collect();
    let mut warnings = Vec::new();
    for (i, port) in ports.iter().enumerate().take(COMPARED) {
        warnings.extend(without_port(port));
        let others = ports[..i].iter();
        warnings.extend(others.filter_map(|other| clash(port, other)).take(MANY));
        if warnings.len() >= MANY {
            break;
        }
    }
    warnings.extend(names(&ports));
    warnings
}

fn host_port(port: &At) -> i64 {
    port.int("hostPort").unwrap_or_default()
}

fn without_port(port: &At) -> Option<String> {
    let address = port.text("hostIP");
    (!address.is_empty() && host_port(port) == 0).then(|| {
        format!(
            "{}: hostIP set without hostPort: {{Name:{} HostPort:0 ContainerPort:{} Protocol:{} HostIP:{address}}}",
            port.path(""),
            port.text("name"),
            port.int("containerPort").unwrap_or_default(),
            port.text("protocol"),
        )
    })
}

/// How two definitions of one port of the pod stand to each other.
fn clash(port: &At, other: &At) -> Option<String> {
    let same = |field| port.at(field) == other.at(field);
    if !same("containerPort") || !same("protocol") {
        return None;
    }
    let (here, there) = (host_port(port), host_port(other));
    let (address, their_address) = (port.text("hostIP"), other.text("hostIP"));
    let how = if here == there && address == their_address {
        "duplicate"
    } else if here == 0 || there == 0 {
        "overlapping"
    } else if here == there && address.is_empty() != their_address.is_empty() {
        "dangerously ambiguous"
    } else {
        return None;
    };
    Some(format!("{}: {how} port definition with {}", port.path(""), other.path("")))
}

/// Says of names that several ports have which port they mean.
fn names(ports: &[At]) -> Vec<String> {
    let mut first: HashMap<&str, Path> = HashMap::new();
    let mut warnings = Vec::new();
    for port in ports.iter().filter(|port| !port.is_empty("name")) {
        let (name, path) = (port.value().text("name"), port.path(""));
        match first.get(name) {
            Some(other) => warnings.push(format!(
                "{path}: duplicate port name {name:?} with {other}, services and probes that select ports by name will \
                 use {other}"
            )),
            None => drop(first.insert(name, path)),
        }
    }
    warnings
}
