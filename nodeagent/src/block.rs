//! The addresses of this node's pods: recorded before, given by flag, or assigned by the cluster.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use ipnet::Ipv4Net;
use object::Value;

use crate::census::HostCensus;
use crate::overlap;
use crate::registrar::Registrar;
use crate::run_node::NodeError;

/// Where they are recorded, below the node's directory: a node whose API server is away goes on with them.
const FILE: &str = "pod-cidr";
/// How often the cluster is asked.
const RETRY: Duration = Duration::from_secs(1);

/// The block that was recorded, if there is one that can be read.
pub(crate) fn recorded(dir: &Path) -> Option<Ipv4Net> {
    fs::read_to_string(dir.join(FILE)).ok()?.trim().parse().ok()
}

/// Records the block.
pub(crate) fn record(dir: &Path, block: Ipv4Net) -> io::Result<()> {
    fs::write(dir.join(FILE), format!("{block}\n"))
}

/// Registers the node until the cluster has assigned it a block, which must not be where the machine has a network of its
/// own: a node that is new is registered only with a block that was checked.
pub(crate) async fn assigned(
    registrar: &Registrar,
    census: &HostCensus,
    name: &str,
) -> Result<Ipv4Net, NodeError> {
    let mut told = false;
    loop {
        if let Some(block) = offered(registrar, name).await {
            overlap::check_pods(block).await?;
            census.has_block(block);
        }
        match registrar.introduce(name).await.map(|node| block_of(&node)) {
            Ok(Some(block)) => return Ok(block),
            Ok(None) if told => {}
            Ok(None) => {
                tracing::warn!(node = name, "it has no addresses for pods yet: spec.podCIDR is empty");
                told = true;
            }
            Err(error) => tracing::warn!(node = name, %error, "not registered"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// The block that the node would get; none where it is registered, or where nobody assigns any.
async fn offered(registrar: &Registrar, name: &str) -> Option<Ipv4Net> {
    loop {
        match registrar.rehearse(name).await {
            Ok(node) => return block_of(&node),
            // no answer: it could be registered the next moment, unchecked
            Err(error) if error.is_unknown() => tracing::warn!(node = name, %error, "not registered"),
            Err(error) if error.is_already_exists() => return None,
            Err(error) => {
                tracing::warn!(node = name, %error, "no addresses are offered");
                return None;
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// The addresses of a node's pods.
fn block_of(node: &Value) -> Option<Ipv4Net> {
    node["spec"]["podCIDR"].as_str()?.parse().ok()
}
