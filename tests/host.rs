//! A machine of its own for a test: containerd, a network, and the binary that runs real containers there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use containerd::testing::{Registry, Rig, Security};
use nix::sched::{CloneFlags, setns};
use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Runtime;

use crate::etcd_server::Server as Etcd;
use crate::harness::{
    BERTH, Process, check_kubectl, condition, start_etcd, store_flags, store_under_test, text,
};
use crate::user::User;

/// The host's address and its node's name.
pub(crate) const ADDRESS: &str = "192.0.2.10";
const NODE: &str = "host";

/// There is no other machine on this network; `dummy` devices are missing on some kernels, bridges on none.
const NETWORK: &str = "ip link add eth0 type bridge && ip address add 192.0.2.10/24 dev eth0 \
    && ip link set eth0 up && ip route add default via 192.0.2.1 && echo ready && exec cat";

/// What starts an etcd on the host.
type Launch = Box<dyn Fn() -> Command + Send + Sync>;

/// Hosts run one at a time: two would only wait for each other's processor time.
static TURN: Mutex<()> = Mutex::new(());

/// A host in namespaces of its own. Dropping it ends all that runs there and removes its files.
pub(crate) struct Host {
    user: User,
    server: Process,
    /// Where the node does not run in the server's process.
    agent: Option<Process>,
    /// Through this process others enter the host.
    door: Process,
    /// Its number, for what is started beside it.
    beside: Arc<AtomicU32>,
    /// Further flags of the server.
    flags: Vec<String>,
    etcd: Option<Etcd>,
    rig: Rig,
    runtime: Runtime,
    _turn: MutexGuard<'static, ()>,
}

impl std::ops::Deref for Host {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

impl Host {
    /// A host whose server runs its node; the node is Ready, and has the images `web:1` and `web:2`.
    pub(crate) fn start() -> Self {
        Self::prepare(false, store_under_test, Rig::start(), &[])
    }

    /// The same with a disk of this many bytes, and with these flags of the server too.
    pub(crate) fn on_disk(bytes: u64, flags: &[&str]) -> Self {
        Self::prepare(false, store_under_test, Rig::on_disk(bytes), flags)
    }

    /// The same on etcd, whichever store is under test.
    pub(crate) fn on_etcd() -> Self {
        Self::prepare(false, |launch| Some(start_etcd(launch)), Rig::start(), &[])
    }

    /// The same with the node in a process of its own.
    pub(crate) fn with_separate_agent() -> Self {
        Self::prepare(true, store_under_test, Rig::start(), &[])
    }

    fn prepare(
        apart: bool,
        store: impl FnOnce(Launch) -> Option<Etcd>,
        rig: impl Future<Output = io::Result<Rig>>,
        flags: &[&str],
    ) -> Self {
        let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        let turn = TURN.lock();
        check_kubectl();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let rig = runtime.block_on(rig).expect("containerd; these tests need root");
        let door = open_door(&rig);
        let user = User::new(rig.directory(), Some(door.id()));
        let beside = Arc::new(AtomicU32::new(door.id()));
        let entered = beside.clone();
        let etcd = store(Box::new(move || beside_door(&entered.load(Ordering::Relaxed).to_string())));
        let server = start_server(&user, &rig, etcd.as_ref(), apart, &flags);
        let agent = apart.then(|| start_agent(&user, &rig));
        let host = Self { user, server, agent, door, beside, flags, etcd, rig, runtime, _turn: turn };
        import(&host, &host.rig, "web:1", "one");
        import(&host, &host.rig, "web:2", "two");
        host.wait("the node is Ready", |c| {
            let node = c.try_kubectl(&["get", "node", NODE, "-o", "json"]);
            serde_json::from_slice(&node.stdout).is_ok_and(|node| condition(&node, "Ready") == "True")
        });
        host.wait("the service account of pods", |c| {
            c.try_kubectl(&["get", "serviceaccount", "default"]).status.success()
        });
        host
    }

    /// Another server on the same store, without a node, that listens on this port.
    pub(crate) fn second_server(&self, dir: &Path, port: u16) -> Process {
        let mut command = self.user.program(BERTH);
        command.args(["server", "--no-agent", "--listen", &format!("0.0.0.0:{port}"), "--data-dir"]).arg(dir);
        command.args(store_flags(self.etcd.as_ref()));
        let log = self.dir().join("second.log");
        let mut server = Process::start(command, &log);
        server.says("ready", &log);
        server
    }

    /// A registry on the host, at an address of its own.
    pub(crate) fn registry(&self, security: &Security<'_>) -> Registry {
        let mut registry = Registry::prepare(self.rig.directory()).expect("a directory");
        registry.run(self.rig.command("docker-registry"), security).expect("docker-registry is installed");
        let place = registry.address();
        self.wait("the registry answers", |_| {
            let asked = self.inside(move || std::net::TcpStream::connect((place, 5000)).is_ok());
            asked.join().expect("asking ends")
        });
        registry
    }

    /// Ends the server as a crash does and starts it again. A node in its process shares its fate.
    pub(crate) fn crash_server(&mut self) {
        self.server.kill();
        self.server =
            start_server(&self.user, &self.rig, self.etcd.as_ref(), self.agent.is_some(), &self.flags);
    }

    /// Ends the node's own process as a crash does and starts it again.
    pub(crate) fn crash_agent(&mut self) {
        self.agent.as_mut().expect("a host with a separate agent").kill();
        self.agent = Some(start_agent(&self.user, &self.rig));
    }

    /// Ends containerd as a crash does and starts it again.
    pub(crate) fn crash_containerd(&mut self) {
        self.rig.kill_containerd().expect("containerd runs");
        self.runtime.block_on(self.rig.start_containerd()).expect("containerd starts again");
    }

    /// Goes through what a reboot is: nothing runs any more, and only files are left, but for those below /run. The
    /// server begins again as an init system would have it.
    pub(crate) fn reboot(&mut self) {
        self.server.kill();
        if let Some(agent) = &mut self.agent {
            agent.kill();
        }
        self.door.kill();
        self.runtime.block_on(self.rig.reboot()).expect("containerd starts after a reboot");
        let _ = std::fs::remove_dir_all(self.user.dir().join("run"));
        self.door = open_door(&self.rig);
        self.user = User::new(self.rig.directory(), Some(self.door.id()));
        self.beside.store(self.door.id(), Ordering::Relaxed);
        if let Some(etcd) = &mut self.etcd {
            etcd.kill();
            etcd.run();
        }
        self.server =
            start_server(&self.user, &self.rig, self.etcd.as_ref(), self.agent.is_some(), &self.flags);
        if self.agent.is_some() {
            self.agent = Some(start_agent(&self.user, &self.rig));
        }
    }

    /// Waits for something that the rigs of this thread do.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Runs something on a thread of its own in the host's network.
    pub(crate) fn inside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let network = File::open(format!("/proc/{}/ns/net", self.door.id())).expect("the host's network");
        std::thread::spawn(move || {
            setns(network, CloneFlags::CLONE_NEWNET).expect("the host can be entered");
            work()
        })
    }

    /// What an HTTP server answers to a request from the host for `/`.
    pub(crate) fn get(&self, address: &str, port: u16) -> Result<String, String> {
        let address: IpAddr = address.parse().expect("an address");
        let asked = self.inside(move || crate::load::get((address, port).into()));
        asked.join().expect("asking ends")
    }

    /// The containers that run, by id, each with its first process.
    pub(crate) fn processes(&self) -> BTreeMap<String, u32> {
        let mut list = Command::new("ctr");
        list.arg("--address").arg(socket(&self.rig)).args(["-n", "k8s.io", "tasks", "ls"]);
        let list = list.output().expect("ctr runs");
        assert!(list.status.success(), "{}", text(&list.stderr));
        let process = |line: &str| {
            let mut words = line.split_whitespace();
            let (id, pid, state) = (words.next()?, words.next()?, words.next()?);
            (state == "RUNNING").then_some((id.to_owned(), pid.parse().ok()?))
        };
        text(&list.stdout).lines().skip(1).filter_map(process).collect()
    }

    /// Runs a program on the host and returns its output; it must succeed.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> String {
        let output = self.program(program).args(args).output().expect("the program runs");
        assert!(output.status.success(), "{program} {args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

/// Loads an image of the quickstart's web server with this line in `/etc/motd`.
pub(crate) fn import(user: &User, rig: &Rig, name: &str, motd: &str) {
    let archive = user.dir().join("image.tar");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/web-image");
    let made = Command::new(script).arg(name).arg(&archive).arg(motd).output().expect("scripts/web-image");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let mut import = user.program(BERTH);
    import.args(["image", "import", "--containerd"]).arg(socket(rig));
    let import = import.arg("--run-dir").arg(user.dir().join("run")).arg(&archive).output();
    let import = import.expect("berth runs");
    assert!(import.status.success(), "{}", text(&import.stderr));
    assert_eq!(text(&import.stdout), format!("docker.io/library/{name}\n"));
}

/// Makes the host's network, and a process through which others enter it.
fn open_door(rig: &Rig) -> Process {
    let log = rig.directory().join("network.log");
    let mut network = rig.command("sh");
    network.args(["-c", NETWORK]);
    let mut door = Process::start(network, &log);
    door.says("ready", &log);
    door
}

/// The host's etcd, to be started.
fn beside_door(pid: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["-t", pid, "-m", "-n", "--", "etcd"]);
    command
}

fn socket(rig: &Rig) -> PathBuf {
    rig.options().socket
}

fn start_server(user: &User, rig: &Rig, etcd: Option<&Etcd>, apart: bool, flags: &[String]) -> Process {
    let mut command = user.program(BERTH);
    command
        .args(["server", "--listen", "0.0.0.0:6443", "--data-dir"])
        .arg(user.dir())
        .args(store_flags(etcd))
        .args(flags);
    if apart {
        command.arg("--no-agent");
    } else {
        node_flags(&mut command, user.dir(), rig);
    }
    let log = user.dir().join("server.log");
    let mut server = Process::start(command, &log);
    server.says("ready", &log);
    server
}

fn start_agent(user: &User, rig: &Rig) -> Process {
    let mut command = user.program(BERTH);
    command.args(["agent", "--kubeconfig", &user.kubeconfig()]);
    node_flags(&mut command, user.dir(), rig);
    Process::start(command, &user.dir().join("agent.log"))
}

/// All that a node has of its machine is the rig's own.
fn node_flags(command: &mut Command, dir: &Path, rig: &Rig) {
    command.args(["--node-name", NODE, "--cgroup-root", &rig.cgroup()]);
    command.arg("--registry-config").arg(dir.join("certs.d"));
    command.arg("--containerd").arg(socket(rig)).arg("--node-dir").arg(dir.join("node"));
    command.arg("--run-dir").arg(dir.join("run")).arg("--log-dir").arg(dir.join("logs"));
}
