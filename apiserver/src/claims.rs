//! Hidden keys that go with an object's own transaction: what only one object may hold, and the namespace gate.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use ipnet::Ipv4Net;
use kinds::{Claim, Kind};
use object::{FieldError, Key, Meta, Path, Status, Value};

use crate::api::Api;
use crate::objects::Hidden;

/// Ranges that services draw from.
#[derive(Clone, Debug)]
pub struct ServiceRange {
    /// Their addresses, e.g. 10.96.0.0/12; at least four.
    pub addresses: Ipv4Net,
    /// First node port.
    pub first_port: u16,
    /// Last node port.
    pub last_port: u16,
}

impl Default for ServiceRange {
    fn default() -> Self {
        let addresses = Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 12);
        Self { addresses, first_port: 30000, last_port: 32767 }
    }
}

impl ServiceRange {
    /// The address `offset` above the network's.
    fn address(&self, offset: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.addresses.network()) + offset)
    }

    /// How many addresses there are, network and broadcast included.
    fn size(&self) -> u32 {
        1 << (32 - u32::from(self.addresses.prefix_len().clamp(1, 30)))
    }

    fn contains(&self, address: IpAddr) -> bool {
        let IpAddr::V4(v4) = address else { return false };
        let inside = self.addresses.contains(&v4);
        inside && v4 != self.addresses.network() && v4 != self.addresses.broadcast()
    }

    /// The address of the API server's own service: the first of the range.
    pub fn first(&self) -> Ipv4Addr {
        self.address(1)
    }
}

/// What nodes get the addresses of their pods from.
#[derive(Clone, Debug)]
pub struct PodRange {
    /// All of them, e.g. 10.244.0.0/16.
    pub addresses: Ipv4Net,
    /// The prefix length of a node's block, e.g. 24; not shorter than that of all.
    pub node_prefix: u8,
}

impl Default for PodRange {
    fn default() -> Self {
        Self { addresses: Ipv4Net::new_assert(Ipv4Addr::new(10, 244, 0, 0), 16), node_prefix: 24 }
    }
}

/// How many random draws are looked at before the range counts as full and is searched in order.
const DRAWS: usize = 32;

impl Api {
    /// Completes the object's claims and says which hidden keys change, compared with what `old` held.
    pub(crate) async fn claim(
        &self,
        kind: &Kind,
        object: &mut Value,
        old: Option<&Value>,
    ) -> Result<Hidden, Status> {
        let before = old.map(|old| self.held(kind, old)).unwrap_or_default();
        for claim in kind.strategy.claims(object) {
            match claim {
                Claim::ClusterIp(None) => {
                    let address = self.free_address(kind, object).await?;
                    object["spec"]["clusterIP"] = address.to_string().into();
                    object["spec"]["clusterIPs"] = vec![address.to_string()].into();
                }
                Claim::NodePort { index, port: None } => {
                    let port = self.free_port(kind, object).await?;
                    object["spec"]["ports"][index]["nodePort"] = port.into();
                }
                Claim::PodCidr(None) if wants_block(object, old) => {
                    if let Some(block) = self.free_block().await? {
                        object["spec"]["podCIDR"] = block.to_string().into();
                        object["spec"]["podCIDRs"] = vec![block.to_string()].into();
                    }
                }
                Claim::ClusterIp(Some(_)) | Claim::NodePort { .. } | Claim::PodCidr(_) => {}
            }
        }
        let after = self.held(kind, object);
        let take: Vec<Bytes> = after.iter().filter(|key| !before.contains(key)).cloned().collect();
        let release = before.into_iter().filter(|key| !after.contains(key)).collect();
        self.check_claims(kind, object, &take).await?;
        Ok(Hidden { take, release, require: Vec::new() })
    }

    /// The hidden keys that an object, as stored, holds.
    pub(crate) fn held(&self, kind: &Kind, object: &Value) -> Vec<Bytes> {
        let claims = kind.strategy.claims(object);
        let mut keys: Vec<Bytes> = claims
            .iter()
            .filter_map(|claim| match claim {
                Claim::ClusterIp(Some(address)) => Some(address_key(*address)),
                Claim::NodePort { port: Some(port), index } => {
                    Some(port_key(*port, protocol(object, *index)))
                }
                Claim::PodCidr(Some(block)) => Some(block_key(block)),
                _ => None,
            })
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// Asked-for claims must be in range and free; a clear field error is better than a lost race.
    async fn check_claims(&self, kind: &Kind, object: &Value, take: &[Bytes]) -> Result<(), Status> {
        let mut errors = Vec::new();
        for claim in kind.strategy.claims(object) {
            match claim {
                Claim::ClusterIp(Some(address)) if take.contains(&address_key(address)) => {
                    let path = Path::new("spec.clusterIPs");
                    let shown: Value = vec![address.to_string()].into();
                    if !self.services.contains(address) {
                        let text = format!(
                            "failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. The range of valid IPs is {}",
                            self.services.addresses
                        );
                        errors.push(FieldError::invalid(&path, shown, text));
                    } else if self.objects.holds(&address_key(address)).await? {
                        let text =
                            format!("failed to allocate IP {address}: provided IP is already allocated");
                        errors.push(FieldError::invalid(&path, shown, text));
                    }
                }
                Claim::NodePort { index, port: Some(port) } => {
                    let key = port_key(port, protocol(object, index));
                    if !take.contains(&key) {
                        continue;
                    }
                    let path = Path::new("spec.ports").index(index).child("nodePort");
                    if !(self.services.first_port..=self.services.last_port).contains(&port) {
                        let text = format!(
                            "provided port is not in the valid range. The range of valid ports is {}-{}",
                            self.services.first_port, self.services.last_port
                        );
                        errors.push(FieldError::invalid(&path, port, text));
                    } else if self.objects.holds(&key).await? {
                        errors.push(FieldError::invalid(&path, port, "provided port is already allocated"));
                    }
                }
                Claim::PodCidr(Some(block))
                    if take.contains(&block_key(&block))
                        && self.objects.holds(&block_key(&block)).await? =>
                {
                    // an agent that registers again is to hear that its node is there, not that it has the block
                    let key = Key::new("", Meta::of(object).name);
                    if self.objects.get(kind, &key).await?.is_some() {
                        return Err(Status::already_exists(&kind.group, &kind.plural, &key.name));
                    }
                    let text = "provided block is already allocated to another node";
                    errors.push(FieldError::invalid(&Path::new("spec.podCIDR"), block, text));
                }
                _ => {}
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(Status::invalid(&kind.group, &kind.kind, &Meta::of(object).name, &errors))
    }

    async fn free_address(&self, kind: &Kind, object: &Value) -> Result<Ipv4Addr, Status> {
        let size = self.services.size();
        // The first addresses are left to those who ask for one by number (KEP-3070).
        let band = (size / 16).clamp(16, 256).min(size / 2);
        for draw in 0..DRAWS as u32 + size {
            let offset =
                if draw < DRAWS as u32 { band + random() % (size - 1 - band) } else { draw - DRAWS as u32 };
            if offset == 0 || offset >= size - 1 {
                continue;
            }
            let address = self.services.address(offset);
            if !self.objects.holds(&address_key(address.into())).await? {
                return Ok(address);
            }
        }
        let error = FieldError::invalid(
            &Path::new("spec.clusterIPs"),
            Value::Array(Vec::new()),
            "failed to allocate a serviceIP: range is full",
        );
        Err(Status::invalid(&kind.group, &kind.kind, &Meta::of(object).name, &[error]))
    }

    /// A block for a node's pods; none where all are taken: the node is of use for pods of the host's network.
    async fn free_block(&self) -> Result<Option<Ipv4Net>, Status> {
        let PodRange { addresses, node_prefix } = &self.pods;
        let Ok(blocks) = addresses.subnets(*node_prefix) else { return Ok(None) };
        for block in blocks {
            if !self.objects.holds(&block_key(&block.to_string())).await? {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    async fn free_port(&self, kind: &Kind, object: &Value) -> Result<u16, Status> {
        let count = u32::from(self.services.last_port - self.services.first_port) + 1;
        let start = random() % count;
        for step in 0..count {
            let port = self.services.first_port + ((start + step) % count) as u16;
            let asked =
                object["spec"]["ports"].as_array().is_some_and(|p| p.iter().any(|p| p["nodePort"] == port));
            let mut free = !asked;
            for protocol in ["TCP", "UDP", "SCTP"] {
                free = free && !self.objects.holds(&port_key(port, protocol)).await?;
            }
            if free {
                return Ok(port);
            }
        }
        let error = FieldError::invalid(
            &Path::new("spec.ports"),
            Value::Array(Vec::new()),
            "failed to allocate a nodePort: range is full",
        );
        Err(Status::invalid(&kind.group, &kind.kind, &Meta::of(object).name, &[error]))
    }

    /// Adds what the namespace gate asks of this write. The gate is a hidden key that is there exactly while the
    /// namespace accepts new objects: a creation requires it, the namespace's own life puts and removes it.
    pub(crate) fn gate(
        &self,
        kind: &Kind,
        key: &Key,
        old: Option<&Value>,
        new: Option<&Value>,
        hidden: &mut Hidden,
    ) {
        let is_namespace = kind.group.is_empty() && kind.kind == "Namespace";
        if is_namespace {
            let open = |object: Option<&Value>| object.is_some_and(|o| !Meta::of(o).is_terminating());
            match (open(old), open(new)) {
                (false, true) => hidden.take.push(gate_key(&key.name)),
                (true, false) => hidden.release.push(gate_key(&key.name)),
                _ => {}
            }
        } else if kind.namespaced() && old.is_none() && new.is_some() {
            hidden.require.push(gate_key(&key.namespace));
        }
    }

    /// The gate's check for writes that are not carried out.
    pub(crate) async fn check_gate(&self, kind: &Kind, key: &Key, hidden: &Hidden) -> Result<(), Status> {
        for required in &hidden.require {
            if !self.objects.holds(required).await? {
                return Err(self.namespace_closed(kind, key).await);
            }
        }
        Ok(())
    }

    /// Why the gate of an object's namespace is closed.
    pub(crate) async fn namespace_closed(&self, kind: &Kind, key: &Key) -> Status {
        let Some(namespaces) = self.kinds.kind("", "Namespace") else { return Status::no_such_path() };
        match self.objects.get(namespaces, &Key::new("", key.namespace.as_str())).await {
            Ok(None) => Status::not_found("", "namespaces", &key.namespace),
            Ok(Some(_)) => {
                let text = format!(
                    "unable to create new content in namespace {} because it is being terminated",
                    key.namespace
                );
                let mut status = Status::forbidden(&kind.group, &kind.plural, &key.name, &text);
                status.details.get_or_insert_default().causes.push(object::Cause {
                    reason: "NamespaceTerminating".into(),
                    message: format!("namespace {} is being terminated", key.namespace),
                    field: "metadata.namespace".into(),
                });
                status
            }
            Err(status) => status,
        }
    }
}

fn protocol(object: &Value, index: usize) -> &str {
    object["spec"]["ports"][index]["protocol"].as_str().unwrap_or("TCP")
}

fn address_key(address: IpAddr) -> Bytes {
    format!("/.address/{address}").into()
}

fn port_key(port: u16, protocol: &str) -> Bytes {
    format!("/.port/{port}/{protocol}").into()
}

fn block_key(block: &str) -> Bytes {
    format!("/.block/{block}").into()
}

/// Whether a node without addresses for pods is to get some: a new one, and one whose agent introduces itself anew.
fn wants_block(node: &Value, old: Option<&Value>) -> bool {
    let introduced = |node: &Value| node["metadata"]["annotations"].clone();
    old.is_none_or(|old| introduced(old) != introduced(node))
}

fn gate_key(namespace: &str) -> Bytes {
    format!("/.open/{namespace}").into()
}

fn random() -> u32 {
    u32::from_le_bytes(uuid::Uuid::new_v4().as_bytes()[..4].try_into().expect("sixteen bytes"))
}
