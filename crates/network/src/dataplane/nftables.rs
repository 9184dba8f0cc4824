//! The data plane on nftables.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use async_trait::async_trait;
use ipnet::Ipv4Net;
use tokio::sync::Mutex;

use super::Dataplane;
use super::layout::{Key, Layout};
use super::script::{changes, rebuild};
use crate::conntrack::{self, Flow};
use crate::pods::gateway_of;
use crate::{Error, Protocol, Services, nft};

/// A table of the `ip` family that leads connections to services to their endpoints.
///
/// IPv6 is not served. An affinity is kept by picking the endpoint by the client's address, so it holds as
/// long as the endpoints stay the same, whatever time it names.
#[derive(Debug)]
pub struct Nftables {
    table: String,
    pods: Ipv4Net,
    /// What the table holds; none where that is not known for sure. Held while nft runs, so that batches
    /// never mix.
    current: Mutex<Option<Layout>>,
}

impl Nftables {
    /// A data plane in a table that is no one else's. `pods` are the addresses of this node's pods.
    ///
    /// Nothing happens before the first [`Dataplane::apply`], which replaces a table of that name in one
    /// transaction.
    pub fn new(table: &str, pods: Ipv4Net) -> Self {
        Self { table: table.to_owned(), pods: pods.trunc(), current: Mutex::new(None) }
    }

    async fn rebuild(&self, desired: &Layout) -> Result<(), Error> {
        nft::run(&rebuild(&self.table, self.pods, gateway_of(self.pods)?, desired)).await
    }
}

#[async_trait]
impl Dataplane for Nftables {
    async fn apply(&self, desired: &Services) -> Result<(), Error> {
        let desired = Layout::of(desired, self.pods);
        let mut current = self.current.lock().await;
        // taken, so that an error, or a caller that gives up, leaves it unknown
        if let Some(had) = current.take() {
            let changes = changes(&self.table, &had, &desired);
            for script in [changes.prepare, changes.switch] {
                if !script.is_empty() && !applied(nft::run(&script).await) {
                    self.rebuild(&desired).await?;
                    break;
                }
            }
            forget(had.lost_udp(&desired)).await;
        } else {
            self.rebuild(&desired).await?;
        }
        *current = Some(desired);
        Ok(())
    }

    async fn remove(&self) -> Result<(), Error> {
        let mut current = self.current.lock().await;
        *current = None;
        let table = &self.table;
        nft::run(&format!("table ip {table} {{ }}\ndelete table ip {table}\n")).await
    }
}

/// Ends the UDP flows that lead where no service leads any more. Where that fails they end when they fall
/// silent.
async fn forget(lost: BTreeSet<(Key, (Ipv4Addr, u16))>) {
    if lost.is_empty() {
        return;
    }
    let is_lost = move |flow: &Flow| {
        let endpoint = (*flow.endpoint.ip(), flow.endpoint.port());
        let cluster = Key::Cluster(*flow.to.ip(), Protocol::Udp, flow.to.port());
        [cluster, Key::Node(Protocol::Udp, flow.to.port())].iter().any(|key| lost.contains(&(*key, endpoint)))
    };
    if let Err(error) = conntrack::forget(is_lost).await {
        tracing::warn!(%error, "UDP clients may keep endpoints that are gone");
    }
}

fn applied(result: Result<(), Error>) -> bool {
    result.inspect_err(|error| tracing::warn!(%error, "service table is rebuilt")).is_ok()
}
