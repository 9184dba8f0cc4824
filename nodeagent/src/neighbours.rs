//! The other nodes as this node's network needs them: whose pods have which addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use cache::{Follow, Informers, Source, View, ViewKind};
use ipnet::Ipv4Net;
use kinds::Kind;
use network::PodNetwork;
use object::Meta;
use serde::Deserialize;
use tokio::sync::Notify;

/// Changes that come this close together are applied as one.
const GATHER: Duration = Duration::from_millis(20);
/// When what failed is tried again, whether anything changed or not.
const RETRY: Duration = Duration::from_secs(5);

/// A node, as far as others' networks need it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeView {
    metadata: Meta,
    spec: NodeSpec,
    status: NodeStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    #[serde(rename = "podCIDR")]
    pod_cidr: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    addresses: Vec<Address>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    #[serde(rename = "type")]
    kind: String,
    address: String,
}

impl View for NodeView {
    const GROUP: &'static str = "";
    const KIND: &'static str = "Node";

    fn decode(document: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(document)
    }

    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

/// The blocks of addresses of the pods of all nodes but this one, each with its node's own address. Of two nodes that
/// claim one block, neither is believed.
fn blocks<'v>(nodes: impl Iterator<Item = &'v NodeView>, own: &str) -> BTreeMap<Ipv4Net, Ipv4Addr> {
    let mut blocks = BTreeMap::<Ipv4Net, Option<Ipv4Addr>>::new();
    for node in nodes.filter(|node| node.metadata.name != own) {
        let internal = node.status.addresses.iter().filter(|address| address.kind == "InternalIP");
        let address = internal.filter_map(|address| address.address.parse().ok()).next();
        if let (Ok(block), Some(address)) = (node.spec.pod_cidr.parse::<Ipv4Net>(), address) {
            blocks.entry(block.trunc()).and_modify(|known| *known = None).or_insert(Some(address));
        }
    }
    blocks.into_iter().filter_map(|(block, node)| Some((block, node?))).collect()
}

/// Follows the nodes and leads to the pods of the others, for ever.
pub(crate) async fn lead(source: Arc<dyn Source>, nodes: Arc<Kind>, own: Arc<str>, network: Arc<PodNetwork>) {
    let informers = Informers::new(source);
    let changed = Arc::new(Notify::new());
    let notify = changed.clone();
    informers.listen(Arc::new(move |_, _| notify.notify_one()));
    informers.declare(ViewKind::of::<NodeView>());
    informers.follow(ViewKind::of::<NodeView>(), Follow::all(&nodes));
    informers.wait_synced().await;
    let mut led = None;
    loop {
        let wanted = blocks(informers.read().table::<NodeView>().iter(), &own);
        if led.as_ref() != Some(&wanted) {
            led = match network.lead(&wanted).await {
                Ok(()) => Some(wanted),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "not all nodes' pods are led to");
                    None
                }
            };
        }
        match led {
            Some(_) => changed.notified().await,
            None => drop(tokio::time::timeout(RETRY, changed.notified()).await),
        }
        tokio::time::sleep(GATHER).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(nodes: &[(&str, &str, &str)], expect: &[(&str, &str)]) {
        let view = |(name, block, address): &(&str, &str, &str)| {
            let document = serde_json::json!({
                "metadata": {"name": name}, "spec": {"podCIDR": block},
                "status": {"addresses": [
                    {"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address},
                ]},
            });
            NodeView::decode(document.to_string().as_bytes()).unwrap()
        };
        let views: Vec<NodeView> = nodes.iter().map(view).collect();
        let found: Vec<_> = blocks(views.iter(), "own")
            .iter()
            .map(|(block, node)| (block.to_string(), node.to_string()))
            .collect();
        let expect: Vec<_> = expect.iter().map(|(b, n)| ((*b).to_owned(), (*n).to_owned())).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn other_nodes_account_for_their_pods() {
        let own = ("own", "10.244.0.0/24", "192.0.2.1");
        check(&[own], &[]);
        let other = ("other", "10.244.1.0/24", "192.0.2.2");
        check(
            &[own, other, ("new", "", "192.0.2.3"), ("odd", "x", "192.0.2.4")],
            &[("10.244.1.0/24", "192.0.2.2")],
        );
        check(&[own, ("six", "10.244.2.0/24", "fd00::1")], &[]);
        check(&[own, other, ("thief", "10.244.1.0/24", "192.0.2.9")], &[]);
    }
}
