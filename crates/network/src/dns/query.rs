//! What a name within the cluster's domain asks for.

use std::net::{IpAddr, Ipv4Addr};

use crate::Protocol;

/// What a name stands for, by its form alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked<'a> {
    /// The domain itself, or a name that others are below.
    Apex,
    /// A name that exists only because others are below it.
    Above,
    /// The version of the specification.
    Version,
    /// A namespace of services.
    Namespace(&'a str),
    /// A service, by namespace and name.
    Service(&'a str, &'a str),
    /// A protocol of a service, which exists only because its ports are below it.
    Protocol(&'a str, &'a str),
    /// One endpoint of a service, by namespace, name and the endpoint's own name.
    Endpoint(&'a str, &'a str, &'a str),
    /// A port of a service, by namespace, name, protocol and the port's name.
    Port(&'a str, &'a str, Protocol, &'a str),
    /// An address that is spelt in the name.
    Pod(IpAddr),
    /// Nothing that can exist.
    Nothing,
}

/// Reads the labels of a name before the domain, in lower case.
pub(super) fn read<'a>(labels: &[&'a str]) -> Asked<'a> {
    match *labels {
        [] => Asked::Apex,
        ["svc"] | ["pod"] => Asked::Above,
        ["dns-version"] => Asked::Version,
        [namespace, "svc"] => Asked::Namespace(namespace),
        [_, "pod"] => Asked::Above,
        [address, _, "pod"] => spelt(address).map_or(Asked::Nothing, Asked::Pod),
        [name, namespace, "svc"] => Asked::Service(namespace, name),
        [label, name, namespace, "svc"] => match protocol(label) {
            Some(_) => Asked::Protocol(namespace, name),
            None => Asked::Endpoint(namespace, name, label),
        },
        [port, label, name, namespace, "svc"] => match (port.strip_prefix('_'), protocol(label)) {
            (Some(port), Some(protocol)) => Asked::Port(namespace, name, protocol, port),
            _ => Asked::Nothing,
        },
        _ => Asked::Nothing,
    }
}

/// An address as a label: its dots or colons are dashes.
pub(super) fn spell(address: IpAddr) -> String {
    address.to_string().replace(['.', ':'], "-")
}

fn spelt(label: &str) -> Option<IpAddr> {
    let four: Option<Ipv4Addr> = label.replace('-', ".").parse().ok();
    four.map(IpAddr::V4).or_else(|| label.replace('-', ":").parse().ok())
}

fn protocol(label: &str) -> Option<Protocol> {
    match label {
        "_tcp" => Some(Protocol::Tcp),
        "_udp" => Some(Protocol::Udp),
        "_sctp" => Some(Protocol::Sctp),
        _ => None,
    }
}
