//! The pods' side of the node: a link, an address and a way out for each.

mod addresses;
mod network;

pub use network::{PodNetwork, PodNetworkOptions};

pub(crate) use addresses::gateway_of;
