//! Many nodes that run nothing, in one process: one watch on pods, one on nodes, one timer for leases.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::Arc;

use cache::{Change, Follow, Source};
use client::Client;
use drive::WorkQueue;
use futures::StreamExt;
use kinds::{Kind, Kinds};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::agent::Agent;
use crate::census::PlayedCensus;
use crate::fake::{Delays, FakeRuntime};
use crate::known::Pods;
use crate::node::NodeFacts;
use crate::registrar::Registrar;
use crate::report::Host;

/// What fake nodes there are.
#[derive(Clone, Debug)]
pub struct FakeOptions {
    /// How many.
    pub nodes: usize,
    /// Their names are this and a number from 0.
    pub prefix: String,
    /// How long things take.
    pub delays: Delays,
    /// What each has, by resource.
    pub capacity: BTreeMap<String, String>,
    /// The version that they report.
    pub version: String,
    /// The most pods that are worked on at a time.
    pub workers: usize,
}

impl Default for FakeOptions {
    fn default() -> Self {
        let capacity = [("cpu", "32"), ("memory", "128Gi"), ("ephemeral-storage", "100Gi"), ("pods", "110")];
        Self {
            nodes: 1,
            prefix: "fake-".to_owned(),
            delays: Delays::default(),
            capacity: capacity.map(|(name, amount)| (name.to_owned(), amount.to_owned())).into(),
            version: concat!("v1.37.0+berth.", env!("CARGO_PKG_VERSION")).to_owned(),
            workers: 32,
        }
    }
}

/// Why the agent cannot run.
#[derive(Debug, thiserror::Error)]
#[error("the table of kinds lacks {0}")]
pub struct MissingKind(pub(crate) &'static str);

/// Runs fake nodes until `shutdown`. Pods that run then stay as they are in the API.
pub async fn run_fake(
    client: Client,
    source: Arc<dyn Source>,
    kinds: Arc<Kinds>,
    options: FakeOptions,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), MissingKind> {
    let kind = |group, plural| kinds.resource(group, plural).cloned().ok_or(MissingKind(plural));
    let (pods, nodes, leases) =
        (kind("", "pods")?, kind("", "nodes")?, kind("coordination.k8s.io", "leases")?);
    let facts: Vec<NodeFacts> = (0..options.nodes).map(|i| facts(&options, i)).collect();
    let agent = Arc::new(Agent {
        runtime: Arc::new(FakeRuntime::new(options.delays)),
        client: client.clone(),
        kind: pods.clone(),
        queue: WorkQueue::default(),
        hosts: facts.iter().map(|f| (f.name.as_str().into(), Host { ips: f.ips.clone() })).collect(),
        pods: Mutex::new(Pods::default()),
        notes: None,
        keep_documents: false,
    });
    let census = Arc::new(PlayedCensus::new(facts));
    let registrar = Arc::new(Registrar::new(client, nodes.clone(), leases, census));
    let mut tasks = JoinSet::new();
    tasks.spawn(follow_pods(agent.clone(), source.clone(), pods));
    tasks.spawn(follow_nodes(registrar.clone(), source, nodes));
    tasks.spawn(async move { registrar.run().await });
    // What is played is never half done: workers are not waited for.
    let (_stop, stopped) = watch::channel(false);
    for _ in 0..options.workers.max(1) {
        let (agent, stopped) = (agent.clone(), stopped.clone());
        tasks.spawn(async move { agent.work(stopped).await });
    }
    tokio::pin!(shutdown);
    tokio::select! {
        () = &mut shutdown => {}
        Some(ended) = tasks.join_next() => tracing::error!(?ended, "a part of the agent ended"),
    }
    Ok(())
}

fn facts(options: &FakeOptions, number: usize) -> NodeFacts {
    const FIRST: u32 = u32::from_be_bytes([10, 72, 0, 1]);
    let name = format!("{}{number}", options.prefix);
    let ip = Ipv4Addr::from(FIRST + number as u32).to_string();
    NodeFacts::fake(&name, &ip, &options.version, &options.capacity)
}

async fn follow_pods(agent: Arc<Agent>, source: Arc<dyn Source>, kind: Arc<Kind>) {
    let follow = Follow { fields: "spec.nodeName!=".to_owned(), ..Follow::all(&kind) };
    let mut changes = source.follow(follow);
    while let Some(change) = changes.next().await {
        agent.apply(change);
    }
}

/// Watches for nodes of ours that are deleted, and registers them again.
pub(crate) async fn follow_nodes(registrar: Arc<Registrar>, source: Arc<dyn Source>, kind: Arc<Kind>) {
    let mut changes = source.follow(Follow::all(&kind));
    while let Some(change) = changes.next().await {
        if let Change::Gone { key, .. } = change {
            registrar.restore(&key.name).await;
        }
    }
}
