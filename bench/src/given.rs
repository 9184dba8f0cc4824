//! An API server that somebody else runs: any that speaks the Kubernetes API.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use http::{Method, StatusCode};
use serde_json::json;

use crate::client::Endpoint;
use crate::server::Server;

/// How long a namespace of before may take to go.
const PATIENCE: Duration = Duration::from_secs(600);

/// The namespace of the benchmarks. It is theirs alone: what is in it goes.
const NAMESPACE: &str = "berth-bench";

/// Where the server is.
pub(crate) struct Given {
    pub(crate) kubeconfig: PathBuf,
    /// Its process, where that is on this machine: processor time and memory are read from it.
    pub(crate) pid: Option<u32>,
}

impl Given {
    /// The server, with a namespace in which there is nothing.
    pub(crate) async fn server(&self) -> anyhow::Result<Server> {
        let endpoint = Endpoint::from_kubeconfig(&self.kubeconfig)?;
        self.remove().await?;
        let mut lane = endpoint.connect().await?;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        let request = endpoint.post("/api/v1/namespaces", namespace.to_string());
        lane.call(request, StatusCode::CREATED).await.context("cannot create a namespace")?;
        // Pods are refused without, and a server may run without the controller that makes one.
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})
            .to_string();
        let path = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts");
        let status = lane.send(endpoint.post(&path, account)).await?.status();
        if ![StatusCode::CREATED, StatusCode::CONFLICT].contains(&status) {
            bail!("the server answers {status} to the creation of a service account");
        }
        Ok(Server::given(endpoint, self.pid, NAMESPACE, &self.kubeconfig))
    }

    /// Removes the namespace and all that is in it, and waits until it is gone.
    pub(crate) async fn remove(&self) -> anyhow::Result<()> {
        let endpoint = Endpoint::from_kubeconfig(&self.kubeconfig)?;
        let path = format!("/api/v1/namespaces/{NAMESPACE}");
        let gone = async {
            loop {
                let request = endpoint.request(Method::DELETE, &path, bytes::Bytes::new());
                match endpoint.connect().await?.send(request).await?.status() {
                    StatusCode::NOT_FOUND => return Ok(()),
                    StatusCode::OK | StatusCode::ACCEPTED | StatusCode::CONFLICT => {}
                    other => bail!("the server answers {other}"),
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        let removed = tokio::time::timeout(PATIENCE, gone).await;
        removed
            .unwrap_or_else(|_| bail!("it is still there after {} s", PATIENCE.as_secs()))
            .with_context(|| format!("cannot remove namespace {NAMESPACE}"))
    }
}
