//! What the cluster's services are, as data plane and name server need to know it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// All services, by namespace and name.
pub type Services = BTreeMap<(String, String), Service>;

/// A service and what stands behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Cluster addresses; none for a headless service.
    pub cluster_ips: Vec<IpAddr>,
    /// The name that it stands for, of a service of type `ExternalName`.
    pub external_name: Option<String>,
    /// Ports, in the service's order.
    pub ports: Vec<ServicePort>,
    /// How long a client keeps its endpoint; none where there is no affinity.
    pub affinity: Option<Duration>,
    /// What stands behind it, ready or not.
    pub endpoints: Vec<Endpoint>,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Name; empty for the only port.
    pub name: String,
    /// Protocol.
    pub protocol: Protocol,
    /// Port of the cluster addresses.
    pub port: u16,
    /// Port on every node, if any.
    pub node_port: Option<u16>,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// One address behind a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Address.
    pub address: IpAddr,
    /// Name in the service's domain, if it has one.
    pub hostname: Option<String>,
    /// Whether it takes connections.
    pub ready: bool,
    /// Its port by the service port's name.
    pub ports: BTreeMap<String, u16>,
}
