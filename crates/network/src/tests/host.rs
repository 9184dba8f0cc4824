use std::fs::{self, File};
use std::future::Future;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::netlink::{End, Links};
use crate::{PodNetwork, PodNetworkOptions, Sandbox, inside};

/// The node's address in the world outside, and the world's own.
pub const NODE: &str = "192.0.2.2";
pub const WORLD: &str = "192.0.2.1";

const PATIENCE: Duration = Duration::from_secs(5);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A node: namespaces of its own, with a world outside to which it has a default route.
pub struct Host {
    dir: TempDir,
}

/// Runs a test on a node of its own.
pub fn on_host<F: Future<Output = ()>>(test: impl FnOnce(Host) -> F + Send + 'static) {
    let _one = ONE_AT_A_TIME.lock();
    let node = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).expect("needs root");
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { test(Host::new().await).await });
    });
    if let Err(panic) = node.join() {
        resume_unwind(panic);
    }
}

impl Host {
    async fn new() -> Self {
        let host = Self { dir: tempfile::tempdir().unwrap() };
        run("ip link set lo up");
        // what a strict node has set
        for setting in ["all/rp_filter", "default/rp_filter", "all/arp_ignore", "default/arp_ignore"] {
            fs::write(format!("/proc/sys/net/ipv4/conf/{setting}"), "1").unwrap();
        }
        let world = host.sandbox("world").await;
        let at = world.dir.join("net");
        let namespace = File::open(&at).unwrap();
        let (up, down) = (End { name: "up0", mac: [2; 6] }, End { name: "down0", mac: [6; 6] });
        Links::here().unwrap().add_veth(1400, up, down, namespace.as_raw_fd()).await.unwrap();
        run(&format!("ip addr add {NODE}/24 dev up0"));
        run("ip link set up0 up");
        let world = || {
            run(&format!("ip addr add {WORLD}/24 dev down0"));
            run("ip link set down0 up")
        };
        inside(&at, world).await.unwrap();
        run(&format!("ip route add default via {WORLD}"));
        host
    }

    /// The namespace of the world outside.
    pub fn world(&self) -> PathBuf {
        self.path("world/net")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub async fn sandbox(&self, name: &str) -> Sandbox {
        Sandbox::create(&self.path(name), name, true, true, &[]).await.unwrap()
    }

    pub fn options(&self) -> PodNetworkOptions {
        PodNetworkOptions {
            device: "berth0".to_owned(),
            cidr: "10.244.0.0/24".parse().unwrap(),
            state_dir: self.path("addresses"),
            table: "pods".to_owned(),
        }
    }

    pub async fn network(&self) -> PodNetwork {
        PodNetwork::open(self.options()).await.unwrap()
    }

    /// A sandbox that is attached, with its address.
    pub async fn pod(&self, network: &PodNetwork, name: &str) -> (PathBuf, IpAddr) {
        let netns = self.sandbox(name).await.dir.join("net");
        let addresses = network.attach(name, &netns).await.unwrap();
        (netns, addresses[0])
    }
}

/// Runs a command in the calling thread's namespaces and returns what it prints.
pub fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether an address answers an echo request from this namespace.
pub async fn pings(netns: &Path, to: IpAddr) -> bool {
    let ping = move || Command::new("busybox").args(["ping", "-c1", "-W2", &to.to_string()]).output();
    inside(netns, ping).await.unwrap().unwrap().status.success()
}

/// A server in a namespace that greets every connection with its name and the client's address, until it
/// reads an end.
pub async fn serve(netns: &Path, name: &'static str, port: u16) {
    let listener = inside(netns, move || TcpListener::bind(("0.0.0.0", port)).unwrap()).await.unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let peer = stream.peer_addr().unwrap().ip();
            let greet = move || -> std::io::Result<()> {
                writeln!(stream, "{name} {peer}")?;
                stream.set_read_timeout(Some(PATIENCE))?;
                let mut echo = [0; 64];
                loop {
                    let length = stream.read(&mut echo)?;
                    if length == 0 {
                        return Ok(());
                    }
                    stream.write_all(&echo[..length])?;
                }
            };
            thread::spawn(greet);
        }
    });
}

/// Connects and returns the greeting's words; an error where the connection is refused or nothing comes.
pub fn greeting(to: SocketAddr) -> std::io::Result<(String, IpAddr)> {
    let (_, name, seen) = connect(to)?;
    Ok((name, seen))
}

/// Connects, and returns the connection too.
pub fn connect(to: SocketAddr) -> std::io::Result<(TcpStream, String, IpAddr)> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(char::from(byte[0]));
    }
    let (name, seen) = line.split_once(' ').ok_or(std::io::ErrorKind::UnexpectedEof)?;
    Ok((stream, name.to_owned(), seen.parse().unwrap()))
}

/// [`greeting`] from a namespace.
pub async fn greeted(netns: &Path, to: &str) -> std::io::Result<(String, IpAddr)> {
    let to = to.parse().unwrap();
    inside(netns, move || greeting(to)).await.unwrap()
}
