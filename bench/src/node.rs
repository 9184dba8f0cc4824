//! A server with a node of real containers, on a containerd of its own, in namespaces away from the machine's.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use containerd::testing::Rig;
use containerd::{Containerd, Options, TaskState};
use nix::unistd::geteuid;

use crate::client::Endpoint;
use crate::process::Process;
use crate::server::nodes_ready;
use crate::{Setup, machine};

/// The image of the containers, as `ctr` needs it.
pub(crate) const IMAGE: &str = "docker.io/library/web:1";
/// The namespace of containerd in which the reference's containers are.
const REFERENCE: &str = "reference";
/// What makes the image.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/web-image");
/// A device with the node's address and the default route: what a node looks for on its host.
const NETWORK: &str = "ip link add eth0 type bridge && ip address add 192.0.2.10/24 dev eth0 && \
                       ip link set eth0 up && ip route add default via 192.0.2.1";
/// Where the server listens, in its own network namespace.
const PORT: u16 = 6443;
/// How long containers may take to end once they are killed.
const ENDING: Duration = Duration::from_secs(60);

/// A running server, its node and containerd.
pub(crate) struct Node {
    /// Ended before the namespaces are: fields are dropped in order.
    pub(crate) process: Process,
    pub(crate) endpoint: Endpoint,
    /// The containers of the pods.
    pub(crate) engine: Containerd,
    /// The containers of the reference.
    pub(crate) reference: Containerd,
    rig: Rig,
}

/// What this machine lacks for a node, if anything.
pub(crate) fn missing() -> Option<String> {
    if !geteuid().is_root() {
        return Some("containers need root".to_owned());
    }
    let programs = ["containerd", "ctr", "runc", "nft", "ip", "unshare", "nsenter"];
    let lacking = programs.into_iter().find(|program| machine::installed(program).is_none());
    lacking.map(|program| format!("{program} is not installed"))
}

impl Node {
    /// Starts all of it with the image at hand, and waits until the node is ready.
    pub(crate) async fn start(setup: &Setup) -> anyhow::Result<Node> {
        let rig = Rig::start().await.context("there is no containerd of one's own")?;
        let berth = setup.berth.canonicalize()?;
        let (dir, options) = (rig.directory().to_owned(), rig.options());
        let engine = Containerd::new(options.clone())?;
        let reference = Containerd::new(Options { namespace: REFERENCE.to_owned(), ..options.clone() })?;
        run(rig.command("sh").args(["-c", NETWORK]))?;
        let archive = dir.join("web.tar");
        run(Command::new(SCRIPT).arg("web:1").arg(&archive))?;
        engine.import(&archive).await?;
        reference.import(&archive).await?;

        let data = dir.join("data");
        let mut command = rig.command(&berth.to_string_lossy());
        command.arg("server").arg("--data-dir").arg(&data).args(["--listen", &format!("0.0.0.0:{PORT}")]);
        command.arg("--containerd").arg(&options.socket).args(["--cgroup-root", &rig.cgroup()]);
        command.arg("--node-dir").arg(dir.join("node")).arg("--run-dir").arg(dir.join("run"));
        command.arg("--log-dir").arg(dir.join("logs"));
        let mut process = Process::start(&mut command, dir.join("server.log"))?;
        process.announced().await?;
        let local = ([127, 0, 0, 1], PORT).into();
        let endpoint =
            Endpoint::from_kubeconfig(&data.join("admin.kubeconfig"))?.at(local).beside(process.pid());
        nodes_ready(&endpoint, 1, &process).await?;
        Ok(Node { process, endpoint, engine, reference, rig })
    }

    /// A command in the node's namespaces.
    pub(crate) fn command(&self, program: &str) -> Command {
        self.rig.command(program)
    }

    /// `ctr` on the node's containerd, among the reference's containers.
    pub(crate) fn ctr(&self) -> Command {
        let mut command = self.command("ctr");
        command.arg("--address").arg(self.rig.options().socket).args(["-n", REFERENCE]);
        command
    }

    /// What tells this containerd's processes from those of others: the path of its directory.
    pub(crate) fn mark(&self) -> &Path {
        self.rig.directory()
    }
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Waits until there are no containers.
pub(crate) async fn empty(engine: &Containerd) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !engine.list().await?.is_empty() {
        if begun.elapsed() > ENDING {
            bail!("containers are left {} s after their pods", ENDING.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Kills and deletes all containers.
pub(crate) async fn clear(engine: &Containerd) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let found = engine.list().await?;
        if found.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > ENDING {
            bail!("containers are left {} s after they were killed", ENDING.as_secs());
        }
        for container in found {
            match container.state {
                TaskState::Exited { .. } | TaskState::None => engine.delete(&container.id).await?,
                _ => engine.kill(&container.id, nix::libc::SIGKILL, true).await?,
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
