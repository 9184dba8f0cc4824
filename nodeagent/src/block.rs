//! The addresses of this node's pods: recorded before, given by flag, or assigned by the cluster.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use ipnet::Ipv4Net;
use object::Value;

use crate::registrar::Registrar;

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

/// Registers the node until the cluster has assigned it a block.
pub(crate) async fn assigned(registrar: &Registrar, name: &str) -> Ipv4Net {
    let mut told = false;
    loop {
        match registrar.introduce(name).await.map(|node| block_of(&node)) {
            Ok(Some(block)) => return block,
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

/// The addresses of a node's pods.
fn block_of(node: &Value) -> Option<Ipv4Net> {
    node["spec"]["podCIDR"].as_str()?.parse().ok()
}
