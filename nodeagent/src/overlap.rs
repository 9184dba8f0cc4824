//! What the cluster uses for itself, held against the routes of this machine, before it becomes a node.

use std::time::Duration;

use client::{Client, Error, ListParams};
use ipnet::Ipv4Net;
use kinds::Kind;
use object::Value;

use crate::run_node::{NodeError, route_to};

/// How often the cluster is asked.
const RETRY: Duration = Duration::from_secs(1);

/// Makes sure that the machine has no network of its own where its pods would be.
pub(crate) async fn check_pods(block: Ipv4Net) -> Result<(), NodeError> {
    match route_to(block).await? {
        Some(route) => Err(NodeError::Overlap(block, route)),
        None => Ok(()),
    }
}

/// Makes sure that the machine has no network of its own where the cluster's services are.
pub(crate) async fn check_services(client: &Client, ranges: &Kind) -> Result<(), NodeError> {
    for block in services(client, ranges).await {
        if let Some(route) = route_to(block).await? {
            return Err(NodeError::ServicesOverlap(block, route));
        }
    }
    Ok(())
}

/// The addresses of services, asked for until the cluster says; none where it keeps them to itself.
async fn services(client: &Client, ranges: &Kind) -> Vec<Ipv4Net> {
    loop {
        match client.list(ranges, "", &ListParams::default()).await {
            Ok(list) => return blocks(&list),
            Err(error) if is_refusal(&error) => {
                tracing::warn!(%error, "the services' addresses are not checked against this machine's routes");
                return Vec::new();
            }
            Err(error) => tracing::warn!(%error, "the services' addresses are not known yet"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Whether the cluster does not say, or has no such objects.
fn is_refusal(error: &Error) -> bool {
    error.status().is_some_and(|status| matches!(status.code, 403 | 404))
}

fn blocks(list: &Value) -> Vec<Ipv4Net> {
    let ranges = list["items"].as_array().into_iter().flatten();
    let blocks = ranges.filter_map(|range| range["spec"]["cidrs"].as_array()).flatten();
    blocks.filter_map(|block| block.as_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn services_have_the_addresses_of_all_ranges() {
        let list = json!({"items": [
            {"spec": {"cidrs": ["10.96.0.0/12", "fd00:10:96::/112"]}},
            {"spec": {"cidrs": ["192.0.2.0/28"]}},
            {"spec": {}},
        ]});
        let found: Vec<String> = blocks(&list).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.96.0.0/12", "192.0.2.0/28"]);
        assert!(blocks(&json!({})).is_empty());
    }
}
