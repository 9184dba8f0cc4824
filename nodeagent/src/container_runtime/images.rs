//! The images at hand, and pulls of those that are not.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use client::Client;
use client::events::Severity;
use containerd::{Containerd, Credentials, Progress, Pulled, Registries};
use futures::FutureExt;
use kinds::Kinds;
use object::{Key, Time};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use super::{ContainerRuntime, Remark, chain, say};
use crate::notes::Note;
use crate::observed::{ContainerState, Image, ImageState, ObservedContainer};
use crate::pod::{Pod, PullPolicy};
use crate::pull_secrets;
use crate::runtime::RuntimeError;

/// Images that are pulled at a time.
const AT_A_TIME: usize = 5;

/// How the last pull of each image went, or goes. Locked for a look-up or an update, never across an await.
pub(super) struct Pulls {
    pulls: Mutex<HashMap<Wanted, Pull>>,
    /// Pods for which an image was pulled, until they start it.
    fresh: Mutex<HashSet<(Arc<str>, String)>>,
    turns: Semaphore,
}

impl Default for Pulls {
    fn default() -> Self {
        Self { pulls: Mutex::default(), fresh: Mutex::default(), turns: Semaphore::new(AT_A_TIME) }
    }
}

/// An image as a pod asks for it: with its secrets it may be had where it may not be without.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Wanted {
    /// As the container names it.
    image: String,
    /// Names of secrets and their namespace, where there are any.
    secrets: Vec<String>,
    namespace: String,
}

impl Wanted {
    fn of(pod: &Pod, image: &str) -> Self {
        let secrets = pod.spec.pull_secrets.clone();
        let namespace = if secrets.is_empty() { String::new() } else { pod.key.namespace.clone() };
        Self { image: image.to_owned(), secrets, namespace }
    }
}

#[derive(Clone)]
enum Pull {
    /// Under way, for these pods; failures in a row before.
    Running {
        waiting: Vec<Arc<str>>,
        failures: u32,
    },
    Done {
        at: Time,
    },
    Failed {
        at: Time,
        message: String,
        failures: u32,
    },
}

impl Pulls {
    /// Notes that a pod asks for an image; the failures before where nobody pulls it yet.
    fn begin(&self, wanted: &Wanted, uid: &Arc<str>) -> Option<u32> {
        let mut pulls = self.pulls.lock();
        let failures = match pulls.get_mut(wanted) {
            Some(Pull::Running { waiting, .. }) => {
                if !waiting.contains(uid) {
                    waiting.push(uid.clone());
                }
                return None;
            }
            Some(Pull::Failed { failures, .. }) => *failures,
            Some(Pull::Done { .. }) | None => 0,
        };
        pulls.insert(wanted.clone(), Pull::Running { waiting: vec![uid.clone()], failures });
        Some(failures)
    }

    /// Notes how a pull ended; the pods that wait for it.
    fn end(&self, wanted: &Wanted, outcome: &Result<Pulled, containerd::Error>) -> Vec<Arc<str>> {
        let at = Time::now();
        let mut pulls = self.pulls.lock();
        let (waiting, failures) = match pulls.remove(wanted) {
            Some(Pull::Running { waiting, failures }) => (waiting, failures),
            _ => (Vec::new(), 0),
        };
        let now = match outcome {
            Ok(_) => Pull::Done { at },
            Err(error) => Pull::Failed { at, message: chain(error), failures: failures + 1 },
        };
        pulls.insert(wanted.clone(), now);
        if outcome.is_ok() {
            self.fresh.lock().extend(waiting.iter().map(|uid| (uid.clone(), wanted.image.clone())));
        }
        waiting
    }

    /// Whether an image was pulled for a pod that starts it now.
    pub(super) fn was_fresh(&self, pod: &Pod, image: &str) -> bool {
        self.fresh.lock().remove(&(pod.uid.clone(), image.to_owned()))
    }

    /// Forgets how pulls of an image went that is no longer there; `name` is its full one.
    pub(super) fn forget_image(&self, name: &str) {
        let other = |image: &str| containerd::canonical(image).is_ok_and(|full| full != name);
        let running = |pull: &Pull| matches!(pull, Pull::Running { .. });
        self.pulls.lock().retain(|wanted, pull| running(pull) || other(&wanted.image));
    }

    /// Forgets what was kept for a pod.
    pub(super) fn forget(&self, uid: &Arc<str>) {
        self.fresh.lock().retain(|(of, _)| of != uid);
    }
}

impl ContainerRuntime {
    /// Begins to pull an image for a pod, unless somebody does already.
    pub(super) fn pull(&self, pod: &Pod, image: &str) {
        let wanted = Wanted::of(pod, image);
        if self.pulls.begin(&wanted, &pod.uid).is_none() {
            return;
        }
        let container = pod.spec.init.iter().chain(&pod.spec.containers).find(|c| c.image == image);
        let order = Order {
            wanted,
            uid: pod.uid.clone(),
            namespace: pod.key.namespace.clone(),
            container: container.map(|container| container.name.clone()).unwrap_or_default(),
            engine: self.engine.clone(),
            registries: self.registries.clone(),
            progress: self.progress,
            client: self.client.clone(),
            kinds: self.kinds.clone(),
            pulls: self.pulls.clone(),
            tell: self.tell.clone(),
            touch: self.touch.clone(),
        };
        tokio::spawn(order.carry_out());
    }

    /// The images of a pod's containers, where a decision or the status needs them.
    pub(super) async fn images_of(
        &self,
        pod: &Pod,
        containers: &[ObservedContainer],
    ) -> Result<Vec<Image>, RuntimeError> {
        let running = |name: &str| {
            let latest = containers.iter().filter(|c| c.name == name).max_by_key(|c| c.attempt);
            latest.filter(|c| matches!(c.state, ContainerState::Running { .. }) && !c.image_id.is_empty())
        };
        let mut images = Vec::<Image>::new();
        for container in pod.spec.init.iter().chain(&pod.spec.containers) {
            if images.iter().any(|image| image.name == container.image) {
                continue;
            }
            // What runs has its image: nobody needs to be asked.
            match running(&container.name) {
                Some(running) => images.push(self.known(pod, &container.image, &running.image_id)),
                None => images.extend(self.image_state(pod, &container.image).await?),
            }
        }
        Ok(images)
    }

    fn known(&self, pod: &Pod, name: &str, id: &str) -> Image {
        let pulled = match self.pulls.pulls.lock().get(&Wanted::of(pod, name)) {
            Some(Pull::Done { at }) => Some(*at),
            _ => None,
        };
        Image { name: name.to_owned(), state: ImageState::Present { id: id.to_owned(), pulled } }
    }

    async fn image_state(&self, pod: &Pod, name: &str) -> Result<Option<Image>, RuntimeError> {
        let image = |state| Some(Image { name: name.to_owned(), state });
        if let Err(invalid) = containerd::canonical(name) {
            let (reason, message) = ("InvalidImageName".to_owned(), invalid.to_string());
            let message = format!("Failed to apply default image tag {name:?}: {message}");
            return Ok(image(ImageState::Failed { reason, message, at: Time::now(), failures: 1 }));
        }
        let found = self.engine.image(name).await;
        let found = found.map_err(|e| RuntimeError::new("ErrImagePull", chain(&e)))?;
        let all = pod.spec.init.iter().chain(&pod.spec.containers);
        let always = all.filter(|c| c.image == name).any(|c| c.pull == PullPolicy::Always);
        let pull = self.pulls.pulls.lock().get(&Wanted::of(pod, name)).cloned();
        // An older one will not do where each start asks for the newest.
        let will_do =
            found.filter(|_| !always || !matches!(pull, Some(Pull::Running { .. } | Pull::Failed { .. })));
        if let Some(found) = will_do {
            let pulled = match pull {
                Some(Pull::Done { at }) => Some(at),
                _ => None,
            };
            self.pods.update(&pod.uid, |mirror| {
                mirror.image_ids.insert(found.name.clone(), found.id.clone());
            });
            return Ok(image(ImageState::Present { id: found.id, pulled }));
        }
        Ok(match pull {
            Some(Pull::Running { .. }) => {
                self.pulls.begin(&Wanted::of(pod, name), &pod.uid);
                image(ImageState::Pulling)
            }
            Some(Pull::Failed { at, message, failures }) => {
                image(ImageState::Failed { reason: "ErrImagePull".to_owned(), message, at, failures })
            }
            Some(Pull::Done { .. }) | None => None,
        })
    }
}

/// A pull to be done, and all that it takes.
struct Order {
    wanted: Wanted,
    /// The pod that asked first: its users are told.
    uid: Arc<str>,
    namespace: String,
    container: String,
    engine: Containerd,
    registries: Registries,
    /// How often users are told how far it has come.
    progress: Duration,
    client: Client,
    kinds: Arc<Kinds>,
    pulls: Arc<Pulls>,
    tell: mpsc::Sender<Remark>,
    touch: mpsc::Sender<Arc<str>>,
}

impl Order {
    async fn carry_out(self) {
        let asked = Instant::now();
        let image = &self.wanted.image;
        self.say(Severity::Normal, "Pulling", format!("Pulling image {image:?}"));
        let turn = self.pulls.turns.acquire().await;
        let credentials = self.credentials().await;
        let (begun, progress) = (Instant::now(), Progress::default());
        let outcome = {
            // A panic must not leave the pods waiting for ever: it is a pull that failed.
            let pull = self.engine.pull(image, &self.registries, &credentials, &progress);
            let pull = AssertUnwindSafe(pull).catch_unwind();
            tokio::pin!(pull);
            loop {
                match tokio::time::timeout(self.progress, &mut pull).await {
                    Ok(outcome) => break outcome.unwrap_or_else(|_| Err(self.broken_off())),
                    Err(_) => self.say_progress(&progress),
                }
            }
        };
        drop(turn);
        if outcome.is_ok() {
            let size = self.engine.image(image).await.ok().flatten().map_or(0, |image| image.size);
            let (took, whole) = (go_duration(begun.elapsed()), go_duration(asked.elapsed()));
            let message = format!(
                "Successfully pulled image {image:?} in {took} ({whole} including waiting). Image size: {size} bytes."
            );
            self.say(Severity::Normal, "Pulled", message);
        }
        for uid in self.pulls.end(&self.wanted, &outcome) {
            let _heard = self.touch.send(uid).await;
        }
    }

    fn broken_off(&self) -> containerd::Error {
        let reason = "the pull broke off by a fault of the node's agent, whose log has more".to_owned();
        containerd::Error::Pull { image: self.wanted.image.clone(), reason }
    }

    fn say(&self, severity: Severity, reason: &'static str, message: String) {
        say(&self.tell, &self.uid, Note::of(&self.container, severity, reason, message));
    }

    fn say_progress(&self, progress: &Progress) {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let (done, total) = progress.get();
        if total > 0 {
            let (image, done, total) = (&self.wanted.image, megabytes(done), megabytes(total));
            let message = format!("Pulling image {image:?}: {done:.1} MB of {total:.1} MB are here");
            self.say(Severity::Normal, "Pulling", message);
        }
    }

    /// What the pod's secrets say of the image's registry, the closest first.
    async fn credentials(&self) -> Vec<Credentials> {
        let Some(kind) = self.kinds.resource("", "secrets") else { return Vec::new() };
        let (mut secrets, mut missing) = (Vec::new(), Vec::new());
        for name in &self.wanted.secrets {
            match self.client.get(kind, &Key::new(self.namespace.as_str(), name.as_str())).await {
                Ok(secret) => secrets.push(secret),
                Err(error) => {
                    tracing::debug!(secret = name, error = chain(&error), "a pull secret is not there");
                    missing.push(name.as_str());
                }
            }
        }
        if !missing.is_empty() {
            let message = format!(
                "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
                missing.join(", ")
            );
            self.say(Severity::Warning, "FailedToRetrieveImagePullSecret", message);
        }
        pull_secrets::credentials(&secrets, &self.wanted.image)
    }
}

/// A duration in Go's notation, to the millisecond: `850ms`, `1.25s`, `1m2.5s`.
fn go_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let seconds = |millis: u128| {
        let text = format!("{}.{:03}", millis / 1000, millis % 1000);
        format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match millis {
        0..1000 => format!("{millis}ms"),
        1000..60_000 => seconds(millis),
        _ => format!("{}m{}", millis / 60_000, seconds(millis % 60_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check =
            |millis: u64, expected: &str| assert_eq!(go_duration(Duration::from_millis(millis)), expected);
        check(0, "0ms");
        check(850, "850ms");
        check(1250, "1.25s");
        check(60_000, "1m0s");
        check(62_500, "1m2.5s");
    }
}
