//! What services and nodes draw from.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use kinds::IpFamily;

use super::addresses;

/// Ranges that services draw from.
#[derive(Clone, Debug)]
pub struct ServiceRange {
    /// Their addresses, e.g. 10.96.0.0/12; at least four. Services are of this family unless they ask for another.
    pub addresses: IpNet,
    /// Addresses of the other family, e.g. fd00:10:96::/112, where services may have both.
    pub secondary: Option<IpNet>,
    /// First node port.
    pub first_port: u16,
    /// Last node port.
    pub last_port: u16,
}

impl Default for ServiceRange {
    fn default() -> Self {
        let addresses = Ipv4Net::new_assert(Ipv4Addr::new(10, 96, 0, 0), 12).into();
        Self { addresses, secondary: None, first_port: 30000, last_port: 32767 }
    }
}

impl ServiceRange {
    /// Its blocks of addresses, the default family's first.
    pub fn blocks(&self) -> impl Iterator<Item = IpNet> {
        std::iter::once(self.addresses).chain(self.secondary)
    }

    /// The families of the cluster, its default first.
    pub(crate) fn families(&self) -> Vec<IpFamily> {
        self.blocks().map(|block| IpFamily::of(block.addr())).collect()
    }

    /// The address of the API server's own service: the first of the range.
    pub fn first(&self) -> IpAddr {
        addresses::first(&self.addresses)
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
