//! The cluster's names, after the Kubernetes DNS specification 1.1.

mod forward;
mod handler;
mod query;
mod server;
#[cfg(test)]
mod tests;
mod zone;

pub use server::{Dns, DnsOptions};
