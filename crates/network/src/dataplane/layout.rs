//! What the packet filter should hold: the services, flattened.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::Ipv4Net;

use crate::{Protocol, Service, ServicePort, Services};

/// More endpoints of one port are not used: it bounds what one service can cost.
const MOST_ENDPOINTS: usize = 4096;

/// What a connection is addressed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A port of a cluster address.
    Cluster(Ipv4Addr, Protocol, u16),
    /// A port of any address of the node.
    Node(Protocol, u16),
}

/// How one of the endpoints is picked for a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pick {
    /// At random.
    Random,
    /// By the client's address.
    Client,
}

/// Where a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// How one of the endpoints is picked.
    pub pick: Pick,
    /// Ready endpoints, sorted; never empty.
    pub endpoints: Arc<[(Ipv4Addr, u16)]>,
}

/// All that the packet filter holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Where connections go.
    pub targets: BTreeMap<Key, Target>,
    /// Cluster addresses: what is sent to one of them and has no target is refused.
    pub addresses: BTreeSet<Ipv4Addr>,
    /// Ports of the node whose service has no ready endpoint: connections are refused.
    pub closed: BTreeSet<(Protocol, u16)>,
    /// Endpoints on this node, which may be sent what they sent to a service themselves.
    pub hairpins: BTreeSet<Ipv4Addr>,
}

impl Layout {
    /// Flattens services. `pods` are the addresses of this node's pods.
    ///
    /// IPv6 is left out, and so is a later service that claims what an earlier one (by namespace and name)
    /// has.
    pub fn of(services: &Services, pods: Ipv4Net) -> Self {
        let mut layout = Self::default();
        for service in services.values() {
            layout.addresses.extend(cluster_ips(service));
            for port in &service.ports {
                layout.add(service, port, pods);
            }
        }
        layout
    }

    /// The UDP endpoints that were led to here and are not there, with what led to them: the kernel goes on
    /// leading to them whoever sent there before.
    pub fn lost_udp(&self, there: &Self) -> BTreeSet<(Key, (Ipv4Addr, u16))> {
        let udp = |key: &Key| matches!(key, Key::Cluster(_, Protocol::Udp, _) | Key::Node(Protocol::Udp, _));
        let pairs = self.targets.iter().filter(|(key, _)| udp(key)).flat_map(|(key, target)| {
            let kept = there.targets.get(key).map_or(&[][..], |target| &target.endpoints);
            let lost = target.endpoints.iter().filter(move |endpoint| !kept.contains(endpoint));
            lost.map(|endpoint| (*key, *endpoint))
        });
        pairs.collect()
    }

    fn add(&mut self, service: &Service, port: &ServicePort, pods: Ipv4Net) {
        let endpoints = ready(service, port);
        let node = port.node_port.map(|number| (port.protocol, number));
        if endpoints.is_empty() {
            self.closed.extend(node);
            return;
        }
        let pick = if service.affinity.is_some() { Pick::Client } else { Pick::Random };
        let cluster = cluster_ips(service).map(|address| Key::Cluster(address, port.protocol, port.port));
        let node = node.map(|(protocol, number)| Key::Node(protocol, number));
        let mut used = false;
        for key in cluster.chain(node) {
            used = true;
            self.targets.entry(key).or_insert_with(|| Target { pick, endpoints: endpoints.clone() });
        }
        if used {
            self.hairpins.extend(endpoints.iter().map(|(address, _)| *address).filter(|a| pods.contains(a)));
        }
    }
}

fn cluster_ips(service: &Service) -> impl Iterator<Item = Ipv4Addr> {
    service.cluster_ips.iter().filter_map(|address| match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    })
}

fn ready(service: &Service, port: &ServicePort) -> Arc<[(Ipv4Addr, u16)]> {
    let mut found: Vec<_> = service
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.ready)
        .filter_map(|endpoint| match endpoint.address {
            IpAddr::V4(address) => Some((address, *endpoint.ports.get(&port.name)?)),
            IpAddr::V6(_) => None,
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST_ENDPOINTS);
    found.into()
}
