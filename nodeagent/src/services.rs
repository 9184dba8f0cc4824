//! The cluster's services as this node's network needs them: made of Services and EndpointSlices.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cache::{Informers, Snapshot, View};
use network::{Endpoint, Protocol, ServicePort, Services};
use object::Meta;
use serde::Deserialize;
use tokio::sync::watch;

/// The label by which a slice names its service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// Changes that come this close together are applied as one.
const GATHER: Duration = Duration::from_millis(2);

/// A service, as far as the network needs it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ServiceView {
    metadata: Meta,
    spec: ServiceSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceSpec {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "clusterIP")]
    cluster_ip: String,
    #[serde(rename = "clusterIPs")]
    cluster_ips: Vec<String>,
    external_name: String,
    session_affinity: String,
    session_affinity_config: AffinityConfig,
    ports: Vec<PortDoc>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AffinityConfig {
    #[serde(rename = "clientIP")]
    client_ip: ClientIp,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClientIp {
    timeout_seconds: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PortDoc {
    name: String,
    protocol: String,
    port: u16,
    node_port: u16,
}

/// A slice of a service's endpoints.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SliceView {
    metadata: Meta,
    ports: Option<Vec<SlicePort>>,
    endpoints: Option<Vec<SliceEndpoint>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SlicePort {
    name: Option<String>,
    port: Option<u16>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SliceEndpoint {
    addresses: Vec<String>,
    conditions: EndpointConditions,
    hostname: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct EndpointConditions {
    ready: Option<bool>,
}

impl View for ServiceView {
    const GROUP: &'static str = "";
    const KIND: &'static str = "Service";

    fn decode(document: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(document)
    }

    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

impl View for SliceView {
    const GROUP: &'static str = "discovery.k8s.io";
    const KIND: &'static str = "EndpointSlice";

    fn decode(document: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(document)
    }

    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// All services of a snapshot.
pub(crate) fn services(snapshot: &Snapshot) -> Services {
    let mut slices = HashMap::<(&str, &str), Vec<&SliceView>>::new();
    for slice in snapshot.table::<SliceView>().iter() {
        if let Some(service) = slice.metadata.labels.get(SERVICE_NAME) {
            slices.entry((&slice.metadata.namespace, service)).or_default().push(slice);
        }
    }
    let services = snapshot.table::<ServiceView>().iter().map(|service| {
        let Meta { namespace, name, .. } = &service.metadata;
        let of_service = slices.get(&(namespace.as_str(), name.as_str())).map_or(&[][..], Vec::as_slice);
        ((namespace.clone(), name.clone()), model(service, of_service))
    });
    services.collect()
}

fn model(service: &ServiceView, slices: &[&SliceView]) -> network::Service {
    let spec = &service.spec;
    let mut ips: Vec<IpAddr> = spec.cluster_ips.iter().filter_map(|ip| ip.parse().ok()).collect();
    if ips.is_empty() {
        ips.extend(spec.cluster_ip.parse::<IpAddr>());
    }
    let affinity = spec.session_affinity_config.client_ip.timeout_seconds.unwrap_or(10_800);
    network::Service {
        cluster_ips: ips,
        external_name: (spec.kind == "ExternalName").then(|| spec.external_name.clone()),
        ports: spec.ports.iter().map(port).collect(),
        affinity: (spec.session_affinity == "ClientIP").then(|| Duration::from_secs(affinity)),
        endpoints: slices.iter().flat_map(|slice| endpoints(slice)).collect(),
    }
}

fn port(doc: &PortDoc) -> ServicePort {
    let protocol = match doc.protocol.as_str() {
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        _ => Protocol::Tcp,
    };
    let node_port = Some(doc.node_port).filter(|port| *port != 0);
    ServicePort { name: doc.name.clone(), protocol, port: doc.port, node_port }
}

fn endpoints(slice: &SliceView) -> impl Iterator<Item = Endpoint> {
    let ports = slice.ports.iter().flatten();
    let ports: BTreeMap<String, u16> =
        ports.filter_map(|port| Some((port.name.clone().unwrap_or_default(), port.port?))).collect();
    slice.endpoints.iter().flatten().filter_map(move |endpoint| {
        Some(Endpoint {
            address: endpoint.addresses.first()?.parse().ok()?,
            hostname: endpoint.hostname.clone(),
            ready: endpoint.conditions.ready.unwrap_or(true),
            ports: ports.clone(),
        })
    })
}

/// Keeps `told` up to date with what the informers know, for ever. They must follow [`ServiceView`] and
/// [`SliceView`], and `changed` must tell when either changed.
pub(crate) async fn keep(
    informers: Arc<Informers>,
    changed: Arc<tokio::sync::Notify>,
    told: watch::Sender<Arc<Services>>,
) {
    informers.wait_synced().await;
    // The first state is told even where there is nothing: what is left of an earlier agent must go.
    told.send_replace(Arc::default());
    loop {
        let now = services(&informers.read());
        told.send_if_modified(|old| {
            let differs = **old != now;
            if differs {
                *old = Arc::new(now);
            }
            differs
        });
        changed.notified().await;
        tokio::time::sleep(GATHER).await;
    }
}

/// Whether connections to any service may be sent to this address.
pub(crate) fn lead_to(services: &Services, address: &IpAddr) -> bool {
    services.values().any(|s| s.endpoints.iter().any(|e| e.ready && e.address == *address))
}
