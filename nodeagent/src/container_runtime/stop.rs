//! Ending a container: its hook, the end of new connections, the signal, and death when the grace is over.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use client::events::Severity;
use containerd::{Containerd, Found};
use jiff::SignedDuration;
use network::Services;
use object::Time;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::hook::Hook;
use super::observe::is_unbegun;
use super::pods::Stopping;
use super::{ContainerRuntime, Remark, chain, say};
use crate::notes::Note;
use crate::pod::Pod;
use crate::pod_config;
use crate::runtime::RuntimeError;
use crate::services;

const TERM: i32 = 15;
pub(super) const KILL: i32 = 9;
/// How long a container waits, at most, for its node to lead no new connections to it before it is told to end. A
/// server that ends at once would refuse those that are still sent to it.
const DRAIN: Duration = Duration::from_secs(2);
/// How long a server has, at least, to accept what reached it before that.
const ACCEPT: Duration = Duration::from_millis(100);
/// When a signal that could not be sent is sent again.
const AGAIN: Duration = Duration::from_millis(500);

/// What ends one container.
struct Ending {
    engine: Containerd,
    id: String,
    hook: Option<Hook>,
    tell: mpsc::Sender<Remark>,
    uid: Arc<str>,
    container: String,
    services: watch::Receiver<Arc<Services>>,
    addresses: Vec<IpAddr>,
    deadline: Instant,
}

impl ContainerRuntime {
    pub(super) async fn stop(
        &self,
        pod: &Pod,
        name: &str,
        attempt: u32,
        grace: SignedDuration,
        now: Time,
    ) -> Result<(), RuntimeError> {
        let id = pod_config::container_id(&pod.uid, name, attempt);
        let found = self.found(pod).await?;
        let mirror = self.pods.mirror(&pod.uid);
        let unbegun = |found: &Found| found.id == id && is_unbegun(pod, name, found, &mirror);
        if found.iter().any(unbegun) {
            return self.discard(pod, name, attempt, &id).await;
        }
        let deadline = now + grace;
        let told = mirror.stopping.get(&id).cloned();
        if told.as_ref().is_some_and(|told| told.deadline <= deadline) {
            return Ok(());
        }
        let hook = if told.is_some() { None } else { self.pre_stop(pod, name, &id) };
        let left = Duration::try_from(grace).unwrap_or(Duration::ZERO);
        let ending = Ending {
            engine: self.engine.clone(),
            id: id.clone(),
            hook,
            tell: self.tell.clone(),
            uid: pod.uid.clone(),
            container: name.to_owned(),
            services: self.services.clone(),
            addresses: if pod.deletion.is_some() { self.network.addresses(&pod.uid) } else { Vec::new() },
            deadline: Instant::now() + left,
        };
        let task = tokio::spawn(ending.run()).abort_handle();
        self.pods.update(&pod.uid, |mirror| {
            if let Some(before) = mirror.stopping.insert(id, Stopping { deadline, task }) {
                before.task.abort();
            }
        });
        Ok(())
    }
}

impl ContainerRuntime {
    /// Ends what was made and not started: it hears no signal but one.
    async fn discard(&self, pod: &Pod, name: &str, attempt: u32, id: &str) -> Result<(), RuntimeError> {
        let killed = self.engine.kill(id, KILL, true).await;
        killed.map_err(|e| RuntimeError::new("FailedKillPod", chain(&e)))?;
        self.remove_container(pod, name, attempt).await
    }
}

impl Ending {
    async fn run(self) {
        if let Some(hook) = &self.hook
            && let Ok(Err(why)) = timeout_at(self.deadline, hook.run()).await
        {
            let message = format!("PreStopHook failed: {why}");
            let note = Note::of(&self.container, Severity::Warning, "FailedPreStopHook", message);
            say(&self.tell, &self.uid, note);
        }
        if Instant::now() < self.deadline {
            self.drain().await;
            self.signal(TERM, false).await;
            tokio::time::sleep_until(self.deadline).await;
        }
        self.signal(KILL, true).await;
    }

    /// Waits until this node leads no new connections to the pod, and the last ones had time to be accepted.
    async fn drain(&self) {
        let mut services = self.services.clone();
        let led = |services: &Arc<Services>| self.addresses.iter().any(|ip| services::lead_to(services, ip));
        if !led(&services.borrow_and_update()) {
            return;
        }
        let by = self.deadline.min(Instant::now() + DRAIN);
        let drained = async {
            drop(services.wait_for(|services| !led(services)).await);
            tokio::time::sleep(ACCEPT).await;
        };
        let _in_time = timeout_at(by, drained).await;
    }

    /// Sends a signal, and does not give up where containerd does not answer for a while.
    async fn signal(&self, signal: i32, all: bool) {
        while let Err(error) = self.engine.kill(&self.id, signal, all).await {
            tracing::warn!(container = self.id, signal, error = %chain(&error), "not told to end yet");
            tokio::time::sleep(AGAIN).await;
        }
    }
}
