//! The servers of the cluster, as pods find them: the addresses behind the service `kubernetes`.
//!
//! A server that is alone writes its own. Where several share a store each keeps a Lease, as upstream's identity
//! leases (KEP-1965), with its address on it; each writes the addresses of all whose Lease is renewed, and removes
//! what others left.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use client::{Client, Error, ListParams};
use kinds::{Kind, Kinds};
use object::{Key, Meta, PatchType, Time, Value, format_micro_time};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often a Lease is renewed, and those of others and the addresses are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// A server that has not renewed its Lease for this long is gone. Counted by the own clock.
const GONE: Duration = Duration::from_secs(15);

/// How long a server that stops may take to say so.
const LEAVING: Duration = Duration::from_secs(2);

/// Upstream's label of such Leases.
const LABEL: (&str, &str) = ("apiserver.kubernetes.io/identity", "kube-apiserver");

/// Where a server is reached: `IP:PORT`.
const ADDRESS: &str = "berth.dev/address";

/// The address at which pods reach a server that listens on `address`: none where only this host's own processes can.
pub(crate) fn advertised(address: SocketAddr) -> Option<SocketAddr> {
    let ip = if address.ip().is_unspecified() { outward()? } else { address.ip() };
    (!ip.is_loopback()).then(|| SocketAddr::new(ip, address.port()))
}

/// The host's address on its default route. Nothing is sent: connecting a datagram socket only picks the route.
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

/// This server among those that share its store.
pub(crate) struct Peers {
    slices: Slices,
    leases: Arc<Kind>,
    address: SocketAddr,
    /// Name of the own Lease.
    name: String,
    identity: String,
    /// Each other Lease's last renewal, and when that was first seen.
    seen: BTreeMap<String, (Value, Instant)>,
}

impl Peers {
    /// No two servers have the same identity.
    pub(crate) fn new(client: Client, kinds: &Kinds, identity: String, address: SocketAddr) -> Self {
        let digest = Sha256::digest(identity.as_bytes());
        let name =
            digest[..10].iter().fold("apiserver-".to_owned(), |name, byte| format!("{name}{byte:02x}"));
        let leases = kind(kinds, "coordination.k8s.io", "Lease");
        Self { slices: Slices::new(client, kinds), leases, address, name, identity, seen: BTreeMap::new() }
    }

    /// Renews the own Lease, and writes the addresses of all servers. Where another server does so at the same time, the
    /// next turn sees to what is left.
    pub(crate) async fn turn(&mut self) -> Result<(), Error> {
        self.renew().await?;
        let mut live = self.others().await?;
        live.insert(self.address);
        match self.slices.reconcile(&live).await {
            Err(error) if error.is_conflict() || error.is_already_exists() || error.is_not_found() => Ok(()),
            done => done,
        }
    }

    /// Goes on with that until the server leaves.
    pub(crate) fn follow(self) -> Membership {
        let (slices, leases, key) = (self.slices.clone(), self.leases.clone(), self.key(&self.name));
        Membership { slices, leases, key, address: self.address, task: tokio::spawn(self.run()) }
    }

    async fn run(mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.turn().await {
                tracing::warn!("the addresses of the API servers cannot be kept up to date: {error}");
            }
        }
    }

    fn key(&self, name: &str) -> Key {
        Key::new("kube-system", name)
    }

    async fn renew(&self) -> Result<(), Error> {
        let (client, key) = (&self.slices.client, self.key(&self.name));
        let mut lease = json!({
            "metadata": {"annotations": {ADDRESS: self.address.to_string()}},
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": GONE.as_secs(),
                "renewTime": format_micro_time(Time::now()),
            },
        });
        match client.patch(&self.leases, &key, None, PatchType::Merge, &lease).await {
            Err(error) if error.is_not_found() => {
                lease["apiVersion"] = "coordination.k8s.io/v1".into();
                lease["kind"] = "Lease".into();
                lease["metadata"]["name"] = key.name.as_str().into();
                lease["metadata"]["labels"] = json!({LABEL.0: LABEL.1});
                client.create(&self.leases, &key.namespace, &lease).await.map(drop)
            }
            other => other.map(drop),
        }
    }

    /// The addresses of the others that live; the Leases of those that do not are removed.
    async fn others(&mut self) -> Result<BTreeSet<SocketAddr>, Error> {
        let labels = format!("{}={}", LABEL.0, LABEL.1);
        let params = ListParams { labels, ..ListParams::default() };
        let list = self.slices.client.list(&self.leases, "kube-system", &params).await?;
        let leases: Vec<(Meta, &Value)> = items(&list).map(|lease| (Meta::of(lease), lease)).collect();
        self.seen.retain(|name, _| leases.iter().any(|(meta, _)| meta.name == *name));
        let (mut live, own) = (BTreeSet::new(), self.name.clone());
        for (meta, lease) in leases.iter().filter(|(meta, _)| meta.name != own) {
            if self.is_renewed(&meta.name, &lease["spec"]["renewTime"]) {
                live.extend(
                    meta.annotations.get(ADDRESS).and_then(|address| address.parse::<SocketAddr>().ok()),
                );
                continue;
            }
            let options = json!({"preconditions": {"resourceVersion": meta.resource_version}});
            match self.slices.client.delete(&self.leases, &self.key(&meta.name), &options).await {
                Err(error) if !error.is_not_found() && !error.is_conflict() => return Err(error),
                _ => tracing::info!(lease = meta.name, "an API server is gone"),
            }
        }
        Ok(live)
    }

    fn is_renewed(&mut self, name: &str, renewal: &Value) -> bool {
        match self.seen.get(name) {
            Some((seen, at)) if seen == renewal => at.elapsed() < GONE,
            _ => {
                self.seen.insert(name.to_owned(), (renewal.clone(), Instant::now()));
                true
            }
        }
    }
}

/// A server that is known to the others.
pub(crate) struct Membership {
    slices: Slices,
    leases: Arc<Kind>,
    key: Key,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Membership {
    /// Removes the own Lease and the own address; where that fails, the others do it in time.
    pub(crate) async fn leave(self) {
        self.task.abort();
        let leave = async {
            self.slices.client.delete(&self.leases, &self.key, &Value::Null).await?;
            self.slices.remove(self.address).await
        };
        match tokio::time::timeout(LEAVING, leave).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!("the other API servers were not told of the end: {error}"),
            Err(_) => tracing::debug!("the other API servers were not told of the end in time"),
        }
    }
}

/// The EndpointSlices of the service `kubernetes`.
#[derive(Clone)]
pub(crate) struct Slices {
    client: Client,
    kind: Arc<Kind>,
}

impl Slices {
    pub(crate) fn new(client: Client, kinds: &Kinds) -> Self {
        Self { client, kind: kind(kinds, "discovery.k8s.io", "EndpointSlice") }
    }

    /// Makes them show these servers.
    pub(crate) async fn reconcile(&self, servers: &BTreeSet<SocketAddr>) -> Result<(), Error> {
        let found = self.found().await?;
        let wanted = slices(servers);
        for old in found.iter().filter(|old| !wanted.iter().any(|new| is_same_slice(old, new))) {
            self.client.delete(&self.kind, &Meta::of(old).key(), &Value::Null).await?;
        }
        for new in wanted {
            let Some(old) = found.iter().find(|old| is_same_slice(old, &new)) else {
                self.client.create(&self.kind, "default", &new).await?;
                continue;
            };
            let fields = ["endpoints", "ports"];
            if fields.iter().any(|field| old[field] != new[field]) {
                let mut moved = old.clone();
                fields.iter().for_each(|field| moved[field] = new[field].clone());
                self.client.update(&self.kind, &Meta::of(&moved).key(), &moved).await?;
            }
        }
        Ok(())
    }

    /// Goes on with that, for a server that is alone.
    pub(crate) async fn keep(self, servers: BTreeSet<SocketAddr>) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.reconcile(&servers).await {
                tracing::warn!("the address of the API server cannot be kept up to date: {error}");
            }
        }
    }

    /// Makes them show this server no longer.
    async fn remove(&self, server: SocketAddr) -> Result<(), Error> {
        let mut servers: BTreeSet<SocketAddr> = self.found().await?.iter().flat_map(shown).collect();
        servers.remove(&server);
        self.reconcile(&servers).await
    }

    async fn found(&self) -> Result<Vec<Value>, Error> {
        let labels = "kubernetes.io/service-name=kubernetes".to_owned();
        let list =
            self.client.list(&self.kind, "default", &ListParams { labels, ..ListParams::default() }).await?;
        Ok(items(&list).cloned().map(typed).collect())
    }
}

fn kind(kinds: &Kinds, group: &str, name: &str) -> Arc<Kind> {
    kinds.kind(group, name).expect("the kind is in the table").clone()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

/// The family of a slice cannot change.
fn is_same_slice(a: &Value, b: &Value) -> bool {
    a["metadata"]["name"] == b["metadata"]["name"] && a["addressType"] == b["addressType"]
}

fn typed(mut slice: Value) -> Value {
    slice["apiVersion"] = "discovery.k8s.io/v1".into();
    slice["kind"] = "EndpointSlice".into();
    slice
}

/// Whether slices may show an address: not one that is good on its own link alone.
fn is_shown(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_link_local(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    }
}

/// What shows these servers: a slice for each family and port, of which the first has the service's name.
fn slices(servers: &BTreeSet<SocketAddr>) -> Vec<Value> {
    let mut groups: BTreeMap<(bool, u16), Vec<IpAddr>> = BTreeMap::new();
    for server in servers.iter().filter(|server| is_shown(server.ip())) {
        groups.entry((server.is_ipv6(), server.port())).or_default().push(server.ip());
    }
    let slice = |(at, ((is_v6, port), addresses)): (usize, ((bool, u16), Vec<IpAddr>))| {
        let family = if is_v6 { "IPv6" } else { "IPv4" };
        let name = match at {
            0 => "kubernetes".to_owned(),
            _ => format!("kubernetes-{}-{port}", family.to_lowercase()),
        };
        let endpoint = |ip: IpAddr| json!({"addresses": [ip.to_string()], "conditions": {"ready": true}});
        typed(json!({
            "metadata": {
                "name": name, "namespace": "default",
                "labels": {"kubernetes.io/service-name": "kubernetes"},
            },
            "addressType": family,
            "endpoints": addresses.into_iter().map(endpoint).collect::<Vec<_>>(),
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
        }))
    };
    groups.into_iter().enumerate().map(slice).collect()
}

/// The servers that a slice shows.
fn shown(slice: &Value) -> Vec<SocketAddr> {
    let Some(port) = slice["ports"][0]["port"].as_u64().and_then(|port| u16::try_from(port).ok()) else {
        return Vec::new();
    };
    let endpoints = slice["endpoints"].as_array().into_iter().flatten();
    let ip = |endpoint: &Value| endpoint["addresses"][0].as_str()?.parse().ok();
    endpoints.filter_map(ip).map(|ip: IpAddr| SocketAddr::new(ip, port)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(servers: &[&str], expect: &[&str]) {
        let servers: BTreeSet<SocketAddr> = servers.iter().map(|server| server.parse().unwrap()).collect();
        let slices = slices(&servers);
        let told = slices.iter().map(|slice| {
            let name = slice["metadata"]["name"].as_str().unwrap_or_default();
            let shown: Vec<String> = shown(slice).iter().map(SocketAddr::to_string).collect();
            format!("{name}: {}", shown.join(" "))
        });
        assert_eq!(told.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn a_slice_for_each_family_and_port() {
        check(&[], &[]);
        check(&["169.254.1.1:6443", "[fe80::1]:6443"], &[]);
        check(&["192.0.2.2:6443", "192.0.2.1:6443"], &["kubernetes: 192.0.2.1:6443 192.0.2.2:6443"]);
        check(
            &["192.0.2.2:6444", "192.0.2.1:6443", "[2001:db8::1]:6443"],
            &[
                "kubernetes: 192.0.2.1:6443",
                "kubernetes-ipv4-6444: 192.0.2.2:6444",
                "kubernetes-ipv6-6443: [2001:db8::1]:6443",
            ],
        );
    }
}
