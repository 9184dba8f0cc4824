//! The network of one node: pinned namespaces, pod addresses, services and names.
//!
//! Knows nothing of the API: the node agent says which pods and services there are.

mod conntrack;
mod dataplane;
mod dns;
mod error;
mod namespaces;
mod netlink;
mod nft;
mod pods;
mod service;
#[cfg(test)]
mod tests;

pub use dataplane::{Dataplane, Nftables};
pub use dns::{Dns, DnsOptions};
pub use error::Error;
pub use namespaces::{Sandbox, inside};
pub use pods::{PodNetwork, PodNetworkOptions};
pub use service::{Endpoint, Protocol, Service, ServicePort, Services};
