//! Pods to create, and a watch that follows them.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, bail};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Endpoint, Lane, refused};
use crate::load::{Cost, Load};
use crate::server::Server;

/// How many requests are under way when pods are created or deleted by the thousand.
const LANES: usize = 16;
/// How long a watch that is waited on may bring nothing before it is given up.
const QUIET: Duration = Duration::from_secs(30);

/// A pod of about the size that a small service has in practice.
pub(crate) fn pod(name: &str, app: &str) -> Vec<u8> {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": labels(app), "annotations": {
            "example.org/config-checksum": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }},
        "spec": spec(),
    });
    pod.to_string().into_bytes()
}

/// The same, bound to a node from the start.
pub(crate) fn bound(name: &str, node: &str) -> Vec<u8> {
    let mut spec = spec();
    spec["nodeName"] = node.into();
    let metadata = json!({"name": name, "labels": labels("watched")});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}).to_string().into_bytes()
}

/// The labels by which an application's pods are found.
pub(crate) fn labels(app: &str) -> Value {
    json!({ "app": app, "app.kubernetes.io/component": "backend", "app.kubernetes.io/managed-by": "bench" })
}

/// What the pods run; small enough for hundreds on a node.
pub(crate) fn spec() -> Value {
    let probe = json!({ "httpGet": { "path": "/healthz", "port": "http" }, "periodSeconds": 10 });
    json!({
        "containers": [{
            "name": "web",
            "image": "registry.example.org/team/web:1.2.3",
            "args": ["--listen=:8080", "--log-level=info"],
            "env": [
                { "name": "REGION", "value": "eu-central-1" },
                { "name": "POD_NAME", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
            ],
            "ports": [{ "name": "http", "containerPort": 8080 }],
            "livenessProbe": probe,
            "resources": {
                "requests": { "cpu": "10m", "memory": "16Mi" },
                "limits": { "memory": "64Mi" },
            },
            "volumeMounts": [{ "name": "config", "mountPath": "/etc/web", "readOnly": true }],
        }],
        "volumes": [{ "name": "config", "configMap": { "name": "web", "optional": true } }],
    })
}

/// Creates pods `{app}-0` to `{app}-{count - 1}`.
pub(crate) async fn create(server: &Server, app: &'static str, count: usize) -> anyhow::Result<Cost> {
    let (endpoint, path) = (server.endpoint.clone(), server.path("pods"));
    let load = bulk(server, count, StatusCode::CREATED);
    let cost = load.run(move |i| endpoint.post(&path, pod(&format!("{app}-{i}"), app)));
    cost.await.context("cannot create pods")
}

/// Deletes what [`create`] created.
pub(crate) async fn delete(server: &Server, app: &'static str, count: usize) -> anyhow::Result<Cost> {
    let (endpoint, path) = (server.endpoint.clone(), server.path("pods"));
    let load = bulk(server, count, StatusCode::OK);
    let now = r#"{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0}"#;
    let cost = load.run(move |i| endpoint.request(Method::DELETE, &format!("{path}/{app}-{i}"), now.into()));
    cost.await.context("cannot delete pods")
}

fn bulk(server: &Server, operations: usize, expected: StatusCode) -> Load<'_> {
    Load { endpoint: &server.endpoint, pid: server.pid(), lanes: LANES, operations, expected }
}

/// A watch of an application's pods that counts how far they are.
pub(crate) struct Watch {
    body: Incoming,
    /// What has come of the next line.
    buffer: Vec<u8>,
    pub(crate) existing: HashSet<String>,
    pub(crate) bound: HashSet<String>,
    pub(crate) running: HashSet<String>,
    _lane: Lane,
}

impl Watch {
    /// Begins to watch; what happens from now on is seen.
    pub(crate) async fn start(endpoint: &Endpoint, namespace: &str, app: &str) -> anyhow::Result<Watch> {
        let mut lane = endpoint.connect().await?;
        let path = format!("/api/v1/namespaces/{namespace}/pods?watch=true&labelSelector=app%3D{app}");
        let response = lane.send(endpoint.get(&path)).await?;
        if response.status() != StatusCode::OK {
            return refused(response).await;
        }
        let (existing, bound, running) = Default::default();
        Ok(Watch { body: response.into_body(), buffer: Vec::new(), existing, bound, running, _lane: lane })
    }

    /// Waits for more, and takes account of all events that have come.
    pub(crate) async fn progress(&mut self) -> anyhow::Result<()> {
        let Ok(frame) = tokio::time::timeout(QUIET, self.body.frame()).await else {
            bail!("nothing happened for {} s: {}", QUIET.as_secs(), self.describe());
        };
        let frame = frame.with_context(|| format!("the server ended the watch: {}", self.describe()))??;
        if let Ok(data) = frame.into_data() {
            self.buffer.extend_from_slice(&data);
        }
        let buffer = std::mem::take(&mut self.buffer);
        let end = buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in buffer[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.account(serde_json::from_slice(line).context("cannot read an event")?)?;
        }
        self.buffer = buffer[end..].to_vec();
        Ok(())
    }

    /// Takes account of what happens in the given time.
    pub(crate) async fn follow(&mut self, time: Duration) -> anyhow::Result<()> {
        let forever = async {
            loop {
                self.progress().await?;
            }
        };
        tokio::time::timeout(time, forever).await.unwrap_or(Ok(()))
    }

    fn describe(&self) -> String {
        let (existing, bound, running) = (self.existing.len(), self.bound.len(), self.running.len());
        format!("{existing} pods exist, {bound} are bound, {running} are running")
    }

    fn account(&mut self, event: Event) -> anyhow::Result<()> {
        let name = event.object.metadata.name;
        match event.kind.as_str() {
            "ADDED" | "MODIFIED" => {
                if event.object.spec.node_name.is_some() {
                    self.bound.insert(name.clone());
                }
                if event.object.status.phase.as_deref() == Some("Running") {
                    self.running.insert(name.clone());
                }
                self.existing.insert(name);
            }
            "DELETED" => {
                for set in [&mut self.existing, &mut self.bound, &mut self.running] {
                    set.remove(&name);
                }
            }
            other => bail!("the watch brings {other}"),
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Pod,
}

#[derive(Deserialize)]
struct Pod {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(rename = "nodeName")]
    node_name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Status {
    phase: Option<String>,
}
