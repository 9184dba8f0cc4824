//! A containerd of one's own for tests: real, as root, away from the machine's.
//!
//! It runs in a mount and a network namespace of its own, with its files and its socket on a disk of its own and an
//! empty `/run`. Dropping the rig ends every process in those namespaces and their descendants, and removes the disk
//! and the cgroups.

mod archive;
mod disk;
mod processes;
mod registry;

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use disk::Disk;

pub use archive::{ARCHITECTURE, Form, TestImage, archive, index};
pub use registry::{PASSWORD, Registry, Security};

use crate::lease::unique;
use crate::{Containerd, Options};

/// The digest of a document or a layer.
#[must_use]
pub fn digest(content: &[u8]) -> String {
    crate::image::sha256(content)
}

const STARTING: Duration = Duration::from_secs(30);

/// More than any test writes.
const DISK: u64 = 16 << 30;

/// A containerd and its namespaces.
#[derive(Debug)]
pub struct Rig {
    name: String,
    directory: PathBuf,
    /// Holds the namespaces.
    holder: Child,
    containerd: Option<Child>,
    /// Under the directory. The last to go.
    _disk: Disk,
}

impl Rig {
    /// Starts containerd and waits until it answers.
    ///
    /// # Errors
    /// When this is not root's, or containerd, unshare, nsenter or what makes a disk is missing or fails.
    pub async fn start() -> io::Result<Rig> {
        Self::on_disk(DISK).await
    }

    /// The same with a disk of this many bytes.
    ///
    /// # Errors
    /// As of [`Rig::start`].
    pub async fn on_disk(bytes: u64) -> io::Result<Rig> {
        let name = format!("berth-test-{}", unique());
        let directory = std::env::temp_dir().join(&name);
        let disk = Disk::make(&directory, bytes)?;
        let mut rig = Rig { name, directory, holder: hold_namespaces()?, containerd: None, _disk: disk };
        fs::write(rig.directory.join("config.toml"), rig.config())?;
        rig.start_containerd().await?;
        Ok(rig)
    }

    /// Directory for a test's own files, on the rig's disk.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Directory of programs, which need not exist, that containerd takes before the machine's, as another `runc`.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.directory.join("bin")
    }

    /// How to reach this containerd.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            socket: self.directory.join("containerd.sock"),
            namespace: "k8s.io".into(),
            snapshotter: "overlayfs".into(),
            fifo_dir: self.directory.join("fifos"),
        }
    }

    /// A cgroup for this rig's containers, as `/name`; it and all below is removed with the rig.
    #[must_use]
    pub fn cgroup(&self) -> String {
        format!("/{}", self.name)
    }

    /// A command in the rig's namespaces.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.holder.id().to_string(), "-m", "-n", "--", program]);
        command
    }

    /// Ends containerd by SIGKILL; shims and containers go on.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub fn kill_containerd(&mut self) -> io::Result<()> {
        let Some(mut containerd) = self.containerd.take() else { return Ok(()) };
        containerd.kill()?;
        containerd.wait().map(drop)
    }

    /// Starts containerd again, after [`Rig::kill_containerd`].
    ///
    /// # Errors
    /// When it does not start; what it said is in the message.
    pub async fn start_containerd(&mut self) -> io::Result<()> {
        let log = fs::File::create(self.directory.join("containerd.log"))?;
        let path = std::env::var("PATH").unwrap_or_default();
        let containerd = self
            .command("containerd")
            .env("PATH", format!("{}:{path}", self.programs().display()))
            .arg("--config")
            .arg(self.directory.join("config.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.containerd = Some(containerd);
        let client = Containerd::new(self.options()).map_err(io::Error::other)?;
        let deadline = Instant::now() + STARTING;
        while let Err(error) = client.version().await {
            if Instant::now() > deadline {
                let log = fs::read_to_string(self.directory.join("containerd.log")).unwrap_or_default();
                return Err(io::Error::other(format!("containerd does not start: {error}\n{log}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Goes through what a reboot is for containerd and all beside it: every process ends at once, and namespaces, what
    /// lies in `/run` and the control groups are gone, while files stay; the kernel has another boot id. The state of
    /// containerd is such as lies in `/run`. Others' processes must have been ended before.
    ///
    /// # Errors
    /// As of [`Rig::start`].
    pub async fn reboot(&mut self) -> io::Result<()> {
        processes::end(self.holder.id());
        self.kill_containerd()?;
        self.holder.kill()?;
        self.holder.wait()?;
        processes::remove_cgroups(&self.name);
        for gone in ["state", "fifos"] {
            let _ = fs::remove_dir_all(self.directory.join(gone));
        }
        self.holder = hold_namespaces()?;
        let id = self.directory.join("boot-id");
        fs::write(&id, format!("{}\n", unique()))?;
        let bound = self
            .command("mount")
            .args(["--bind"])
            .arg(&id)
            .arg("/proc/sys/kernel/random/boot_id")
            .status()?;
        if !bound.success() {
            return Err(io::Error::other("the boot id cannot be another"));
        }
        self.start_containerd().await
    }

    fn config(&self) -> String {
        let unwanted =
            ["grpc.v1.cri", "snapshotter.v1.aufs", "snapshotter.v1.btrfs", "snapshotter.v1.devmapper"];
        let unwanted: Vec<String> =
            unwanted.iter().map(|plugin| format!("\"io.containerd.{plugin}\"")).collect();
        let directory = self.directory.display();
        format!(
            "version = 2\nroot = \"{directory}/root\"\nstate = \"{directory}/state\"\n\
             disabled_plugins = [{}]\n[grpc]\naddress = \"{directory}/containerd.sock\"\n",
            unwanted.join(", ")
        )
    }
}

/// A process in new namespaces that lives until its standard input ends.
fn hold_namespaces() -> io::Result<Child> {
    const SCRIPT: &str =
        "mount -t tmpfs tmpfs /run && ip link set lo up && echo ready && exec cat >/dev/null";
    let mut holder = Command::new("unshare")
        .args(["--mount", "--net", "--propagation", "private", "sh", "-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    if let Some(output) = holder.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    if line.trim() != "ready" {
        let _ = holder.kill();
        holder.wait()?;
        return Err(io::Error::other("no namespaces of one's own; this needs root"));
    }
    Ok(holder)
}

impl Drop for Rig {
    fn drop(&mut self) {
        processes::end(self.holder.id());
        if let Some(mut containerd) = self.containerd.take() {
            let _ = containerd.kill();
            let _ = containerd.wait();
        }
        let _ = self.holder.kill();
        let _ = self.holder.wait();
        processes::remove_cgroups(&self.name);
    }
}
