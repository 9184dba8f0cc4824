//! A pod's surroundings, for tests.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Container, Pod};
use network::{Protocol, Service, ServicePort, Services};
use object::{Quantity, Value};
use serde_json::json;

use super::{ClusterDns, Context, Fetched, Node, PodDirs};

/// A pod `web` in `shop` with this spec.
pub(crate) fn pod(spec: Value) -> Pod {
    let meta = json!({"name": "web", "namespace": "shop", "uid": "u-1",
        "labels": {"app": "web", "tier": "front"}, "annotations": {"note": "a \"b\"\nc"}});
    serde_json::from_value(json!({"metadata": meta, "spec": spec})).unwrap()
}

/// A pod with one container `main` with these fields.
pub(crate) fn pod_of(container: Value) -> Pod {
    let mut whole = json!({"name": "main", "image": "app:1"});
    whole.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
    pod(json!({"containers": [whole]}))
}

/// The pod's first container.
pub(crate) fn main_of(pod: &Pod) -> &Container {
    &pod.spec.as_ref().unwrap().containers[0]
}

/// What a context is made of.
pub(crate) struct Surroundings {
    pub(crate) node: Node,
    pub(crate) dirs: PodDirs,
    pub(crate) services: Services,
    pub(crate) fetched: Fetched,
    pub(crate) dns: ClusterDns,
    pub(crate) pod_ips: Vec<IpAddr>,
    pub(crate) host_ips: Vec<IpAddr>,
    pub(crate) image_user: String,
    sandbox: PathBuf,
}

pub(crate) fn node() -> Node {
    Node {
        name: "node-a".into(),
        hostname: "host-a".into(),
        memory: 8 << 30,
        allocatable_cpu: Quantity::from_value(4),
        allocatable_memory: Quantity::from_bytes(7 << 30),
        allocatable_ephemeral_storage: Quantity::from_bytes(100 << 30),
    }
}

impl Surroundings {
    pub(crate) fn new() -> Self {
        Self::below(Path::new("/agent"))
    }

    pub(crate) fn below(agent: &Path) -> Self {
        Self {
            node: node(),
            dirs: PodDirs::new(agent, "u-1").unwrap(),
            services: Services::new(),
            fetched: Fetched::default(),
            dns: ClusterDns {
                servers: vec!["10.96.0.10".into()],
                domain: "cluster.local".into(),
                host: "search lan.example.\nnameserver 192.0.2.1\noptions edns0\n".into(),
            },
            pod_ips: vec!["10.1.0.5".parse().unwrap(), "fd00::5".parse().unwrap()],
            host_ips: vec!["192.0.2.9".parse().unwrap()],
            image_user: String::new(),
            sandbox: PathBuf::from("/sandboxes/u-1"),
        }
    }

    /// Adds a ConfigMap and a Secret, both of this name, with these entries.
    pub(crate) fn with_sources(mut self, name: &str, data: Value) -> Self {
        let map = serde_json::from_value(json!({"metadata": {"name": name}, "data": data})).unwrap();
        self.fetched.config_maps.insert(name.into(), Some(map));
        let bytes: BTreeMap<String, k8s_openapi::ByteString> = data
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| (key.clone(), k8s_openapi::ByteString(value.as_str().unwrap().into())))
            .collect();
        let secret = k8s_openapi::api::core::v1::Secret { data: Some(bytes), ..Default::default() };
        self.fetched.secrets.insert(name.into(), Some(secret));
        self
    }

    /// Adds a service with one TCP port per pair of name and number.
    pub(crate) fn with_service(mut self, key: (&str, &str), ip: Option<&str>, ports: &[(&str, u16)]) -> Self {
        self.services.insert((key.0.into(), key.1.into()), service(ip, ports));
        self
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            attempt: 2,
            streak: 1,
            pod_ips: &self.pod_ips,
            host_ips: &self.host_ips,
            node: &self.node,
            image_user: &self.image_user,
            dirs: &self.dirs,
            sandbox: &self.sandbox,
            log_root: Path::new("/var/log/pods"),
            seccomp_root: Path::new("/agent/seccomp"),
            services: &self.services,
            fetched: &self.fetched,
            cgroup: "/kubepods/podu-1",
            pids: Some(1024),
            dns: &self.dns,
        }
    }
}

pub(crate) fn service(ip: Option<&str>, ports: &[(&str, u16)]) -> Service {
    let port = |(name, port): &(&str, u16)| ServicePort {
        name: (*name).into(),
        protocol: Protocol::Tcp,
        port: *port,
        node_port: None,
    };
    Service {
        cluster_ips: ip.iter().map(|ip| ip.parse().unwrap()).collect(),
        ports: ports.iter().map(port).collect(),
        ..Service::default()
    }
}
