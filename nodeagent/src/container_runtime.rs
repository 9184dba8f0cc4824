//! The runtime of a real machine: containers by containerd, in namespaces that are pinned without a process.
//!
//! What is observed comes from containerd's records, the pinned namespaces and the addresses given out; events make
//! what was last seen stale. Each file below has one part of the way of a pod.

mod collect;
mod dirs;
mod fetch;
mod hook;
mod images;
mod observe;
mod pods;
mod sandbox;
mod start;
mod stop;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use client::Client;
use client::events::Severity;
use containerd::{Containerd, Event, Registries, TaskState};
use futures::StreamExt;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1::Pod as Document;
use kinds::Kinds;
use network::{PodNetwork, Services};
use object::{Key, Time};
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use crate::census::HostCensus;
use crate::cgroups::{CgroupError, Cgroups};
use crate::notes::Note;
use crate::observed::Observed;
use crate::plan::Effect;
use crate::pod::Pod;
use crate::pod_config::{self, ClusterDns};
use crate::probes::{News, Prober};
use crate::runtime::{Held, Runtime, RuntimeError};

pub use collect::ImageCollection;
pub(crate) use dirs::Dirs;
use fetch::Tokens;
use images::Pulls;
use observe::is_ours;
use pods::Pods;

/// How often volumes show what changed in their sources.
const REFRESH: Duration = Duration::from_secs(60);
/// How long the last processes of a control group may take to end.
const ENDS: Duration = Duration::from_secs(5);
/// Changes that wait for the agent.
const CHANGES: usize = 1024;
/// Label of a container: its pod's UID.
pub(crate) const UID: &str = "io.kubernetes.pod.uid";
const POD: &str = "io.kubernetes.pod.name";
const NAMESPACE: &str = "io.kubernetes.pod.namespace";

/// What the runtime works with.
pub(crate) struct Surroundings {
    /// containerd.
    pub(crate) engine: Containerd,
    /// The pod network.
    pub(crate) network: Arc<PodNetwork>,
    /// The API, as the node.
    pub(crate) client: Client,
    /// The table of kinds.
    pub(crate) kinds: Arc<Kinds>,
    /// Directories.
    pub(crate) dirs: Dirs,
    /// Control groups.
    pub(crate) cgroups: Cgroups,
    /// The services, as the host leads to them.
    pub(crate) services: watch::Receiver<Arc<Services>>,
    /// What is known of the node.
    pub(crate) census: Arc<HostCensus>,
    /// The domain of the cluster's names.
    pub(crate) domain: String,
    /// How registries are reached.
    pub(crate) registries: Registries,
    /// How often users are told how far a pull has come.
    pub(crate) progress: Duration,
}

/// Runs pods by containerd.
pub(crate) struct ContainerRuntime {
    around: Surroundings,
    prober: Prober,
    pods: Pods,
    /// What the pods of the burstable class ask for in thousandths of a CPU, 0 for those of other classes, by UID.
    /// Locked while the weight of the class is set, and never across an await.
    burstable: Arc<Mutex<HashMap<Arc<str>, i64>>>,
    pulls: Arc<Pulls>,
    tokens: Tokens,
    touch: mpsc::Sender<Arc<str>>,
    /// Taken by the one who heeds them.
    touched: Mutex<Option<mpsc::Receiver<Arc<str>>>>,
    news: Mutex<Option<BoxStream<'static, News>>>,
    tell: mpsc::Sender<Remark>,
    told: Mutex<Option<mpsc::Receiver<Remark>>>,
}

/// What users are to be told of the pod with this UID.
type Remark = (Arc<str>, Note);

/// Tells users of a pod, unless too much waits to be told.
fn say(tell: &mpsc::Sender<Remark>, uid: &Arc<str>, note: Note) {
    if tell.try_send((uid.clone(), note)).is_err() {
        tracing::warn!(%uid, "an event is lost: too many wait");
    }
}

impl std::ops::Deref for ContainerRuntime {
    type Target = Surroundings;

    fn deref(&self) -> &Surroundings {
        &self.around
    }
}

impl ContainerRuntime {
    /// A runtime in these surroundings; [`ContainerRuntime::keep`] must run beside it.
    pub(crate) fn new(around: Surroundings) -> Self {
        let (prober, news) = Prober::new(Arc::new(hook::InContainer(around.engine.clone())));
        let (touch, touched) = mpsc::channel(CHANGES);
        let (tell, told) = mpsc::channel(CHANGES);
        Self {
            around,
            prober,
            pods: Pods::default(),
            burstable: Arc::default(),
            pulls: Arc::default(),
            tokens: Tokens::default(),
            touch,
            touched: Mutex::new(Some(touched)),
            news: Mutex::new(Some(news)),
            tell,
            told: Mutex::new(Some(told)),
        }
    }

    /// Hears what containerd tells and keeps logs and volumes going, for ever.
    pub(crate) async fn keep(self: Arc<Self>) {
        let mut events = self.engine.events();
        let mut refresh = tokio::time::interval(REFRESH);
        refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(event) = events.next() => self.hear(event).await,
                _ = refresh.tick() => self.look_around().await,
            }
        }
    }

    async fn hear(&self, event: Event) {
        let owner = match &event {
            Event::Reconnected => {
                if let Err(error) = self.engine.resume().await {
                    tracing::warn!(error = chain(&error), "logs are not followed yet");
                }
                None
            }
            Event::Exited { id, .. } => self.pods.owner(id),
            Event::Deleted { id } => match self.pods.owner(id) {
                Some(uid) => Some(uid),
                None => return,
            },
            // What we start ourselves is looked at then.
            Event::Created { .. } | Event::Started { .. } => return,
        };
        let touched = match owner {
            Some(uid) => {
                self.pods.stale(&uid);
                vec![uid]
            }
            None => self.pods.all_stale(),
        };
        self.touch(touched).await;
    }

    async fn touch(&self, uids: Vec<Arc<str>>) {
        for uid in uids {
            let _heard = self.touch.send(uid).await;
        }
    }

    /// Finds what events did not tell, and makes volumes due.
    async fn look_around(&self) {
        match self.engine.list().await {
            Ok(mut all) => {
                all.retain(is_ours);
                self.touch(self.pods.compare(&all)).await;
            }
            Err(error) => tracing::warn!(error = chain(&error), "containers are not compared"),
        }
        self.touch(self.pods.make_due()).await;
    }

    /// What probes and hooks noticed; told once, to one reader.
    pub(crate) fn remarks(&self) -> BoxStream<'static, Remark> {
        let (Some(news), Some(told)) = (self.news.lock().take(), self.told.lock().take()) else {
            return futures::stream::pending().boxed();
        };
        let touch = self.touch.clone();
        let noticed = news.filter_map(move |news| remark(touch.clone(), news));
        let told = futures::stream::unfold(told, async |mut told| Some((told.recv().await?, told)));
        futures::stream::select(noticed, told).boxed()
    }

    /// A pod's whole document.
    pub(crate) fn document(&self, pod: &Pod) -> Result<Document, RuntimeError> {
        serde_json::from_slice(&pod.document).map_err(|e| {
            RuntimeError::new("CreateContainerConfigError", format!("the pod cannot be read: {e}"))
        })
    }

    fn dns(&self) -> ClusterDns {
        ClusterDns {
            servers: vec![self.network.gateway().to_string()],
            domain: self.domain.clone(),
            host: crate::resolv::host(),
        }
    }
}

#[async_trait]
impl Runtime for ContainerRuntime {
    async fn observe(&self, pod: &Pod, _now: Time) -> Result<Observed, RuntimeError> {
        self.look(pod).await
    }

    async fn held(&self) -> Result<Vec<Held>, RuntimeError> {
        let unknown = |e: &dyn std::error::Error| RuntimeError::new("ContainerStatusUnknown", chain(e));
        let mut held = self.dirs.held().map_err(|e| unknown(&e))?;
        for found in self.engine.list().await.map_err(|e| unknown(&e))? {
            let label = |name: &str| found.labels.get(name).cloned().unwrap_or_default();
            let uid = label(UID);
            if is_ours(&found) && self.dirs.pod(&uid).is_ok() && !held.iter().any(|(known, _)| *known == uid)
            {
                held.push((uid, Key::new(label(NAMESPACE), label(POD))));
            }
        }
        Ok(held.into_iter().map(|(uid, key)| Held { uid: uid.into(), key }).collect())
    }

    async fn perform(&self, pod: &Pod, effect: &Effect, now: Time) -> Result<(), RuntimeError> {
        match effect {
            Effect::PullImage { image } => {
                self.pull(pod, image);
                Ok(())
            }
            Effect::CreateSandbox => self.make_sandbox(pod).await,
            Effect::StartContainer { name, attempt, streak } => {
                self.start(pod, name, *attempt, *streak).await
            }
            Effect::StopContainer { name, attempt, grace, .. } => {
                self.stop(pod, name, *attempt, *grace, now).await
            }
            Effect::RemoveContainer { name, attempt } => self.remove_container(pod, name, *attempt).await,
            Effect::RemoveSandbox => self.remove_sandbox(&pod.uid).await,
        }
    }

    async fn forget(&self, pod: &Pod) -> Result<(), RuntimeError> {
        self.prober.keep(&pod.uid, &[]);
        self.remove_sandbox(&pod.uid).await?;
        self.remove_files(&pod.uid).await?;
        self.tokens.forget(&pod.uid);
        self.pulls.forget(&pod.uid);
        self.pods.forget(&pod.uid);
        Ok(())
    }

    fn changes(&self) -> BoxStream<'static, Arc<str>> {
        let Some(touched) = self.touched.lock().take() else { return futures::stream::pending().boxed() };
        futures::stream::unfold(touched, async |mut touched| Some((touched.recv().await?, touched))).boxed()
    }
}

impl ContainerRuntime {
    async fn remove_container(&self, pod: &Pod, name: &str, attempt: u32) -> Result<(), RuntimeError> {
        let id = pod_config::container_id(&pod.uid, name, attempt);
        let deleted = self.engine.delete(&id).await;
        self.pods.stale(&pod.uid);
        self.pods.update(&pod.uid, |mirror| {
            mirror.started.remove(&id);
            mirror.unstarted.remove(&id);
        });
        deleted.map_err(|e| RuntimeError::new("FailedKillPod", chain(&e)))?;
        let logs = self.dirs.pod_logs(&pod.key, &pod.uid).join(name);
        let message = pod_config::termination_file(&self.dirs.pod(&pod.uid)?, name, attempt);
        let dirs = self.dirs.clone();
        blocking(move || {
            let failed = |e: std::io::Error| RuntimeError::new("FailedKillPod", e);
            message.map_or(Ok(()), |file| dirs::gone_is_well(std::fs::remove_file(file))).map_err(failed)?;
            dirs.remove_log(&logs, attempt).map_err(failed)
        })
        .await
    }

    /// The attempts at a pod's containers, as they are now: for readers beside the one who works on the pod.
    pub(crate) async fn attempts(&self, pod: &Pod) -> Result<Vec<Attempt>, RuntimeError> {
        let found = self.engine.find(UID, &pod.uid).await;
        let found = found.map_err(|e| RuntimeError::new("ContainerStatusUnknown", chain(&e)))?;
        Ok(found.iter().filter_map(Attempt::of).collect())
    }
}

/// An attempt at a container.
pub(crate) struct Attempt {
    /// Name of the container.
    pub(crate) container: String,
    /// Which attempt.
    pub(crate) attempt: u32,
    /// Id in containerd.
    pub(crate) id: String,
    /// Whether its process runs.
    pub(crate) runs: bool,
}

/// What is told of a probe's news; a pod whose result changed is looked at.
async fn remark(touch: mpsc::Sender<Arc<str>>, news: News) -> Option<Remark> {
    match news {
        News::Changed { pod } => {
            let _heard = touch.send(pod).await;
            None
        }
        News::Event { pod, container, reason, message } => {
            Some((pod, Note::of(&container, Severity::Warning, reason, message)))
        }
    }
}

/// Work on files, away from the threads that must not wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RuntimeError> + Send + 'static,
) -> Result<T, RuntimeError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(RuntimeError::new("Failed", e)))
}

/// An error with what led to it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Removes the containers, sandboxes and files of all pods of this machine. Addresses go with the pod network.
pub(crate) async fn reset(engine: &Containerd, dirs: &Dirs, cgroups: &Cgroups) -> Result<(), RuntimeError> {
    fn failed(e: &dyn std::error::Error) -> RuntimeError {
        RuntimeError::new("FailedKillPod", chain(e))
    }
    let found = engine.list().await.map_err(|e| failed(&e))?;
    let ours: Vec<_> = found.into_iter().filter(is_ours).collect();
    futures::future::join_all(ours.iter().map(|found| engine.kill(&found.id, 9, true))).await;
    for found in &ours {
        delete_ended(engine, &found.id).await.map_err(|e| failed(&e))?;
    }
    for (uid, _) in dirs.held().map_err(|e| failed(&e))? {
        dirs.set_unmade(&uid).map_err(|e| failed(&e))?;
        network::Sandbox::remove(&dirs.sandbox(&uid)).await.map_err(|e| failed(&e))?;
        let (dirs, cgroups) = (dirs.clone(), cgroups.clone());
        blocking(move || {
            remove_cgroups(&cgroups, &uid).map_err(|e| failed(&e))?;
            crate::volumes::remove(&dirs.pod(&uid)?).map_err(|e| failed(&e))?;
            dirs.remove_logs(&uid).map_err(|e| failed(&e))?;
            dirs.release(&uid).map_err(|e| failed(&e))
        })
        .await?;
    }
    let cgroups = cgroups.clone();
    blocking(move || cgroups.remove_all(ENDS).map_err(|e| failed(&e))).await
}

/// Deletes a container that was killed, once it has ended.
async fn delete_ended(engine: &Containerd, id: &str) -> Result<(), containerd::Error> {
    let deadline = tokio::time::Instant::now() + ENDS;
    while engine.get(id).await?.is_some_and(|found| is_alive(&found.state)) {
        if tokio::time::Instant::now() > deadline {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    engine.delete(id).await
}

/// Whether a container's process lives.
fn is_alive(state: &TaskState) -> bool {
    matches!(state, TaskState::Created | TaskState::Running | TaskState::Paused)
}

/// Removes a pod's control group, of whatever class it was.
fn remove_cgroups(cgroups: &Cgroups, uid: &str) -> Result<(), CgroupError> {
    for (_, class) in cgroups.pods()?.into_iter().filter(|(owner, _)| owner == uid) {
        cgroups.remove_pod(uid, class, ENDS)?;
    }
    Ok(())
}
