//! Drives pods through a runtime: observe, decide, perform, report. One pod is never driven twice at once.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use cache::{Change, Document};
use client::{Client, Error};
use drive::WorkQueue;
use kinds::Kind;
use object::{Key, PatchType, Status as ApiStatus, Time};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::known::Pods;
use crate::measures::{self, Operation};
use crate::notes::{self, Note, Telling};
use crate::observed::Observed;
use crate::plan::{Effect, has_left, plan, plan_gone};
use crate::pod::Pod;
use crate::report::{Host, report};
use crate::runtime::{Held, Runtime, RuntimeError};
use crate::status::Status;
use crate::troubles::Troubles;

/// How often a pod is planned again within one turn.
const ROUNDS: usize = 8;
/// How long the API may take.
const PATIENCE: Duration = Duration::from_secs(5);
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
    /// Where it goes what users are to be told of their pods; none where the pods are too many to tell.
    pub(crate) notes: Option<mpsc::Sender<Telling>>,
    /// Whether the runtime needs the pods' documents.
    pub(crate) keep_documents: bool,
    /// Locked for a look-up or an update, never across an await.
    pub(crate) pods: Mutex<Pods>,
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
                let known = self.pods.lock().keys();
                known.iter().filter(|key| !listed.contains(key)).for_each(|key| self.gone(key));
                objects.iter().for_each(|document| self.put(document));
            }
            Change::Put(document) => self.put(&document),
            Change::Gone { key, .. } => self.gone(&key),
            Change::Progress(_) => {}
        }
        // of a machine's own pods there are few
        if self.keep_documents {
            measures::PODS.set(i64::try_from(self.pods.lock().running()).unwrap_or(i64::MAX));
        }
    }

    /// Takes on what the runtime holds of pods that the API no longer has, so that it is cleared away. Call it once
    /// the pods that the API has are known.
    pub(crate) async fn adopt(&self) -> Result<(), RuntimeError> {
        for Held { uid, key } in self.runtime.held().await? {
            if self.pods.lock().adopt(key.clone(), &uid) {
                tracing::info!(pod = %key, %uid, "is gone: its remains are cleared away");
                self.queue.touch(uid, Instant::now());
            }
        }
        Ok(())
    }

    fn put(&self, document: &Document) {
        match Pod::decode(&document.bytes, document.revision) {
            Ok(pod) if !self.hosts.contains_key(&pod.node) => {}
            Ok(mut pod) => {
                if self.keep_documents {
                    pod.document = document.bytes.clone();
                }
                let uid = pod.uid.clone();
                let replaced = self.pods.lock().uid(&pod.key).is_some_and(|old| *old != uid);
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
        let gone = self.pods.lock().gone(key);
        if let Some(uid) = gone {
            self.queue.touch(uid, Instant::now());
        }
    }

    /// Drives one due pod after the other, each one turn, until it is to stop.
    pub(crate) async fn work(&self, mut stopped: watch::Receiver<bool>) {
        loop {
            let uid = tokio::select! {
                biased;
                _ = stopped.wait_for(|stop| *stop) => return,
                uid = self.queue.take() => uid,
            };
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
        let (pod, observed, again) = self.settle(pod).await?;
        let told = self.tell(&pod, &observed).await?;
        if has_left(&pod, &observed) {
            self.delete(&pod).await?;
            return Ok(None);
        }
        // What the write was answered with may be more than what was written: the next turn sees it.
        Ok(told.or(again.map(instant)))
    }

    /// Performs until nothing is left to do now; the pod as last seen, what there is of it, and when to look again.
    async fn settle(&self, mut pod: Arc<Pod>) -> Result<(Arc<Pod>, Observed, Option<Time>), Failure> {
        let mut observed = self.observe(&pod).await?;
        for _ in 0..ROUNDS {
            // What it shall be may have changed while it was worked on.
            match self.pods.lock().get(&pod.uid) {
                Some((newer, false)) => pod = newer,
                _ => break,
            }
            let now = Time::now();
            let mut plan = plan(&pod, &observed, now);
            self.pods.lock().troubles(&pod.uid, |troubles| troubles.hold_back(&mut plan, now));
            // How a pod ended is told while its addresses are still known.
            let ends = plan.effects.contains(&Effect::RemoveSandbox) && pod.deletion.is_none();
            if ends && self.news(&pod, &observed).is_some() {
                return Ok((pod, observed, Some(now)));
            }
            if plan.effects.is_empty() {
                let again = plan.again.into_iter().chain(observed.look_again).min();
                return Ok((pod, observed, again));
            }
            let failed = self.perform(&pod, &plan.effects, now).await;
            observed = self.observe(&pod).await?;
            if failed {
                break;
            }
        }
        Ok((pod, observed, Some(Time::now() + RETRY)))
    }

    /// Performs effects; whether one failed that is not held back by itself.
    async fn perform(&self, pod: &Pod, effects: &[Effect], now: Time) -> bool {
        let mut failed = false;
        for effect in effects {
            let (operation, begun) = (Operation::of(effect), Instant::now());
            let outcome = self.runtime.perform(pod, effect, now).await;
            measures::OPERATIONS.get_or_create(&operation).observe(begun.elapsed().as_secs_f64());
            if outcome.is_err() {
                measures::ERRORS.get_or_create(&operation).inc();
            }
            if self.notes.is_some() {
                self.note(pod, notes::of_effect(effect, &outcome));
            }
            if let Err(error) = &outcome {
                tracing::warn!(pod = %pod.key, ?effect, %error, "failed");
                failed |= !Troubles::covers(effect);
            }
            self.pods.lock().troubles(&pod.uid, |troubles| troubles.note(effect, &outcome, Time::now()));
        }
        failed
    }

    async fn observe(&self, pod: &Pod) -> Result<Observed, Failure> {
        let mut observed = self.runtime.observe(pod, Time::now()).await?;
        self.pods.lock().troubles(&pod.uid, |troubles| observed.troubles = troubles.told());
        Ok(observed)
    }

    /// Removes what is left of a pod that the API no longer has.
    async fn clear(&self, pod: &Pod) -> Result<Option<Instant>, Failure> {
        let bare = Pod { status: Status::default(), ..pod.clone() };
        for _ in 0..ROUNDS {
            let now = Time::now();
            let observed = self.runtime.observe(&bare, now).await?;
            let effects = plan_gone(&observed, now).effects;
            if effects.is_empty() && observed.is_still() {
                self.runtime.forget(pod).await?;
                self.pods.lock().forget(&pod.uid);
                return Ok(None);
            }
            if effects.is_empty() {
                break;
            }
            for effect in &effects {
                self.runtime.perform(pod, effect, now).await?;
            }
        }
        Ok(Some(Instant::now() + RETRY))
    }

    /// The status and the patch that brings the API's to it, where it says anything new.
    fn news(&self, pod: &Pod, observed: &Observed) -> Option<(Status, serde_json::Value)> {
        let status = report(pod, observed, self.hosts.get(&pod.node)?, Time::now());
        let patch = status.patch_from(&pod.status)?;
        Some((status, patch))
    }

    /// Writes the status where it says anything new; then when to look again.
    async fn tell(&self, pod: &Pod, observed: &Observed) -> Result<Option<Instant>, Failure> {
        let Some((status, patch)) = self.news(pod, observed) else { return Ok(None) };
        let digest = digest(&patch);
        if let Some(until) = self.pods.lock().said(&pod.uid, digest, RETRY) {
            return Ok(Some(until));
        }
        if self.notes.is_some() {
            self.note(pod, notes::of_change(pod, &status));
        }
        if !in_time(self.write(pod, &patch)).await.map_err(Failure::Status)? {
            return Ok(Some(Instant::now() + RETRY));
        }
        self.pods.lock().say(&pod.uid, digest);
        Ok(Some(Instant::now()))
    }

    /// Has users told. What cannot be told in time is lost: no work waits for it.
    fn note(&self, pod: &Pod, notes: Vec<Note>) {
        let Some(sender) = &self.notes else { return };
        for note in notes {
            if sender.try_send((note.about(pod), note)).is_err() {
                tracing::warn!(pod = %pod.key, "an event is lost: too many wait");
            }
        }
    }

    /// Has users told what was seen of a pod outside its turns.
    pub(crate) fn remark(&self, uid: &str, note: Note) {
        let known = self.pods.lock().get(uid);
        if let Some((pod, false)) = known {
            self.note(&pod, vec![note]);
        }
    }

    /// The pod of this key, if it is one of ours.
    pub(crate) fn find(&self, key: &Key) -> Option<Arc<Pod>> {
        self.pods.lock().find(key).cloned()
    }

    /// Writes the status; whether the API has the pod and took it.
    async fn write(&self, pod: &Pod, status: &serde_json::Value) -> Result<bool, Error> {
        let patch = json!({"metadata": {"uid": &*pod.uid}, "status": status});
        match self.client.patch(&self.kind, &pod.key, Some("status"), PatchType::Strategic, &patch).await {
            Ok(written) => {
                if let Ok(mut written) = Pod::from_value(&written) {
                    if !self.keep_documents {
                        written.document.clear();
                    }
                    self.pods.lock().put(written);
                }
                Ok(true)
            }
            Err(error) if error.is_not_found() || error.is_conflict() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, pod: &Pod) -> Result<(), Failure> {
        let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": &*pod.uid}});
        match in_time(self.client.delete(&self.kind, &pod.key, &options)).await {
            Err(error) if !error.is_not_found() && !error.is_conflict() => Err(Failure::Delete(error)),
            _ => Ok(()),
        }
    }
}

/// An answer of the API, for which no pod's work waits longer than [`PATIENCE`].
async fn in_time<T>(request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(PATIENCE, request)
        .await
        .unwrap_or_else(|_| Err(Error::from(ApiStatus::timeout("the API did not answer in time"))))
}

fn digest(patch: &serde_json::Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    patch.hash(&mut hasher);
    hasher.finish()
}

/// A wall-clock time on the runtime's clock; a little later, so that it has come for sure.
fn instant(at: Time) -> Instant {
    let left = Duration::try_from(at.duration_since(Time::now())).unwrap_or(Duration::ZERO);
    Instant::now() + left + Duration::from_millis(1)
}
