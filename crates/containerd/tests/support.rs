//! What the tests share.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use containerd::testing::{Form, Rig, archive};
use containerd::{ContainerSpec, Containerd, Found, TaskState};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep};

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
const PATIENCE: Duration = Duration::from_secs(30);

/// A rig with a client.
pub struct World {
    pub containerd: Containerd,
    pub rig: Rig,
    _turn: MutexGuard<'static, ()>,
}

impl World {
    /// An empty one.
    pub async fn empty() -> World {
        let turn = ONE_AT_A_TIME.lock().await;
        let rig = Rig::start().await.unwrap();
        World { containerd: Containerd::new(rig.options()).unwrap(), rig, _turn: turn }
    }

    /// One with the image `box:1`.
    pub async fn new() -> World {
        let world = World::empty().await;
        let path = world.path("box.tar");
        archive(&path, Form::Oci, "box:1").unwrap();
        world.containerd.import(&path).await.unwrap();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.rig.directory().join(name)
    }

    /// A container that runs a script, with a log.
    pub fn script(&self, id: &str, script: &str) -> ContainerSpec {
        ContainerSpec {
            id: id.into(),
            image: "box:1".into(),
            group: "pod".into(),
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            log: Some(self.path("logs").join(id).join("0.log")),
            labels: [("pod".to_owned(), format!("of/{id}"))].into(),
            cgroup: format!("{}/{id}", self.rig.cgroup()),
            ..ContainerSpec::default()
        }
    }

    pub async fn run(&self, spec: &ContainerSpec) {
        self.containerd.create(spec).await.unwrap();
        self.containerd.start(&spec.id).await.unwrap();
    }

    pub async fn found(&self, id: &str) -> Option<Found> {
        self.containerd.get(id).await.unwrap()
    }

    /// Waits for a container's end: its exit code.
    pub async fn exit(&self, id: &str) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.found(id).await.map(|found| found.state) {
                Some(TaskState::Exited { code, .. }) => return code,
                state => assert!(Instant::now() < deadline, "{id} does not end: {state:?}"),
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// A container's whole output as `stream tag text` per line.
    pub async fn log(&self, id: &str) -> Vec<String> {
        let mut ended = self.containerd.log_ended(id);
        tokio::time::timeout(PATIENCE, ended.wait_for(|ended| *ended)).await.unwrap().unwrap();
        self.log_now(id)
    }

    pub fn log_now(&self, id: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path("logs").join(id).join("0.log")).unwrap_or_default();
        text.split_terminator('\n').map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
    }

    /// Waits until a container's log has this line.
    pub async fn logged(&self, id: &str, line: &str) {
        eventually(line, || self.log_now(id).iter().any(|other| other == line)).await;
    }
}

pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
