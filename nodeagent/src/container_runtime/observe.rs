//! What there is of a pod: containerd's records by label, the pinned namespaces, the images at hand.

use std::time::Duration;

use containerd::{Found, TaskState};
use object::Time;

use super::pods::{End, Mirror};
use super::{Attempt, ContainerRuntime, UID, chain, is_alive};
use crate::observed::{ContainerState, Observed, ObservedContainer, Sandbox, SandboxState};
use crate::pod::Pod;
use crate::pod_config;
use crate::probes::{ProbeResult, Reported, Target};
use crate::runtime::RuntimeError;
use crate::status::Terminated;

/// Why a container ended that took more memory than it may.
const OOM_KILLED: &str = "OOMKilled";
/// Label: name of the container.
const CONTAINER: &str = "io.kubernetes.container.name";
/// Label: which attempt at the container.
const ATTEMPT: &str = "berth.dev/attempt";
/// Label: restarts in a row before this attempt.
const STREAK: &str = "berth.dev/streak";

/// How long the last output of a container that ended is waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// The exit code of a container whose end nobody saw, as upstream has it.
const UNSEEN: i32 = 255;

/// The exit code of a container whose process could not be started, as upstream has it.
const UNSTARTED: i32 = 128;

impl ContainerRuntime {
    pub(super) async fn look(&self, pod: &Pod) -> Result<Observed, RuntimeError> {
        let found = self.found(pod).await?;
        let sandbox = self.sandbox_of(pod);
        if sandbox.as_ref().is_some_and(Sandbox::is_ready) {
            self.refresh_if_due(pod).await;
            if let Err(error) = self.weigh(pod).await {
                tracing::warn!(pod = %pod.key, error = %chain(&error), "its class has not its weight");
            }
        }
        self.examine_the_ended(pod, &found).await;
        let containers = self.containers(pod, &found, &self.pods.mirror(&pod.uid));
        let images = self.images_of(pod, &containers).await?;
        // The look at the images may have told what containers run.
        let containers = self.containers(pod, &found, &self.pods.mirror(&pod.uid));
        let running: Vec<&str> =
            found.iter().filter(|found| is_alive(&found.state)).map(|found| found.id.as_str()).collect();
        self.prober.keep(&pod.uid, &running);
        Ok(Observed { sandbox, containers, images, ..Observed::default() })
    }

    fn containers(&self, pod: &Pod, found: &[Found], mirror: &Mirror) -> Vec<ObservedContainer> {
        found.iter().filter_map(|found| self.container(pod, found, mirror)).collect()
    }

    /// The pod's records: those last seen, unless something happened since.
    pub(super) async fn found(&self, pod: &Pod) -> Result<Vec<Found>, RuntimeError> {
        if let Some(found) = self.pods.fresh(&pod.uid) {
            return Ok(found);
        }
        let seen = self.pods.begin_look(&pod.uid);
        let found = self.engine.find(UID, &pod.uid).await;
        let mut found = found.map_err(|e| RuntimeError::new("ContainerStatusUnknown", chain(&e)))?;
        found.retain(is_ours);
        self.pods.keep(&pod.uid, seen, &found);
        Ok(found)
    }

    fn sandbox_of(&self, pod: &Pod) -> Option<Sandbox> {
        let since = self.dirs.made(&pod.uid)?;
        let (ips, whole) = match pod.spec.host_network {
            true => (Vec::new(), true),
            false => {
                let ips = self.network.addresses(&pod.uid);
                (ips.iter().map(ToString::to_string).collect(), !ips.is_empty())
            }
        };
        let pinned = network::Sandbox::find(&self.dirs.sandbox(&pod.uid)).is_some();
        let state = if pinned && whole { SandboxState::Ready } else { SandboxState::Lost };
        Some(Sandbox { state, ips, since })
    }

    fn container(&self, pod: &Pod, found: &Found, mirror: &Mirror) -> Option<ObservedContainer> {
        let name = found.labels.get(CONTAINER)?.clone();
        let image_id = mirror.image_ids.get(&found.image).cloned().unwrap_or_default();
        Some(ObservedContainer {
            attempt: number(found, ATTEMPT),
            streak: number(found, STREAK),
            id: reported_id(found),
            image_id,
            state: self.state(pod, &name, found, mirror),
            name,
        })
    }

    fn state(&self, pod: &Pod, name: &str, found: &Found, mirror: &Mirror) -> ContainerState {
        match &found.state {
            TaskState::Running | TaskState::Paused => {
                let since = began(pod, name, found, mirror).unwrap_or(found.created);
                let probed = self.probed(pod, name, found, since);
                let stopping = mirror.stopping.get(&found.id).map(|stop| stop.deadline);
                ContainerState::Running {
                    since,
                    started: probed.started,
                    ready: probed.ready,
                    failing: probed.failing,
                    stopping,
                }
            }
            // One that was made is started in the same breath: it waits only after a crash in between.
            TaskState::Created => ContainerState::Created,
            TaskState::None => match mirror.unstarted.get(&found.id) {
                Some(why) => unstarted(found, why),
                None if is_unbegun(pod, name, found, mirror) => ContainerState::Created,
                None => self.lost(pod, name, found, mirror),
            },
            TaskState::Exited { code, at } => self.ended(pod, name, found, mirror, (*code as i32, *at)),
        }
    }

    fn ended(
        &self,
        pod: &Pod,
        name: &str,
        found: &Found,
        mirror: &Mirror,
        (code, at): (i32, Option<Time>),
    ) -> ContainerState {
        let end = mirror.ends.get(&found.id).cloned().unwrap_or_default();
        // The group goes with the pod's sandbox: after that, and a restart of the agent, the status alone knows.
        let reported = || reported_end(pod, name, found).is_some_and(|end| end.reason == OOM_KILLED);
        let reason = match (end.oom_killed || reported(), code) {
            (true, _) => OOM_KILLED,
            (false, 0) => "Completed",
            (false, _) => "Error",
        };
        let since = began(pod, name, found, mirror).unwrap_or(found.created);
        ContainerState::Exited {
            code,
            since: Some(since),
            // what nobody saw the end of ended with the machine, or its shim, at a time after it began
            at: at.unwrap_or_else(|| since.max(self.census.booted())),
            reason: reason.to_owned(),
            message: end.message,
        }
    }

    /// A container whose task is lost, with its shim or by a reboot: it ended as was reported, or else nobody knows how.
    fn lost(&self, pod: &Pod, name: &str, found: &Found, mirror: &Mirror) -> ContainerState {
        match reported_end(pod, name, found) {
            Some(end) => ContainerState::Exited {
                code: end.exit_code,
                since: end.started_at,
                at: end.finished_at.unwrap_or(found.created),
                reason: end.reason.clone(),
                message: end.message.clone(),
            },
            None => {
                let mut ended = self.ended(pod, name, found, mirror, (UNSEEN, None));
                if let ContainerState::Exited { reason, .. } = &mut ended
                    && reason != OOM_KILLED
                {
                    *reason = "Unknown".to_owned();
                }
                ended
            }
        }
    }
}

impl Attempt {
    /// What a record says, if it is one of ours.
    pub(super) fn of(found: &Found) -> Option<Self> {
        Some(Self {
            container: found.labels.get(CONTAINER)?.clone(),
            attempt: found.labels.get(ATTEMPT)?.parse().ok()?,
            id: found.id.clone(),
            runs: found.state == TaskState::Running,
        })
    }
}

/// A container's id, as the status has it.
fn reported_id(found: &Found) -> String {
    format!("containerd://{}", found.id)
}

/// How a container ended, as was reported.
fn reported_end<'a>(pod: &'a Pod, name: &str, found: &Found) -> Option<&'a Terminated> {
    let id = reported_id(found);
    let states =
        pod.status.container(name).into_iter().flat_map(|status| [&status.state, &status.last_state]);
    states.filter_map(|state| state.terminated.as_ref()).find(|end| end.container_id == id)
}

/// When a container began: as this agent saw it, or as one before it reported.
fn began(pod: &Pod, name: &str, found: &Found, mirror: &Mirror) -> Option<Time> {
    let reported = || {
        let status = pod.status.container(name).filter(|status| status.container_id == reported_id(found))?;
        let ended = status.state.terminated.as_ref().and_then(|ended| ended.started_at);
        status.state.running.as_ref().and_then(|running| running.started_at).or(ended)
    };
    mirror.started.get(&found.id).copied().or_else(reported)
}

/// Whether a container is made and was never started. Of one without a task that is so as far as anyone knows: a crash
/// came in between. An attempt before the one that the status counts had its time.
pub(super) fn is_unbegun(pod: &Pod, name: &str, found: &Found, mirror: &Mirror) -> bool {
    match found.state {
        TaskState::Created => true,
        TaskState::None => {
            let id = reported_id(found);
            let reported = pod.status.container(name).is_some_and(|status| {
                let before = status.last_state.terminated.as_ref();
                status.container_id == id
                    || before.is_some_and(|before| before.container_id == id)
                    || number(found, ATTEMPT) < status.restart_count
            });
            !reported && !mirror.started.contains_key(&found.id)
        }
        _ => false,
    }
}

/// The number in a label, 0 if absent.
fn number(found: &Found, label: &str) -> u32 {
    found.labels.get(label).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Whether a container is one that this agent makes: others may share its labels.
pub(super) fn is_ours(found: &Found) -> bool {
    found.labels.contains_key(ATTEMPT)
}

/// A container whose process could not be started, in upstream's words.
fn unstarted(found: &Found, why: &str) -> ContainerState {
    ContainerState::Exited {
        code: UNSTARTED,
        since: None,
        at: found.created,
        reason: "StartError".to_owned(),
        message: why.to_owned(),
    }
}

impl ContainerRuntime {
    /// What its probes say of a running container; begins with them where nobody asked yet.
    fn probed(&self, pod: &Pod, name: &str, found: &Found, since: Time) -> ProbeResult {
        let probes = pod.container(name).map_or(&[][..], |container| &container.probes);
        if probes.is_empty() {
            return ProbeResult::UNASKED;
        }
        let ips = if pod.spec.host_network { self.census.ips() } else { self.network.addresses(&pod.uid) };
        let id = reported_id(found);
        let reported = pod.status.container(name).filter(|status| status.container_id == id);
        let target = Target {
            pod: pod.uid.clone(),
            container: name.into(),
            id: found.id.as_str().into(),
            age: Duration::try_from(Time::now().duration_since(since)).unwrap_or_default(),
            ip: ips.first().map(ToString::to_string).unwrap_or_default(),
            reported: reported.map(|s| Reported { started: s.started, ready: s.ready }),
            ending: pod.deletion.is_some(),
        };
        self.prober.watch(&target, probes)
    }

    /// Reads what the attempts left that ended, once, when all that they wrote is there.
    async fn examine_the_ended(&self, pod: &Pod, found: &[Found]) {
        let known = self.pods.mirror(&pod.uid).ends;
        let ended = |found: &&Found| matches!(found.state, TaskState::Exited { .. });
        for found in found.iter().filter(ended).filter(|found| !known.contains_key(&found.id)) {
            let mut complete = self.engine.log_ended(&found.id);
            let complete = async { drop(complete.wait_for(|complete| *complete).await) };
            let _in_time = tokio::time::timeout(LAST_WORDS, complete).await;
            let end = self.end_of(pod, found).await.unwrap_or_default();
            self.pods.update(&pod.uid, |mirror| drop(mirror.ends.insert(found.id.clone(), end)));
        }
    }

    async fn end_of(&self, pod: &Pod, found: &Found) -> Option<End> {
        let TaskState::Exited { code, .. } = found.state else { return None };
        let name = found.labels.get(CONTAINER)?.clone();
        let attempt = found.labels.get(ATTEMPT).and_then(|text| text.parse().ok()).unwrap_or(0);
        let (document, dirs) = (self.document(pod).ok()?, self.dirs.pod(&pod.uid).ok()?);
        let (logs, cgroups, uid, id) =
            (self.dirs.logs.clone(), self.cgroups.clone(), pod.uid.clone(), found.id.clone());
        let read = move || {
            let container = pod_config::container_named(&document, &name)?;
            let file = pod_config::termination_file(&dirs, &name, attempt)?;
            let log = pod_config::log_path(&logs, &document, &name, attempt);
            let message = pod_config::termination_message(container, &file, &log, code as i32);
            let oom_killed =
                cgroups.oom_killed(&uid, pod_config::qos(&document), &id).unwrap_or_else(|error| {
                    tracing::warn!(pod = &*uid, error = chain(&error), "cannot tell whether memory ran out");
                    false
                });
            Some(End { message, oom_killed })
        };
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }
}
