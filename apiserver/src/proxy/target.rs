//! Where a request goes.

use object::{Status, Value};

use crate::node_proxy::Endpoint;

/// What a path names: `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted<'p> {
    tls: bool,
    pub(super) name: &'p str,
    /// A number or a name; empty: the usual one.
    port: &'p str,
}

/// The backend of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Target {
    /// A node's agent, by its own certificate.
    Agent(Endpoint),
    /// HTTP at an address.
    Plain { host: String, port: u16 },
    /// HTTPS at an address.
    Tls { host: String, port: u16 },
}

impl Target {
    fn at(host: &str, port: u16, tls: bool) -> Self {
        let host = host.to_owned();
        if tls { Self::Tls { host, port } } else { Self::Plain { host, port } }
    }

    /// `10.0.0.1:80`, `[fd00::1]:80`
    pub(super) fn authority(&self) -> String {
        match self {
            Self::Agent(agent) => agent.authority(),
            Self::Plain { host, port } | Self::Tls { host, port } => {
                if host.contains(':') {
                    format!("[{host}]:{port}")
                } else {
                    format!("{host}:{port}")
                }
            }
        }
    }
}

impl<'p> Wanted<'p> {
    pub(super) fn parse(kind: &str, text: &'p str) -> Result<Self, Status> {
        let parts: Vec<&str> = text.split(':').collect();
        let (scheme, name, port) = match parts[..] {
            [name] => ("", name, ""),
            [name, port] => ("", name, port),
            [scheme @ ("" | "http" | "https"), name, port] => (scheme, name, port),
            _ => ("", "", ""),
        };
        if name.is_empty() {
            return Err(Status::bad_request(format!("invalid {} request {text:?}", kind.to_lowercase())));
        }
        Ok(Self { tls: scheme == "https", name, port })
    }

    /// The port as a number; none where it is a name.
    fn number(&self) -> Option<u16> {
        self.port.parse().ok().filter(|port| *port > 0)
    }
}

/// A pod's own address; without a port the first that a container states, or that of the scheme.
pub(super) fn of_pod(pod: &Value, wanted: &Wanted<'_>) -> Result<Target, Status> {
    let port = if wanted.port.is_empty() {
        let containers = list(&pod["spec"]["containers"]).iter();
        let stated = containers.flat_map(|container| list(&container["ports"])).next();
        let stated = stated.and_then(|port| port_of(&port["containerPort"]));
        stated.unwrap_or(if wanted.tls { 443 } else { 80 })
    } else {
        let invalid = || Status::bad_request(format!("invalid pod port {:?}", wanted.port));
        wanted.number().ok_or_else(invalid)?
    };
    let host = proxyable(pod["status"]["podIP"].as_str().unwrap_or_default())?;
    Ok(Target::at(host, port, wanted.tls))
}

/// One of the ready endpoints of a service, by `draw`.
pub(super) fn of_service(
    service: &Value,
    slices: &[Value],
    wanted: &Wanted<'_>,
    draw: u64,
) -> Result<Target, Status> {
    let name = wanted.name;
    let port_name = match wanted.number() {
        None => wanted.port,
        Some(number) => {
            let ports = list(&service["spec"]["ports"]);
            let found = ports.iter().find(|port| port_of(&port["port"]) == Some(number));
            let missing =
                || Status::unavailable(format!("no service port {number} found for service {name:?}"));
            found.ok_or_else(missing)?["name"].as_str().unwrap_or_default()
        }
    };
    let places: Vec<(&str, u16)> = slices
        .iter()
        .filter_map(|slice| {
            let ports = list(&slice["ports"]);
            let port = ports.iter().find(|port| port["name"].as_str().unwrap_or_default() == port_name)?;
            Some((slice, port_of(&port["port"])?))
        })
        .flat_map(|(slice, port)| {
            let ready = |endpoint: &&Value| endpoint["conditions"]["ready"] != false;
            let endpoints = list(&slice["endpoints"]).iter().filter(ready);
            endpoints.filter_map(move |endpoint| Some((endpoint["addresses"][0].as_str()?, port)))
        })
        .collect();
    let none = || Status::unavailable(format!("no endpoints available for service {name:?}"));
    let count = places.len() as u64;
    let (host, port) = *places.get(draw.checked_rem(count).ok_or_else(none)? as usize).ok_or_else(none)?;
    Ok(Target::at(proxyable(host)?, port, wanted.tls))
}

/// A node's agent, or another port of the node.
pub(super) fn of_node(agent: Endpoint, wanted: &Wanted<'_>) -> Result<Target, Status> {
    match wanted.number() {
        Some(port) if port != agent.port => Ok(Target::at(&agent.host, port, wanted.tls)),
        None if !wanted.port.is_empty() => {
            Err(Status::bad_request(format!("invalid node port {:?}", wanted.port)))
        }
        _ => Ok(Target::Agent(agent)),
    }
}

/// An address that clients may be led to: not the server's own machine, nor what is only on its link.
fn proxyable(text: &str) -> Result<&str, Status> {
    let refused = match text.parse() {
        Ok(std::net::IpAddr::V4(ip)) => {
            ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_unspecified()
        }
        Ok(std::net::IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified()
        }
        Err(_) => true,
    };
    if refused { Err(Status::bad_request("address not allowed")) } else { Ok(text) }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn port_of(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)
}
