//! What a service's pods are as endpoints: addresses, ports, conditions.

use std::collections::BTreeMap;
use std::net::IpAddr;

use cache::Snapshot;
use object::{Key, Value};

use super::layout::{Group, port_key};
use crate::views::{
    Container, Endpoint, EndpointConditions, EndpointPort, EndpointSlice, Node, Pod, Service, ServicePort,
    TargetRef,
};

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// As a service's `ipFamilies` and a slice's `addressType` name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// The families of a service. One that does not tell has that of its address, or else IPv4.
    pub(super) fn of_service(service: &Service) -> Vec<Self> {
        let told = |family: &Self| service.spec.ip_families.iter().any(|name| name == family.name());
        let families: Vec<Self> = [Self::V4, Self::V6].into_iter().filter(told).collect();
        if families.is_empty() { vec![Self::of_text(&service.spec.cluster_ip)] } else { families }
    }

    fn of_text(address: &str) -> Self {
        address.parse().map_or(Self::V4, Self::of)
    }

    fn of(address: IpAddr) -> Self {
        if address.is_ipv6() { Self::V6 } else { Self::V4 }
    }

    /// Whether a slice is of this family.
    pub(super) fn has(self, slice: &EndpointSlice) -> bool {
        slice.address_type == self.name()
    }
}

/// The endpoints of a service in one family.
pub(super) struct Members {
    /// By how the service's ports resolve; endpoints in the order of their pods' names.
    pub(super) groups: Vec<Group>,
    /// Whether a pod was left out because its node is not there.
    pub(super) node_missing: bool,
}

impl Members {
    pub(super) fn of(snapshot: &Snapshot, service: &Service, family: Family) -> Self {
        let mut groups = BTreeMap::<Vec<EndpointPort>, Group>::new();
        let mut node_missing = false;
        let pods = snapshot.table::<Pod>().namespace(&service.metadata.namespace);
        for pod in pods.filter(|pod| !pod.is_finished() && service.selects(pod)) {
            let addresses = addresses(pod, family);
            if addresses.is_empty() {
                continue;
            }
            let node = snapshot.get::<Node>(&Key::new("", pod.spec.node_name.as_str()));
            if node.is_none() && !service.spec.publish_not_ready_addresses {
                node_missing = true;
                continue;
            }
            let ports = ports(service, pod);
            let group = groups.entry(port_key(&ports)).or_insert_with(|| Group::new(ports));
            group.endpoints.push(endpoint(service, pod, node, addresses));
        }
        Self { groups: groups.into_values().collect(), node_missing }
    }
}

impl Pod {
    /// Whether it has an address of any family.
    pub(super) fn has_address(&self) -> bool {
        !self.status.pod_ip.is_empty() || !self.status.pod_ips.is_empty()
    }
}

/// A pod's addresses of a family, in their canonical form.
fn addresses(pod: &Pod, family: Family) -> Vec<String> {
    let only = std::iter::once(&pod.status.pod_ip).filter(|_| pod.status.pod_ips.is_empty());
    let all = pod.status.pod_ips.iter().map(|address| &address.ip).chain(only);
    let parsed = all.filter_map(|address| address.parse().ok());
    parsed
        .filter(|address| Family::of(*address) == family)
        .map(|address: IpAddr| address.to_string())
        .collect()
}

fn endpoint(service: &Service, pod: &Pod, node: Option<&Node>, addresses: Vec<String>) -> Endpoint {
    let (serving, terminating) = (pod.is_ready(), pod.metadata.is_terminating());
    let ready = service.spec.publish_not_ready_addresses || (serving && !terminating);
    let meta = &pod.metadata;
    let named = pod.spec.subdomain == service.metadata.name;
    Endpoint {
        addresses,
        conditions: EndpointConditions {
            ready: Some(ready),
            serving: Some(serving),
            terminating: Some(terminating),
        },
        hostname: Some(pod.spec.hostname.clone()).filter(|name| named && !name.is_empty()),
        node_name: Some(pod.spec.node_name.clone()).filter(|name| !name.is_empty()),
        target_ref: Some(TargetRef {
            kind: "Pod".to_owned(),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
        }),
        zone: node.and_then(Node::zone).map(str::to_owned),
    }
}

/// The service's ports as they are at a pod. One that is named and that the pod does not have is left out.
fn ports(service: &Service, pod: &Pod) -> Vec<EndpointPort> {
    let resolve = |port: &ServicePort| {
        let protocol = protocol(&port.protocol).to_owned();
        let number = number(port, pod)?;
        Some(EndpointPort {
            name: port.name.clone(),
            port: number,
            protocol,
            app_protocol: port.app_protocol.clone(),
        })
    };
    service.spec.ports.iter().filter_map(resolve).collect()
}

/// The number of a service's port at a pod: as told, or that of the container port of the name and protocol told.
/// Sidecars have ports as well; without a target the port is the same as the service's.
fn number(port: &ServicePort, pod: &Pod) -> Option<i32> {
    let name = match &port.target_port {
        Value::String(name) if !name.is_empty() => name,
        target => {
            let number = target.as_i64().and_then(|number| i32::try_from(number).ok());
            return Some(number.filter(|number| *number != 0).unwrap_or(port.port));
        }
    };
    let sidecars = pod.spec.init_containers.iter().filter(|container| container.restart_policy == "Always");
    let ports = pod.spec.containers.iter().chain(sidecars).flat_map(|container: &Container| &container.ports);
    let mut found =
        ports.filter(|there| there.name == *name && protocol(&there.protocol) == protocol(&port.protocol));
    found.next().map(|there| there.container_port)
}

/// TCP where nothing is told.
fn protocol(told: &str) -> &str {
    if told.is_empty() { "TCP" } else { told }
}
