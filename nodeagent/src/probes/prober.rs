//! Drives the probes of all containers: one task for each that has any.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::checks::{Checks, ProbeResult};
use super::exec::ExecProbe;
use super::spec::Probe;
use super::watcher::Watcher;

/// News that wait for a reader; then the probes wait.
const NEWS: usize = 1024;

/// A running attempt at a container, and how to ask it.
#[derive(Clone, Debug)]
pub struct Target {
    /// UID of its pod.
    pub pod: Arc<str>,
    /// Name of the container.
    pub container: Arc<str>,
    /// Id of this attempt, as [`ExecProbe::exec`] gets it.
    pub id: Arc<str>,
    /// How long it has been running.
    pub age: Duration,
    /// The pod's address; the node's, where the pod has the node's network.
    pub ip: String,
    /// What was last reported of this very attempt, from which a new agent goes on.
    pub reported: Option<Reported>,
    /// Whether the pod is being deleted: only readiness is asked for from then on.
    pub ending: bool,
}

/// What the status said of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Whether it had come up.
    pub started: bool,
    /// Whether it served.
    pub ready: bool,
}

/// What probes have to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The result of a container of this pod changed: the pod should be looked at.
    Changed {
        /// UID of the pod.
        pod: Arc<str>,
    },
    /// An event, of type `Warning`.
    Event {
        /// UID of the pod.
        pod: Arc<str>,
        /// Name of the container.
        container: Arc<str>,
        /// `Unhealthy` or `ProbeWarning`.
        reason: &'static str,
        /// A sentence.
        message: String,
    },
}

/// Runs probes. Dropping it ends them.
pub struct Prober {
    exec: Arc<dyn ExecProbe>,
    began: Instant,
    news: mpsc::Sender<News>,
    /// Containers by the pod's UID and their own id. Locked for a look-up or an update, never across an await.
    watched: Mutex<HashMap<Arc<str>, Containers>>,
}

/// Containers of one pod, by id.
type Containers = HashMap<Arc<str>, Watched>;

struct Watched {
    checks: Arc<Mutex<Checks>>,
    task: AbortHandle,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Prober {
    /// A prober, and what it has to tell; probes wait for a reader that does not keep up.
    pub fn new(exec: Arc<dyn ExecProbe>) -> (Self, BoxStream<'static, News>) {
        let (news, told) = mpsc::channel(NEWS);
        let told = futures::stream::unfold(told, async |mut told| Some((told.recv().await?, told)));
        (Self { exec, began: Instant::now(), news, watched: Mutex::default() }, told.boxed())
    }

    /// What the probes of a running container say by now; begins with them where they do not run yet. Needs to
    /// be called in a tokio runtime.
    pub fn watch(&self, target: &Target, probes: &[Probe]) -> ProbeResult {
        if probes.is_empty() {
            return ProbeResult::UNASKED;
        }
        let mut watched = self.watched.lock();
        let pod = watched.entry(target.pod.clone()).or_default();
        let watched = pod.entry(target.id.clone()).or_insert_with(|| self.begin(target, probes));
        let mut checks = watched.checks.lock();
        if target.ending {
            checks.end();
        }
        checks.result()
    }

    /// Ends the probes of all containers of a pod but these: of those that stopped, or of the whole pod.
    pub fn keep(&self, pod: &str, ids: &[&str]) {
        let mut watched = self.watched.lock();
        let Some(containers) = watched.get_mut(pod) else { return };
        containers.retain(|id, _| ids.contains(&&**id));
        if containers.is_empty() {
            watched.remove(pod);
        }
    }

    fn begin(&self, target: &Target, probes: &[Probe]) -> Watched {
        // Containers found running when the agent began are not asked all at once.
        let found = target.age > self.began.elapsed();
        let delay = |period: Duration| if found { period.mul_f64(rand::random()) } else { Duration::ZERO };
        let checks = Checks::new(target.container.clone(), probes, target.age, target.reported, delay);
        let checks = Arc::new(Mutex::new(checks));
        let watcher = Watcher {
            target: target.clone(),
            checks: checks.clone(),
            since: Instant::now(),
            exec: self.exec.clone(),
            news: self.news.clone(),
        };
        Watched { checks, task: tokio::spawn(watcher.run()).abort_handle() }
    }
}
