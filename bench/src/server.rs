//! The server and the agent under test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use http::StatusCode;
use serde::Deserialize;
use tempfile::TempDir;

use crate::Setup;
use crate::client::Endpoint;
use crate::etcd::Etcd;
use crate::process::{Process, free_address};

/// How long nodes may take to register.
const NODES: Duration = Duration::from_secs(60);

/// A running `berth server`, or an API server that was given.
pub(crate) struct Server {
    /// The process, where it is ours.
    process: Option<Process>,
    /// Its id, where that is known.
    pid: Option<u32>,
    pub(crate) endpoint: Endpoint,
    /// Where the benchmarks put their objects.
    namespace: String,
    /// From exec to the line with `ready`.
    pub(crate) announced: Duration,
    /// From exec to the first 200 of `/readyz`.
    pub(crate) answered: Duration,
    kubeconfig: PathBuf,
    /// Removed last: fields are dropped in order.
    _scratch: Option<TempDir>,
}

impl Server {
    /// The one that was given, or one that is started on an empty directory of its own.
    pub(crate) async fn start(setup: &Setup) -> anyhow::Result<Server> {
        if let Some(given) = &setup.given {
            return given.server().await;
        }
        let scratch = scratch()?;
        let server = Server::start_in(setup, scratch.path()).await?;
        Ok(Server { _scratch: Some(scratch), ..server })
    }

    /// One that somebody else runs.
    pub(crate) fn given(endpoint: Endpoint, pid: Option<u32>, namespace: &str, kubeconfig: &Path) -> Server {
        Server {
            process: None,
            pid,
            endpoint,
            namespace: namespace.to_owned(),
            announced: Duration::ZERO,
            answered: Duration::ZERO,
            kubeconfig: kubeconfig.to_owned(),
            _scratch: None,
        }
    }

    /// Starts on an empty directory of its own, with its data in an etcd.
    pub(crate) async fn start_on(setup: &Setup, etcd: &Etcd) -> anyhow::Result<Server> {
        let scratch = scratch()?;
        let store = format!("etcd://{}", etcd.address);
        let server = Server::launch(setup, scratch.path(), &["--store", &store]).await?;
        Ok(Server { _scratch: Some(scratch), ..server })
    }

    /// Starts on a directory of the caller's.
    pub(crate) async fn start_in(setup: &Setup, dir: &Path) -> anyhow::Result<Server> {
        Server::launch(setup, dir, &[]).await
    }

    async fn launch(setup: &Setup, dir: &Path, flags: &[&str]) -> anyhow::Result<Server> {
        let address = free_address()?;
        let data = dir.join("data");
        let kubeconfig = data.join("admin.kubeconfig");
        let mut command = Command::new(&setup.berth);
        command.arg("server").arg("--data-dir").arg(&data).args([
            "--listen",
            &address.to_string(),
            "--no-agent",
        ]);
        command.args(flags);
        let mut process = Process::start(&mut command, dir.join("server.log"))?;
        let answered = process.answering(async || ready(address, &kubeconfig).await).await?;
        let announced = process.announced().await?;
        let endpoint = Endpoint::from_kubeconfig(&kubeconfig)?;
        let (pid, namespace) = (Some(process.pid()), "default".to_owned());
        let process = Some(process);
        Ok(Server { process, pid, endpoint, namespace, announced, answered, kubeconfig, _scratch: None })
    }

    /// The process id, where it is known.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// The path of a core resource in the namespace of the benchmarks.
    pub(crate) fn path(&self, resource: &str) -> String {
        format!("/api/v1/namespaces/{}/{resource}", self.namespace)
    }

    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Starts an agent that plays nodes whose containers take `start` to start, and waits until all are ready.
    pub(crate) async fn play(&self, setup: &Setup, nodes: usize, start: Duration) -> anyhow::Result<Process> {
        let mut command = Command::new(&setup.berth);
        command.arg("agent").arg("--kubeconfig").arg(&self.kubeconfig).args(["--runtime", "fake"]);
        command.args(["--fake-nodes", &nodes.to_string(), "--fake-start-ms", &start.as_millis().to_string()]);
        let agent = Process::start(&mut command, self.kubeconfig.with_file_name("agent.log"))?;
        nodes_ready(&self.endpoint, nodes, &agent).await?;
        Ok(agent)
    }

    /// Stops by SIGTERM.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.process.context("the server is not ours to stop")?.stop().await
    }
}

/// A directory that is removed when dropped.
pub(crate) fn scratch() -> anyhow::Result<TempDir> {
    tempfile::Builder::new().prefix("berth-bench-").tempdir().context("cannot create a directory")
}

/// One attempt at `/readyz`, with what the server has written by now.
async fn ready(address: SocketAddr, kubeconfig: &Path) -> anyhow::Result<()> {
    let connected = tokio::net::TcpStream::connect(address).await;
    drop(connected?);
    let endpoint = Endpoint::from_kubeconfig(kubeconfig)?;
    endpoint.connect().await?.call(endpoint.get("/readyz"), StatusCode::OK).await
}

/// Waits until so many nodes are ready, which this process brings up.
pub(crate) async fn nodes_ready(endpoint: &Endpoint, nodes: usize, agent: &Process) -> anyhow::Result<()> {
    let mut lane = endpoint.connect().await?;
    while ready_nodes(&lane.fetch(endpoint.get("/api/v1/nodes")).await?)? < nodes {
        if agent.started.elapsed() > NODES {
            bail!(agent.complaint(&format!("did not bring up {nodes} nodes")));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

fn ready_nodes(list: &[u8]) -> anyhow::Result<usize> {
    let list: NodeList = serde_json::from_slice(list).context("cannot read the list of nodes")?;
    let ready = |node: &Node| node.status.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True");
    Ok(list.items.iter().filter(|node| ready(node)).count())
}

#[derive(Deserialize)]
struct NodeList {
    items: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Default, Deserialize)]
struct NodeStatus {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}
