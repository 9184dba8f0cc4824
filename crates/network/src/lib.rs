//! The network of one node: pinned namespaces, pod addresses, services and names.
//!
//! Knows nothing of the API: the node agent says which pods and services there are.

mod service;

pub use service::{Endpoint, Protocol, Service, ServicePort, Services};
