//! Keeps nodes registered and alive: creates them where absent, renews their leases, refreshes their status.
//! One timer serves all nodes of the process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use client::events::{Recorder, Severity};
use client::{Client, Error};
use futures::StreamExt;
use http::Method;
use kinds::Kind;
use object::{Key, PatchType, Time, Value};
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::Instant;

use crate::census::Census;
use crate::facts::Finding;
use crate::node::{self, LEASE_NAMESPACE, NodeFacts};

/// How often a lease is renewed.
const RENEW: Duration = Duration::from_secs(10);
/// How many renewals pass between two refreshes of a node's status: five minutes.
const RENEWALS_PER_STATUS: u64 = 30;
/// The most requests at a time.
const IN_FLIGHT: usize = 16;

/// Keeps nodes registered.
pub(crate) struct Registrar {
    client: Client,
    nodes: Arc<Kind>,
    leases: Arc<Kind>,
    census: Arc<dyn Census>,
    /// The registered nodes, by name. Locked for a look-up or an update, never across an await.
    registered: Mutex<HashMap<String, Registered>>,
}

/// A registered node.
#[derive(Clone)]
struct Registered {
    uid: String,
    /// How it fared when that was last told.
    told: Vec<Finding>,
}

impl Registrar {
    /// Nodes of a census, to be registered by [`Registrar::run`].
    pub(crate) fn new(client: Client, nodes: Arc<Kind>, leases: Arc<Kind>, census: Arc<dyn Census>) -> Self {
        Self { client, nodes, leases, census, registered: Mutex::default() }
    }

    /// Registers all nodes, then renews one after the other, evenly over the period; for ever.
    pub(crate) async fn run(&self) {
        let names = self.census.names();
        let all =
            futures::stream::iter(names).for_each_concurrent(IN_FLIGHT, |name| self.renew(name, Some(0)));
        all.await;
        let mut due = Instant::now();
        for round in 1u64.. {
            let step = RENEW / names.len().max(1) as u32;
            let turn =
                futures::stream::iter(names).enumerate().for_each_concurrent(IN_FLIGHT, |(i, name)| {
                    let at = due + step * i as u32;
                    async move {
                        tokio::time::sleep_until(at).await;
                        self.renew(name, Some(round + i as u64)).await;
                    }
                });
            turn.await;
            due = (due + RENEW).max(Instant::now());
            tokio::time::sleep_until(due).await;
        }
    }

    /// Tells how a node fares, now that it may have changed.
    pub(crate) async fn look(&self, name: &str) {
        self.renew(name, None).await;
    }

    /// A node is gone: it is registered again at its next turn.
    pub(crate) fn gone(&self, name: &str) {
        self.registered.lock().remove(name);
    }

    /// Registers a node of ours that is gone at once.
    pub(crate) async fn restore(&self, name: &str) {
        self.gone(name);
        if self.census.names().iter().any(|ours| ours == name) {
            self.renew(name, Some(0)).await;
        }
    }

    /// Tells users that the agent begins, and that the machine began anew where it has another boot id than the API
    /// knows. To be called before the status is written anew.
    pub(crate) async fn tell_start(&self, recorder: &Recorder, name: &str) {
        let about = node::reference(name);
        recorder.record(Time::now(), &about, Severity::Normal, "Starting", "Starting kubelet.").await;
        let Ok(node) = self.client.get(&self.nodes, &Key::new("", name)).await else { return };
        let before = node["status"]["nodeInfo"]["bootID"].as_str().unwrap_or_default();
        let [_, _, now] = self.census.facts(name).ids;
        if !before.is_empty() && !now.is_empty() && before != now {
            let message = format!("Node {name} has been rebooted, boot id: {now}");
            recorder.record(Time::now(), &about, Severity::Warning, "Rebooted", &message).await;
        }
    }

    /// A node as it would be if it were registered now: nothing is written.
    pub(crate) async fn rehearse(&self, name: &str) -> Result<Value, Error> {
        let facts = NodeFacts { pod_cidr: None, ..self.census.facts(name) };
        let path = format!("{}?dryRun=All", self.nodes.path(""));
        self.client.json(Method::POST, path, Some(&facts.node(Time::now()))).await
    }

    /// Registers a node now, and returns it as the API has it.
    pub(crate) async fn introduce(&self, name: &str) -> Result<Value, Error> {
        self.register(&self.census.facts(name)).await?;
        self.client.get(&self.nodes, &Key::new("", name)).await
    }

    async fn renew(&self, name: &str, round: Option<u64>) {
        if let Err(error) = self.try_renew(name, round).await {
            tracing::warn!(node = name, %error, "not renewed");
        }
    }

    /// What is due in this round; outside of rounds, what changed.
    async fn try_renew(&self, name: &str, round: Option<u64>) -> Result<(), Error> {
        let known = self.registered.lock().get(name).cloned();
        let regular = round.is_some_and(|round| round.is_multiple_of(RENEWALS_PER_STATUS));
        let uid = match known {
            None => self.register(&self.census.facts(name)).await?,
            Some(known) if regular || self.census.is_watched() => {
                let facts = self.census.facts(name);
                if regular || facts.findings != known.told {
                    self.refresh(&facts).await?;
                }
                known.uid
            }
            Some(known) => known.uid,
        };
        if round.is_some() { self.renew_lease(name, &uid).await } else { Ok(()) }
    }

    async fn register(&self, facts: &NodeFacts) -> Result<String, Error> {
        let node = match self.client.create(&self.nodes, "", &facts.node(Time::now())).await {
            Err(error) if error.is_already_exists() => {
                let key = Key::new("", facts.name.as_str());
                let patch = json!({"metadata": facts.metadata()});
                self.client.patch(&self.nodes, &key, None, PatchType::Merge, &patch).await?;
                return self.refresh(facts).await;
            }
            other => other?,
        };
        Ok(self.note(facts, &node))
    }

    fn note(&self, facts: &NodeFacts, node: &Value) -> String {
        let uid = uid_of(node);
        let registered = Registered { uid: uid.clone(), told: facts.findings.clone() };
        self.registered.lock().insert(facts.name.clone(), registered);
        uid
    }

    /// Writes the status anew; returns the node's UID.
    async fn refresh(&self, facts: &NodeFacts) -> Result<String, Error> {
        let key = Key::new("", facts.name.as_str());
        let node = match self.client.get(&self.nodes, &key).await {
            Err(error) if error.is_not_found() => {
                self.gone(&facts.name);
                return Err(error);
            }
            other => other?,
        };
        let old = node["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
        let patch = json!({"status": facts.status(old, Time::now())});
        self.client.patch(&self.nodes, &key, Some("status"), PatchType::Strategic, &patch).await?;
        Ok(self.note(facts, &node))
    }

    async fn renew_lease(&self, name: &str, uid: &str) -> Result<(), Error> {
        let key = Key::new(LEASE_NAMESPACE, name);
        let now = Time::now();
        match self.client.patch(&self.leases, &key, None, PatchType::Merge, &node::renewal(name, now)).await {
            Err(error) if error.is_not_found() => {
                let lease = node::lease(name, uid, now);
                self.client.create(&self.leases, LEASE_NAMESPACE, &lease).await.map(drop)
            }
            other => other.map(drop),
        }
    }
}

fn uid_of(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}
