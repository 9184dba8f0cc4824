//! Keeps nodes registered and alive: creates them where absent, renews their leases, refreshes their status.
//! One timer serves all nodes of the process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use client::{Client, Error};
use futures::StreamExt;
use kinds::Kind;
use object::{Key, PatchType, Time, Value};
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::Instant;

use crate::node::{LEASE_NAMESPACE, NodeFacts};

/// How often a lease is renewed.
const RENEW: Duration = Duration::from_secs(10);
/// How many renewals pass between two refreshes of a node's status: five minutes.
const RENEWALS_PER_STATUS: u64 = 30;
/// The most requests at a time.
const IN_FLIGHT: usize = 16;

/// Keeps nodes registered.
pub(crate) struct Registrar {
    pub(crate) client: Client,
    pub(crate) nodes: Arc<Kind>,
    pub(crate) leases: Arc<Kind>,
    pub(crate) facts: Vec<NodeFacts>,
    /// UIDs of the registered nodes, by name. Locked for a look-up or an update, never across an await.
    pub(crate) registered: Mutex<HashMap<String, String>>,
}

impl Registrar {
    /// Registers all nodes, then renews one after the other, evenly over the period; for ever.
    pub(crate) async fn run(&self) {
        let all =
            futures::stream::iter(&self.facts).for_each_concurrent(IN_FLIGHT, |facts| self.renew(facts, 0));
        all.await;
        let mut due = Instant::now();
        for round in 1u64.. {
            let step = RENEW / self.facts.len().max(1) as u32;
            let turn = futures::stream::iter(&self.facts).enumerate().for_each_concurrent(
                IN_FLIGHT,
                |(i, facts)| {
                    let at = due + step * i as u32;
                    async move {
                        tokio::time::sleep_until(at).await;
                        self.renew(facts, round + i as u64).await;
                    }
                },
            );
            turn.await;
            due = (due + RENEW).max(Instant::now());
            tokio::time::sleep_until(due).await;
        }
    }

    /// A node is gone: it is registered again at its next turn.
    pub(crate) fn gone(&self, name: &str) {
        self.registered.lock().remove(name);
    }

    /// Registers a node of ours that is gone at once.
    pub(crate) async fn restore(&self, name: &str) {
        self.gone(name);
        if let Some(facts) = self.facts.iter().find(|facts| facts.name == name) {
            self.renew(facts, 0).await;
        }
    }

    async fn renew(&self, facts: &NodeFacts, round: u64) {
        if let Err(error) = self.try_renew(facts, round).await {
            tracing::warn!(node = facts.name, %error, "not renewed");
        }
    }

    async fn try_renew(&self, facts: &NodeFacts, round: u64) -> Result<(), Error> {
        let known = self.registered.lock().get(&facts.name).cloned();
        let uid = match known {
            Some(uid) if round.is_multiple_of(RENEWALS_PER_STATUS) => {
                self.refresh(facts).await?;
                uid
            }
            Some(uid) => uid,
            None => self.register(facts).await?,
        };
        self.renew_lease(facts, &uid).await
    }

    async fn register(&self, facts: &NodeFacts) -> Result<String, Error> {
        let uid = match self.client.create(&self.nodes, "", &facts.node(Time::now())).await {
            Ok(node) => uid_of(&node),
            Err(error) if error.is_already_exists() => self.refresh(facts).await?,
            Err(error) => return Err(error),
        };
        self.registered.lock().insert(facts.name.clone(), uid.clone());
        Ok(uid)
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
        Ok(uid_of(&node))
    }

    async fn renew_lease(&self, facts: &NodeFacts, uid: &str) -> Result<(), Error> {
        let key = Key::new(LEASE_NAMESPACE, facts.name.as_str());
        let now = Time::now();
        match self.client.patch(&self.leases, &key, None, PatchType::Merge, &facts.renewal(now)).await {
            Err(error) if error.is_not_found() => {
                let lease = facts.lease(uid, now);
                self.client.create(&self.leases, LEASE_NAMESPACE, &lease).await.map(drop)
            }
            other => other.map(drop),
        }
    }
}

fn uid_of(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}
