//! A runtime that runs nothing: pods go through their phases by delays, for scale tests and simulation.
//!
//! Annotations steer it: `fake.berth.dev/exit-code` lets containers end with that code after
//! `fake.berth.dev/run-for` seconds, `init-exit-code` says how init containers end, `never-ready` and
//! `image-missing` say what they say. An image whose name contains `missing` cannot be pulled either.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::Ipv4Addr;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::SignedDuration;
use object::{Key, Time};
use parking_lot::Mutex;

use crate::observed::{
    ContainerState, Image, ImageState, Observed, ObservedContainer, Sandbox, SandboxState,
};
use crate::plan::Effect;
use crate::pod::{Pod, PullPolicy};
use crate::runtime::{Held, Runtime, RuntimeError};

/// How long things take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delays {
    /// Pulling an image.
    pub pull: SignedDuration,
    /// Making a sandbox.
    pub sandbox: SignedDuration,
    /// From start to ready.
    pub ready: SignedDuration,
    /// How long an init container, or one with an exit code, runs where the pod does not say.
    pub run: SignedDuration,
    /// From being told to stop to the end; never longer than the grace.
    pub stop: SignedDuration,
}

/// A runtime that runs nothing.
pub struct FakeRuntime {
    delays: Delays,
    /// Locked for the length of one operation, never across an await.
    world: Mutex<World>,
}

#[derive(Default)]
struct World {
    pods: HashMap<Arc<str>, FakePod>,
    /// Addresses that were given back.
    free: BTreeSet<u32>,
    /// Addresses never given out begin here.
    next: u32,
}

#[derive(Default)]
struct FakePod {
    key: Key,
    sandbox: Option<FakeSandbox>,
    containers: Vec<FakeContainer>,
    pulls: Vec<Pull>,
}

struct FakeSandbox {
    address: u32,
    since: Time,
    ready: Time,
}

struct FakeContainer {
    name: String,
    attempt: u32,
    streak: u32,
    since: Time,
    ready: Option<Time>,
    /// By itself or because it was told to stop: (when, code, told).
    end: Option<(Time, i32, bool)>,
}

struct Pull {
    image: String,
    done: Time,
    fails: bool,
    failures: u32,
}

const FIRST_ADDRESS: u32 = u32::from_be_bytes([10, 88, 0, 2]);

impl FakeRuntime {
    /// A runtime in which everything takes these delays.
    pub fn new(delays: Delays) -> Self {
        Self { delays, world: Mutex::new(World { next: FIRST_ADDRESS, ..World::default() }) }
    }

    fn start(&self, pod: &Pod, fake: &mut FakePod, name: &str, attempt: u32, streak: u32, now: Time) {
        if fake.containers.iter().any(|c| c.name == name && c.attempt == attempt) {
            return;
        }
        let init = pod.spec.init.iter().any(|c| c.name == name && !c.is_sidecar());
        let hint = |name: &str| pod.hints.get(name).map(String::as_str);
        let code = match init {
            true => Some(hint("init-exit-code").and_then(|code| code.parse().ok()).unwrap_or(0)),
            false => hint("exit-code").and_then(|code| code.parse().ok()),
        };
        let run =
            hint("run-for").and_then(|s| s.parse().ok()).map_or(self.delays.run, SignedDuration::from_secs);
        let never = hint("never-ready") == Some("true");
        fake.containers.push(FakeContainer {
            name: name.to_owned(),
            attempt,
            streak,
            since: now,
            ready: (!never).then_some(now + self.delays.ready),
            end: code.map(|code| (now + run, code, false)),
        });
    }

    fn pull(&self, pod: &Pod, fake: &mut FakePod, image: &str, now: Time) {
        let fails = is_missing(pod, image);
        let done = now + self.delays.pull;
        match fake.pulls.iter_mut().find(|pull| pull.image == image) {
            Some(pull) if pull.done <= now => {
                let failures = if pull.fails { pull.failures + 1 } else { 1 };
                (pull.done, pull.failures, pull.fails) = (done, failures, fails);
            }
            Some(_) => {}
            None => fake.pulls.push(Pull { image: image.to_owned(), done, fails, failures: 1 }),
        }
    }

    fn stop(&self, fake: &mut FakePod, name: &str, attempt: u32, grace: SignedDuration, now: Time) {
        const KILLED: i32 = 137;
        let Some(container) = fake.containers.iter_mut().find(|c| c.name == name && c.attempt == attempt)
        else {
            return;
        };
        let (takes, code) = if self.delays.stop <= grace { (self.delays.stop, 0) } else { (grace, KILLED) };
        if container.end.is_none_or(|(at, ..)| at > now + takes) {
            container.end = Some((now + takes, code, true));
        }
    }
}

#[async_trait]
impl Runtime for FakeRuntime {
    async fn observe(&self, pod: &Pod, now: Time) -> Result<Observed, RuntimeError> {
        let mut world = self.world.lock();
        if !world.pods.contains_key(&pod.uid) {
            world.adopt(pod);
        }
        Ok(world.pods.get(&pod.uid).map(|fake| fake.observe(pod, now)).unwrap_or_default())
    }

    async fn held(&self) -> Result<Vec<Held>, RuntimeError> {
        let held = |(uid, fake): (&Arc<str>, &FakePod)| Held { uid: uid.clone(), key: fake.key.clone() };
        Ok(self.world.lock().pods.iter().map(held).collect())
    }

    async fn forget(&self, pod: &Pod) -> Result<(), RuntimeError> {
        self.world.lock().pods.remove(&pod.uid);
        Ok(())
    }

    async fn perform(&self, pod: &Pod, effect: &Effect, now: Time) -> Result<(), RuntimeError> {
        let mut world = self.world.lock();
        if *effect == Effect::CreateSandbox {
            world.create_sandbox(pod, now, now + self.delays.sandbox);
            return Ok(());
        }
        if *effect == Effect::RemoveSandbox {
            world.remove_sandbox(pod);
            return Ok(());
        }
        let fake = world.of(pod);
        match effect {
            Effect::PullImage { image } => self.pull(pod, fake, image, now),
            Effect::StartContainer { name, attempt, streak } => {
                self.start(pod, fake, name, *attempt, *streak, now)
            }
            Effect::StopContainer { name, attempt, grace, .. } => {
                self.stop(fake, name, *attempt, *grace, now)
            }
            Effect::RemoveContainer { name, attempt } => {
                fake.containers.retain(|c| !(c.name == *name && c.attempt == *attempt));
            }
            Effect::CreateSandbox | Effect::RemoveSandbox => {}
        }
        world.forget_if_empty(&pod.uid);
        Ok(())
    }

    fn changes(&self) -> BoxStream<'static, Arc<str>> {
        futures::stream::pending().boxed()
    }
}

impl World {
    fn of(&mut self, pod: &Pod) -> &mut FakePod {
        let fresh = || FakePod { key: pod.key.clone(), ..FakePod::default() };
        self.pods.entry(pod.uid.clone()).or_insert_with(fresh)
    }

    fn create_sandbox(&mut self, pod: &Pod, since: Time, ready: Time) {
        if self.pods.get(&pod.uid).is_some_and(|fake| fake.sandbox.is_some()) {
            return;
        }
        let address = self.free.pop_first().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        self.of(pod).sandbox = Some(FakeSandbox { address, since, ready });
    }

    fn remove_sandbox(&mut self, pod: &Pod) {
        let Some(fake) = self.pods.get_mut(&pod.uid) else { return };
        if let Some(sandbox) = fake.sandbox.take() {
            self.free.insert(sandbox.address);
        }
        self.forget_if_empty(&pod.uid);
    }

    fn forget_if_empty(&mut self, uid: &Arc<str>) {
        if self
            .pods
            .get(uid)
            .is_some_and(|fake| fake.sandbox.is_none() && fake.containers.is_empty() && fake.pulls.is_empty())
        {
            self.pods.remove(uid);
        }
    }

    /// Takes over a pod that an agent before this one reported as living: what its status says is what is.
    fn adopt(&mut self, pod: &Pod) {
        let Some(address) = pod.status.pod_ips.first().and_then(|ip| ip.ip.parse::<Ipv4Addr>().ok()) else {
            return;
        };
        let statuses = pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses);
        let containers: Vec<_> = statuses.filter_map(adopted).collect();
        if pod.status.phase.is_terminal() || containers.is_empty() {
            return;
        }
        let address = self.claim(u32::from(address));
        let sandbox = Some(FakeSandbox { address, since: Time::UNIX_EPOCH, ready: Time::UNIX_EPOCH });
        let images = pod.spec.init.iter().chain(&pod.spec.containers).map(|c| c.image.clone());
        let pulls =
            images.map(|image| Pull { image, done: Time::UNIX_EPOCH, fails: false, failures: 0 }).collect();
        let key = pod.key.clone();
        self.pods.insert(pod.uid.clone(), FakePod { key, sandbox, containers, pulls });
    }

    /// Marks an address as given out.
    fn claim(&mut self, address: u32) -> u32 {
        if address >= self.next && address - self.next < 1 << 16 {
            self.free.extend(self.next..address);
            self.next = address + 1;
        }
        self.free.remove(&address);
        address
    }
}

fn adopted(status: &crate::status::ContainerStatus) -> Option<FakeContainer> {
    let (since, end) = match (&status.state.running, &status.state.terminated) {
        (Some(running), _) => (running.started_at, None),
        (None, Some(ended)) => (ended.started_at, Some((ended.finished_at?, ended.exit_code, false))),
        (None, None) => {
            let ended = status.last_state.terminated.as_ref()?;
            (ended.started_at, Some((ended.finished_at?, ended.exit_code, false)))
        }
    };
    Some(FakeContainer {
        name: status.name.clone(),
        attempt: status.restart_count,
        streak: status.restart_count,
        since: since?,
        ready: status.ready.then_some(Time::UNIX_EPOCH),
        end,
    })
}

impl FakePod {
    fn observe(&self, pod: &Pod, now: Time) -> Observed {
        let sandbox = self.sandbox.as_ref().map(|sandbox| Sandbox {
            state: if sandbox.ready <= now { SandboxState::Ready } else { SandboxState::Coming },
            ips: vec![Ipv4Addr::from(sandbox.address).to_string()],
            since: sandbox.since,
        });
        Observed {
            sandbox,
            containers: self.containers.iter().map(|c| c.observe(pod, now)).collect(),
            images: self.pulls.iter().map(|pull| pull.observe(now)).chain(self.built_in(pod)).collect(),
            troubles: Vec::new(),
            look_again: self.moments().filter(|moment| *moment > now).min(),
        }
    }

    /// Images that are there without a pull: those that may not be pulled, unless they are said to be missing.
    fn built_in(&self, pod: &Pod) -> impl Iterator<Item = Image> {
        let containers = pod.spec.init.iter().chain(&pod.spec.containers);
        let asked = |image: &str| self.pulls.iter().any(|pull| pull.image == image);
        containers
            .filter(|c| c.pull == PullPolicy::Never && !is_missing(pod, &c.image))
            .filter(move |c| !asked(&c.image))
            .map(|c| Image {
                name: c.image.clone(),
                state: ImageState::Present { id: image_id(&c.image), pulled: None },
            })
    }

    /// When something changes by itself.
    fn moments(&self) -> impl Iterator<Item = Time> {
        let sandbox = self.sandbox.iter().map(|sandbox| sandbox.ready);
        let pulls = self.pulls.iter().map(|pull| pull.done);
        let containers =
            self.containers.iter().flat_map(|c| c.ready.into_iter().chain(c.end.map(|end| end.0)));
        sandbox.chain(pulls).chain(containers)
    }
}

impl FakeContainer {
    fn observe(&self, pod: &Pod, now: Time) -> ObservedContainer {
        let spec = pod.spec.init.iter().chain(&pod.spec.containers).find(|c| c.name == self.name);
        ObservedContainer {
            name: self.name.clone(),
            attempt: self.attempt,
            streak: self.streak,
            id: format!("fake://{}", digest(&(&pod.uid, &self.name, self.attempt))),
            image_id: spec.map(|c| image_id(&c.image)).unwrap_or_default(),
            state: self.state(now),
        }
    }

    fn state(&self, now: Time) -> ContainerState {
        match self.end {
            Some((at, code, _)) if at <= now => ContainerState::Exited {
                code,
                since: Some(self.since),
                at,
                reason: if code == 0 { "Completed" } else { "Error" }.to_owned(),
                message: String::new(),
            },
            end => ContainerState::Running {
                since: self.since,
                started: true,
                ready: self.ready.is_some_and(|ready| ready <= now),
                stopping: end.filter(|(.., told)| *told).map(|(at, ..)| at),
                failing: None,
            },
        }
    }
}

impl Pull {
    fn observe(&self, now: Time) -> Image {
        let state = match (self.done <= now, self.fails) {
            (false, _) => ImageState::Pulling,
            (true, false) => ImageState::Present { id: image_id(&self.image), pulled: Some(self.done) },
            (true, true) => ImageState::Failed {
                reason: "ErrImagePull".to_owned(),
                message: format!("failed to pull image {:?}: not found", self.image),
                at: self.done,
                failures: self.failures,
            },
        };
        Image { name: self.image.clone(), state }
    }
}

fn is_missing(pod: &Pod, image: &str) -> bool {
    image.contains("missing") || pod.hints.contains_key("image-missing")
}

fn image_id(image: &str) -> String {
    format!("{image}@sha256:{}", digest(&image))
}

/// 64 hexadecimal digits that look like a digest.
fn digest(of: &impl Hash) -> String {
    let part = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, of).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    };
    (0..4).map(part).collect()
}
