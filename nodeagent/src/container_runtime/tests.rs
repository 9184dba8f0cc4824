//! The suite on real containers. The test runs itself once more, inside the namespaces of a rig: what the runtime does
//! to its host, it does there.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use containerd::Registries;
use containerd::testing::{self, Registry, Security, TestImage};
use futures::StreamExt;
use network::{PodNetwork, PodNetworkOptions};
use object::Time;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{ContainerRuntime, Dirs, Surroundings};
use crate::census::HostCensus;
use crate::cgroups::{Cgroups, Hierarchies, NodeResources};
use crate::notes::Note;
use crate::plan::Effect;
use crate::runtime::Runtime;
use crate::suite::{self, Rig};
use crate::world::World;

/// Holds the image that can be pulled.
const REGISTRY: &str = "BERTH_TEST_REGISTRY";
/// Tells the inner run that it is one: directory and control group of the rig.
const DIRECTORY: &str = "BERTH_TEST_DIRECTORY";
const CGROUP: &str = "BERTH_TEST_CGROUP";

#[test]
fn passes_the_suite() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match (std::env::var_os(DIRECTORY), std::env::var(CGROUP)) {
        (Some(directory), Ok(cgroup)) => runtime.block_on(inside(Path::new(&directory), &cgroup)),
        _ => runtime.block_on(outside()),
    }
}

async fn outside() {
    let rig = testing::Rig::start().await.expect("containerd, as root");
    put_runc(&rig);
    let mut registry = Registry::prepare(rig.directory()).unwrap();
    registry.push("suite", "1", &TestImage::new().unwrap()).unwrap();
    let much = TestImage::with(testing::ARCHITECTURE, &[("much", noise(MUCH))]).unwrap();
    registry.push("much", "1", &much).unwrap();
    registry.run(rig.command("docker-registry"), &Security::None).unwrap();
    let program = std::env::current_exe().unwrap();
    let output = rig
        .command(&program.display().to_string())
        .args(["container_runtime::tests::passes_the_suite", "--exact", "--nocapture"])
        .env(DIRECTORY, rig.directory())
        .env(CGROUP, rig.cgroup())
        .env(REGISTRY, registry.place())
        .output()
        .unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
}

async fn inside(directory: &Path, cgroup: &str) {
    let mut rig = RealRig { runtime: runtime(directory, cgroup).await };
    tokio::spawn(rig.runtime.clone().keep());
    suite::run(&mut rig).await;
    std::fs::write(directory.join(HANG), "").unwrap();
    suite::a_start_that_hangs_is_given_up(&mut rig).await;
    assert!(!directory.join(HANG).exists(), "it did hang");
    a_pull_that_takes_long_tells_how_far_it_is(&rig.runtime).await;
}

/// Bytes of the large image's own layer.
const MUCH: usize = 8 << 20;

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

async fn a_pull_that_takes_long_tells_how_far_it_is(runtime: &ContainerRuntime) {
    let (go, goes) = watch::channel(false);
    let place = held_up(std::env::var(REGISTRY).expect("set by the outer run"), goes).await;
    let image = format!("{place}/much:1");
    let pod = suite::pod_of("slow", &image);
    runtime.perform(&pod, &Effect::PullImage { image: image.clone() }, Time::now()).await.unwrap();
    let mut remarks = runtime.remarks();
    let mut seen = Vec::<String>::new();
    // No more than half of it comes until this has been told.
    while !seen.iter().filter_map(|message| far(message)).any(|(here, _)| here > 1.0) {
        let (uid, note) =
            tokio::time::timeout(PATIENCE, remarks.next()).await.expect("in time").expect("a remark");
        if *uid == *pod.uid {
            assert_eq!(note.reason, "Pulling", "{}", note.message);
            seen.push(note.message);
        }
    }
    assert_eq!(seen[0], format!("Pulling image {image:?}"));
    for (here, all) in seen.iter().filter_map(|message| far(message)) {
        assert!(here < all && all > MUCH as f64 / 1e6, "{seen:?}");
    }
    go.send_replace(true);
    let is_other = |uid: &str, note: &Note| *uid == *pod.uid && note.reason != "Pulling";
    let mut others = remarks.filter(|(uid, note)| std::future::ready(is_other(uid, note))).boxed();
    let (_, note) = tokio::time::timeout(PATIENCE, others.next()).await.expect("in time").expect("a remark");
    assert!(note.message.starts_with(&format!("Successfully pulled image {image:?}")), "{}", note.message);
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many megabytes of how many are here, where a message says so.
fn far(message: &str) -> Option<(f64, f64)> {
    let (_, told) = message.rsplit_once(": ")?;
    let (here, all) = told.strip_suffix(" MB are here")?.split_once(" MB of ")?;
    Some((here.parse().ok()?, all.parse().ok()?))
}

/// A place that leads to another, and gives no more than half of the large image until it is told to.
async fn held_up(to: String, go: watch::Receiver<bool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let given = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&to).await.unwrap();
            let ((mut asks, to_client), (from_server, mut asked)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut asks, &mut asked).await });
            tokio::spawn(give(from_server, to_client, given.clone(), go.clone()));
        }
    });
    place
}

async fn give(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    given: Arc<AtomicUsize>,
    mut go: watch::Receiver<bool>,
) {
    let mut piece = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        if given.fetch_add(read, Ordering::Relaxed) > MUCH / 2 {
            let _told = go.wait_for(|go| *go).await;
        }
        if to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}

/// While there is a file of this name, the next start of a container hangs, and the file goes.
const HANG: &str = "hang";

/// A runc whose start of a container waits for a process that does not go on, as one waits for ever whose container was
/// started by a runc that died.
fn put_runc(rig: &testing::Rig) {
    const SCRIPT: &str = r#"#!/bin/sh
PATH=${PATH#*:}
case " $* " in
*" start "*)
    if rm "${0%/bin/runc}/hang" 2>/dev/null; then
        for id; do :; done
        kill -STOP "$(sed -n 's/.*"init_process_pid":\([0-9]*\).*/\1/p' "$2/$id/state.json")"
    fi ;;
esac
exec runc "$@"
"#;
    let runc = rig.programs().join("runc");
    std::fs::create_dir(rig.programs()).unwrap();
    std::fs::write(&runc, SCRIPT).unwrap();
    std::fs::set_permissions(&runc, Permissions::from_mode(0o755)).unwrap();
}

async fn runtime(directory: &Path, cgroup: &str) -> Arc<ContainerRuntime> {
    let dirs =
        Dirs { node: directory.join("node"), run: PathBuf::from("/run/berth"), logs: directory.join("logs") };
    std::fs::create_dir_all(&dirs.node).unwrap();
    let engine =
        crate::run_node::engine(&directory.join("containerd.sock"), "k8s.io", &dirs.run).expect("containerd");
    let network = PodNetworkOptions {
        device: "berth0".to_owned(),
        cidr: "10.244.0.0/24".parse().unwrap(),
        state_dir: dirs.run.join("addresses"),
        table: "berth-pods".to_owned(),
    };
    let cgroups = Cgroups::new(Hierarchies::find(Path::new("/")).unwrap(), cgroup).unwrap();
    cgroups.set_up(&NodeResources::default()).unwrap();
    let census = HostCensus::new("suite", None, &dirs.node, "v0", engine.clone()).unwrap();
    let world = World::new();
    let surroundings = Surroundings {
        engine,
        network: Arc::new(PodNetwork::open(network).await.unwrap()),
        client: world.client(),
        kinds: world.kinds.clone(),
        dirs,
        cgroups,
        services: watch::channel(Arc::default()).1,
        census: Arc::new(census),
        domain: "cluster.local".to_owned(),
        registries: Registries { dir: directory.join("certs.d") },
        progress: Duration::from_millis(50),
    };
    Arc::new(ContainerRuntime::new(surroundings))
}

struct RealRig {
    runtime: Arc<ContainerRuntime>,
}

#[async_trait]
impl Rig for RealRig {
    fn runtime(&self) -> &dyn Runtime {
        &*self.runtime
    }

    fn now(&self) -> Time {
        Time::now()
    }

    async fn pass(&mut self) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    fn image(&self) -> String {
        format!("{}/suite:1", std::env::var(REGISTRY).expect("set by the outer run"))
    }
}
