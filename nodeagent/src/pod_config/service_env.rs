//! Services as environment variables.

use std::collections::BTreeMap;

use network::{Protocol, Service, Services};

/// The service that every container learns of, whatever its namespace.
const API_SERVICE: (&str, &str) = ("default", "kubernetes");

/// The variables that tell a container of a namespace about services: those of its namespace if `links`, and
/// always the API server's. Services without a cluster address do not count.
pub fn service_env(services: &Services, namespace: &str, links: bool) -> BTreeMap<String, String> {
    let mut seen: BTreeMap<&str, &Service> = BTreeMap::new();
    for ((home, name), service) in services {
        let own = links && home == namespace;
        let api = (home.as_str(), name.as_str()) == API_SERVICE;
        let reachable = !service.cluster_ips.is_empty() && !service.ports.is_empty();
        // a service of the namespace takes the place of the API server's of the same name
        if reachable && (own || (api && !seen.contains_key(name.as_str()))) {
            seen.insert(name, service);
        }
    }
    seen.into_iter().flat_map(|(name, service)| variables(name, service)).collect()
}

fn variables(name: &str, service: &Service) -> Vec<(String, String)> {
    let (Some(address), Some(first)) = (service.cluster_ips.first(), service.ports.first()) else {
        return Vec::new();
    };
    let name = variable_name(name);
    let mut variables = vec![
        (format!("{name}_SERVICE_HOST"), address.to_string()),
        (format!("{name}_SERVICE_PORT"), first.port.to_string()),
    ];
    for port in service.ports.iter().filter(|port| !port.name.is_empty()) {
        variables.push((format!("{name}_SERVICE_PORT_{}", variable_name(&port.name)), port.port.to_string()));
    }
    for (index, port) in service.ports.iter().enumerate() {
        let protocol = protocol_name(port.protocol);
        let url = format!("{protocol}://{}", std::net::SocketAddr::new(*address, port.port));
        if index == 0 {
            variables.push((format!("{name}_PORT"), url.clone()));
        }
        let prefix = format!("{name}_PORT_{}_{}", port.port, protocol.to_uppercase());
        variables.extend([
            (format!("{prefix}_PROTO"), protocol.to_owned()),
            (format!("{prefix}_PORT"), port.port.to_string()),
            (format!("{prefix}_ADDR"), address.to_string()),
            (prefix, url),
        ]);
    }
    variables
}

fn variable_name(name: &str) -> String {
    name.replace('-', "_").to_uppercase()
}

fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

#[cfg(test)]
mod tests;
