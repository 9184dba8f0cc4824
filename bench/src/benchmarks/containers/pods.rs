//! Pods by the API, as a watch sees them.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use http::{Method, StatusCode};
use serde_json::json;

use crate::node::{IMAGE, Node, empty};
use crate::pods::Watch;

const APP: &str = "containers";

/// A watch of this benchmark's pods.
pub(super) async fn watch(node: &Node) -> anyhow::Result<Watch> {
    Watch::start(&node.endpoint, "default", APP).await
}

/// Creates a pod: how long until it runs.
pub(super) async fn one(node: &Node, watch: &mut Watch, name: String) -> anyhow::Result<Duration> {
    create(node, watch, vec![name]).await
}

/// Creates many pods at once: how long until all run.
pub(super) async fn many(
    node: &Node,
    watch: &mut Watch,
    run: usize,
    count: usize,
) -> anyhow::Result<Duration> {
    create(node, watch, (0..count).map(|i| format!("many-{run}-{i}")).collect()).await
}

/// Each request has a connection of its own, which stands before the first is sent.
async fn create(node: &Node, watch: &mut Watch, names: Vec<String>) -> anyhow::Result<Duration> {
    let mut lanes = node.endpoint.lanes(names.len()).await?;
    let begun = Instant::now();
    let requests = lanes.iter_mut().zip(&names).map(|(lane, name)| {
        let request = node.endpoint.post("/api/v1/namespaces/default/pods", pod(name));
        lane.call(request, StatusCode::CREATED)
    });
    try_join_all(requests).await?;
    while watch.running.len() < names.len() {
        watch.progress().await?;
    }
    Ok(begun.elapsed())
}

/// Deletes all pods that the watch has seen, by force, and waits until node and API have them no more.
pub(super) async fn remove(node: &Node, watch: &mut Watch) -> anyhow::Result<()> {
    let mut lane = node.endpoint.connect().await?;
    let now = r#"{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0}"#;
    for name in &watch.existing {
        let path = format!("/api/v1/namespaces/default/pods/{name}");
        lane.call(node.endpoint.request(Method::DELETE, &path, now.into()), StatusCode::OK).await?;
    }
    while !watch.existing.is_empty() {
        watch.progress().await?;
    }
    empty(&node.engine).await
}

fn pod(name: &str) -> String {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "labels": { "app": APP } },
        "spec": { "containers": [{ "name": "web", "image": IMAGE }] },
    });
    pod.to_string()
}
