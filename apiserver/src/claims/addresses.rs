//! Addresses of services: from the configured blocks and from those of ready ServiceCIDRs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cache::ListQuery;
use ipnet::IpNet;
use kinds::{IpFamily, Kind};
use object::{FieldError, Meta, Path, Status, Value};
use serde_json::json;

use super::draw;
use crate::api::Api;

impl Api {
    /// An address of a family that nobody holds.
    pub(super) async fn free_address(&self, family: IpFamily) -> Result<IpAddr, Status> {
        for block in self.blocks().into_iter().filter(|block| IpFamily::of(block.addr()) == family) {
            let (first, last) = bounds(&block);
            let size = number(block.broadcast()) - number(block.network());
            let band = draw::band(size.saturating_add(1), 16, 256);
            for candidate in draw::candidates(first, last, band, draw::random()) {
                let address = address(family, candidate);
                if !self.objects.holds(format!("/.address/{address}").as_bytes()).await? {
                    return Ok(address);
                }
            }
        }
        Err(Status::internal("failed to allocate a serviceIP: range is full"))
    }

    /// What is wrong with an address that a service asks for.
    pub(super) async fn check_address(
        &self,
        spec: &Value,
        address: IpAddr,
        is_held: bool,
    ) -> Result<Option<FieldError>, Status> {
        let why = if !self.is_in_range(address).await? {
            "the provided network does not match the current range"
        } else if is_held {
            "provided IP is already allocated"
        } else {
            return Ok(None);
        };
        let (path, shown) = (Path::new("spec.clusterIPs"), spec["clusterIPs"].clone());
        Ok(Some(FieldError::invalid(&path, shown, format!("failed to allocate IP {address}: {why}"))))
    }

    async fn is_in_range(&self, address: IpAddr) -> Result<bool, Status> {
        let is_known = || self.blocks().iter().any(|block| has(block, address));
        if is_known() {
            return Ok(true);
        }
        // a block may have come that the cache has not seen
        self.reach(self.objects.revision().await?).await?;
        Ok(is_known())
    }

    /// The blocks that addresses are given from.
    fn blocks(&self) -> Vec<IpNet> {
        let mut blocks: Vec<IpNet> = self.services.blocks().collect();
        let list = self
            .kinds
            .kind("networking.k8s.io", "ServiceCIDR")
            .and_then(|kind| self.cache.list(kind, &ListQuery::default()).ok());
        for entry in list.into_iter().flat_map(|list| list.items) {
            let document: Value = serde_json::from_slice(&entry.document()).unwrap_or_default();
            blocks.extend(blocks_of(&document));
        }
        blocks
    }
}

/// The blocks of a ServiceCIDR, where addresses are given from it: it is ready, or nobody says anything about that, and
/// stays.
fn blocks_of(range: &Value) -> Vec<IpNet> {
    let conditions = range["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready");
    if Meta::of(range).is_terminating() || ready.is_some_and(|ready| ready["status"] != "True") {
        return Vec::new();
    }
    let blocks = range["spec"]["cidrs"].as_array().into_iter().flatten();
    blocks.filter_map(|block| block.as_str()?.parse().ok()).collect()
}

/// Why an object may not have the address that it is named by.
pub(super) fn held_by_another(kind: &Kind, object: &Value, old: Option<&Value>) -> Status {
    let name = Meta::of(object).name;
    match old {
        None => Status::already_exists(&kind.group, &kind.plural, &name),
        Some(_) => Status::conflict(&kind.group, &kind.plural, &name, "a service holds the address"),
    }
}

/// Writes an address of a service; each has its place behind those that it has.
pub(super) fn put(spec: &mut Value, index: usize, address: String) {
    if index == 0 {
        spec["clusterIP"] = address.as_str().into();
    }
    match spec["clusterIPs"].as_array_mut() {
        Some(list) => list.push(address.into()),
        None => spec["clusterIPs"] = json!([address]),
    }
}

/// The first address of a block that a service may have.
pub(super) fn first(block: &IpNet) -> IpAddr {
    address(IpFamily::of(block.addr()), bounds(block).0)
}

fn has(block: &IpNet, address: IpAddr) -> bool {
    let (first, last) = bounds(block);
    block.contains(&address) && (first..=last).contains(&number(address))
}

/// The first and the last address of a block that services may have: not that of the network, nor IPv4's broadcast.
/// In a block that is too small the last lies before the first.
fn bounds(block: &IpNet) -> (u128, u128) {
    let (first, last) = (number(block.network()), number(block.broadcast()));
    let broadcast = u128::from(block.addr().is_ipv4());
    first.checked_add(1).map_or((1, 0), |first| (first, last.saturating_sub(broadcast)))
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn address(family: IpFamily, number: u128) -> IpAddr {
    match family {
        IpFamily::V4 => Ipv4Addr::from_bits(number as u32).into(),
        IpFamily::V6 => Ipv6Addr::from_bits(number).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_addresses_for_services() {
        let check = |block: &str, from: &str, to: &str, outside: &[&str]| {
            let block: IpNet = block.parse().unwrap();
            let family = IpFamily::of(block.addr());
            let (first, last) = bounds(&block);
            assert_eq!(address(family, first).to_string(), from);
            assert_eq!(address(family, last).to_string(), to);
            assert!(has(&block, from.parse().unwrap()) && has(&block, to.parse().unwrap()));
            assert!(outside.iter().all(|ip| !has(&block, ip.parse().unwrap())));
        };
        check("10.96.0.0/12", "10.96.0.1", "10.111.255.254", &["10.96.0.0", "10.111.255.255", "fd00::1"]);
        check("fd00::/112", "fd00::1", "fd00::ffff", &["fd00::", "fd00::1:0", "10.96.0.1"]);
        let single: IpNet = "10.0.0.1/32".parse().unwrap();
        assert!(!has(&single, "10.0.0.1".parse().unwrap()));
        let last: IpNet = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128".parse().unwrap();
        assert!(!has(&last, last.addr()));
    }

    #[test]
    fn blocks_are_used_while_their_object_is_ready() {
        let of = |status: Value, meta: Value| {
            blocks_of(&json!({"metadata": meta, "spec": {"cidrs": ["10.0.0.0/24"]}, "status": status})).len()
        };
        let ready = |status: &str| json!({"conditions": [{"type": "Ready", "status": status}]});
        assert_eq!(of(json!({}), json!({})), 1);
        assert_eq!(of(ready("True"), json!({})), 1);
        assert_eq!(of(ready("False"), json!({})), 0);
        assert_eq!(of(ready("True"), json!({"deletionTimestamp": "2020-01-01T00:00:00Z"})), 0);
    }
}
