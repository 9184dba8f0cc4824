//! The controllers: each a pure function from a snapshot of the cluster to the actions that bring it closer to
//! what was asked for. The driver of [`drive`] runs them.

mod deployment;
mod endpoint_slice;
mod garbage_collector;
mod ip_address;
mod namespace;
mod naming;
mod node_lifecycle;
mod ownership;
mod pod_gc;
mod pods;
mod replicaset;
mod root_ca;
mod selector;
mod service_account;
mod service_cidr;
mod taint_eviction;
mod views;

use std::sync::Arc;

use cache::Source;
use client::{Client, Error};
use drive::{Controller, Leadership, Options};
use kinds::Kinds;
use object::PatchType;
use serde_json::json;
use tokio::sync::watch;

/// All controllers.
pub static ALL: &[Controller] = &[
    deployment::CONTROLLER,
    replicaset::CONTROLLER,
    garbage_collector::CONTROLLER,
    namespace::CONTROLLER,
    service_account::CONTROLLER,
    root_ca::CONTROLLER,
    node_lifecycle::CONTROLLER,
    taint_eviction::CONTROLLER,
    pod_gc::CONTROLLER,
    endpoint_slice::CONTROLLER,
    ip_address::CONTROLLER,
    service_cidr::CONTROLLER,
];

/// Runs all controllers until `shutdown` becomes true, whenever this process is the leader.
pub async fn run(
    client: Client,
    source: Arc<dyn Source>,
    kinds: Arc<Kinds>,
    leadership: Leadership,
    shutdown: watch::Receiver<bool>,
) {
    drive::run(ALL, client, source, kinds, Options::new(leadership), shutdown).await;
}

/// Writes the CA bundle that the controllers copy into every namespace as `kube-root-ca.crt`.
///
/// # Errors
/// The API's; not found while there is no namespace `kube-system`.
pub async fn publish_root_ca(client: &Client, kinds: &Kinds, bundle: &str) -> Result<(), Error> {
    let (group, name) = root_ca::CONFIG_MAP;
    let kind = kinds.kind(group, name).expect("config maps are in the table");
    let key = root_ca::original();
    match client.create(kind, &key.namespace, &root_ca::config_map(&key, bundle)).await {
        Err(error) if error.is_already_exists() => {
            let patch = json!({"data": {"ca.crt": bundle}});
            client.patch(kind, &key, None, PatchType::Merge, &patch).await.map(drop)
        }
        other => other.map(drop),
    }
}
