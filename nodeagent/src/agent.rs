//! Drives pods through a runtime: observe, decide, perform, report. One pod is never driven twice at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use cache::{Change, Document};
use client::{Client, Error};
use drive::WorkQueue;
use kinds::Kind;
use object::{Key, PatchType, Time};
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::Instant;

use crate::observed::Observed;
use crate::plan::{has_left, plan, plan_gone};
use crate::pod::{Pod, Spec};
use crate::report::{Host, report};
use crate::runtime::{Runtime, RuntimeError};
use crate::status::Status;

/// How often a pod is planned again within one turn.
const ROUNDS: usize = 8;
/// When to try again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Pods of one or many nodes, and what drives them.
pub(crate) struct Agent {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) client: Client,
    pub(crate) kind: Arc<Kind>,
    /// Keys are UIDs. A pod is touched when it changed, and when it said that it should be looked at again.
    pub(crate) queue: WorkQueue<Arc<str>>,
    /// The nodes whose pods are ours.
    pub(crate) hosts: HashMap<Arc<str>, Host>,
    /// Locked for a look-up or an update, never across an await.
    pub(crate) pods: Mutex<Pods>,
}

/// The pods that are known.
#[derive(Default)]
pub(crate) struct Pods {
    by_uid: HashMap<Arc<str>, Known>,
    uids: HashMap<Key, Arc<str>>,
    /// One copy of each distinct spec.
    specs: HashSet<Arc<Spec>>,
}

/// A pod as last seen; `gone` once the API no longer has it.
struct Known {
    pod: Arc<Pod>,
    gone: bool,
}

/// Why a pod could not be driven on.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error("the status is not written")]
    Status(#[source] Error),
    #[error("the pod is not deleted")]
    Delete(#[source] Error),
}

impl Agent {
    /// Notes a change of pods and touches those that changed.
    pub(crate) fn apply(&self, change: Change) {
        match change {
            Change::Reset { objects, .. } => {
                let listed: HashSet<&Key> = objects.iter().map(|document| &document.key).collect();
                let known: Vec<Key> = self.pods.lock().uids.keys().cloned().collect();
                known.iter().filter(|key| !listed.contains(key)).for_each(|key| self.gone(key));
                objects.iter().for_each(|document| self.put(document));
            }
            Change::Put(document) => self.put(&document),
            Change::Gone { key, .. } => self.gone(&key),
            Change::Progress(_) => {}
        }
    }

    fn put(&self, document: &Document) {
        match Pod::decode(&document.bytes, document.revision) {
            Ok(pod) if !self.hosts.contains_key(&pod.node) => {}
            Ok(pod) => {
                let uid = pod.uid.clone();
                let replaced = self.pods.lock().uids.get(&pod.key).is_some_and(|old| *old != uid);
                if replaced {
                    self.gone(&pod.key);
                }
                if self.pods.lock().put(pod) {
                    self.queue.touch(uid, Instant::now());
                }
            }
            Err(error) => tracing::warn!(pod = %document.key, %error, "cannot be read"),
        }
    }

    fn gone(&self, key: &Key) {
        let mut pods = self.pods.lock();
        let Some(uid) = pods.uids.remove(key) else { return };
        if let Some(known) = pods.by_uid.get_mut(&uid) {
            known.gone = true;
        }
        drop(pods);
        self.queue.touch(uid, Instant::now());
    }

    /// Drives one due pod one turn; for ever.
    pub(crate) async fn work(&self) {
        loop {
            let uid = self.queue.take().await;
            let again = self.turn(&uid).await.unwrap_or_else(|failure| {
                let failure: &dyn std::error::Error = &failure;
                tracing::warn!(%uid, failure, "will be tried again");
                Some(Instant::now() + RETRY)
            });
            if let Some(at) = again {
                self.queue.touch(uid.clone(), at);
            }
            self.queue.done(&uid);
        }
    }

    async fn turn(&self, uid: &Arc<str>) -> Result<Option<Instant>, Failure> {
        let Some((pod, gone)) = self.pods.lock().get(uid) else { return Ok(None) };
        if gone {
            return self.clear(&pod).await;
        }
        let (observed, again) = self.settle(&pod).await?;
        let news = self.news(&pod, &observed);
        if let Some(status) = &news {
            self.write(&pod, status).await?;
        }
        if has_left(&pod, &observed) {
            self.delete(&pod).await?;
            return Ok(None);
        }
        // What the write was answered with may be more than what was written: the next turn sees it.
        let changed = news.map(|_| Instant::now());
        Ok(changed.or(again.map(instant)))
    }

    /// Performs until nothing is left to do now; what there is then, and when to look again.
    async fn settle(&self, pod: &Pod) -> Result<(Observed, Option<Time>), Failure> {
        let mut observed = self.runtime.observe(pod, Time::now()).await?;
        for _ in 0..ROUNDS {
            let now = Time::now();
            let plan = plan(pod, &observed, now);
            if plan.effects.is_empty() {
                let again = plan.again.into_iter().chain(observed.look_again).min();
                return Ok((observed, again));
            }
            for effect in &plan.effects {
                self.runtime.perform(pod, effect, now).await?;
            }
            observed = self.runtime.observe(pod, Time::now()).await?;
        }
        Ok((observed, Some(Time::now() + RETRY)))
    }

    /// Removes what is left of a pod that the API no longer has.
    async fn clear(&self, pod: &Pod) -> Result<Option<Instant>, Failure> {
        for _ in 0..ROUNDS {
            let now = Time::now();
            let bare = Pod { status: Status::default(), ..pod.clone() };
            let observed = self.runtime.observe(&bare, now).await?;
            let effects = plan_gone(&observed, now).effects;
            if effects.is_empty() && observed.is_still() {
                self.pods.lock().forget(&pod.uid);
                return Ok(None);
            }
            for effect in &effects {
                self.runtime.perform(pod, effect, now).await?;
            }
        }
        Ok(Some(Instant::now() + RETRY))
    }

    /// The patch of the status, if there is anything new to tell.
    fn news(&self, pod: &Pod, observed: &Observed) -> Option<serde_json::Value> {
        let host = self.hosts.get(&pod.node)?;
        report(pod, observed, host, Time::now()).patch_from(&pod.status)
    }

    async fn write(&self, pod: &Pod, status: &serde_json::Value) -> Result<(), Failure> {
        let patch = json!({"metadata": {"uid": &*pod.uid}, "status": status});
        match self.client.patch(&self.kind, &pod.key, Some("status"), PatchType::Strategic, &patch).await {
            Ok(written) => {
                if let Ok(written) = Pod::from_value(&written) {
                    self.pods.lock().put(written);
                }
                Ok(())
            }
            Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
            Err(error) => Err(Failure::Status(error)),
        }
    }

    async fn delete(&self, pod: &Pod) -> Result<(), Failure> {
        let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": &*pod.uid}});
        match self.client.delete(&self.kind, &pod.key, &options).await {
            Err(error) if !error.is_not_found() && !error.is_conflict() => Err(Failure::Delete(error)),
            _ => Ok(()),
        }
    }
}

impl Pods {
    fn get(&self, uid: &str) -> Option<(Arc<Pod>, bool)> {
        self.by_uid.get(uid).map(|known| (known.pod.clone(), known.gone))
    }

    /// Keeps the pod unless a newer one is known; whether it did.
    fn put(&mut self, mut pod: Pod) -> bool {
        let known = self.by_uid.get(&pod.uid);
        if known.is_some_and(|known| known.gone || known.pod.revision >= pod.revision) {
            return false;
        }
        match self.specs.get(&pod.spec) {
            Some(shared) => pod.spec = shared.clone(),
            None => drop(self.specs.insert(pod.spec.clone())),
        }
        self.uids.insert(pod.key.clone(), pod.uid.clone());
        self.by_uid.insert(pod.uid.clone(), Known { pod: Arc::new(pod), gone: false });
        true
    }

    fn forget(&mut self, uid: &str) {
        self.by_uid.remove(uid);
        if self.specs.len() > 256 && self.specs.len() > self.by_uid.len() {
            self.specs.retain(|spec| Arc::strong_count(spec) > 1);
        }
    }
}

/// A wall-clock time on the runtime's clock; a little later, so that it has come for sure.
fn instant(at: Time) -> Instant {
    let left = Duration::try_from(at.duration_since(Time::now())).unwrap_or(Duration::ZERO);
    Instant::now() + left + Duration::from_millis(1)
}
