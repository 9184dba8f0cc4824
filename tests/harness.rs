//! Starts and ends real processes in a directory of their own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::etcd_server::Server as Etcd;
use crate::user::{User, pause};

/// The binary under test.
pub(crate) const BERTH: &str = env!("CARGO_BIN_EXE_berth");

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The lowest minor version of kubectl 1.x that these tests are written for: Debian 12's.
const LOWEST_KUBECTL: u64 = 20;

/// Panics with what to do where kubectl is missing or too old.
pub(crate) fn check_kubectl() {
    static CHECKED: std::sync::OnceLock<Result<(), String>> = std::sync::OnceLock::new();
    let checked = CHECKED.get_or_init(|| {
        let output = Command::new("kubectl").args(["version", "--client", "-o", "json"]).output();
        let output = output.map_err(|e| format!("kubectl cannot be run: {e}"))?;
        let version: Value =
            serde_json::from_slice(&output.stdout).map_err(|e| format!("kubectl version: {e}"))?;
        let minor = version["clientVersion"]["minor"].as_str().unwrap_or_default().trim_end_matches('+');
        match minor.parse::<u64>() {
            Ok(minor) if minor >= LOWEST_KUBECTL => Ok(()),
            _ => Err(format!("kubectl is 1.{minor}")),
        }
    });
    if let Err(found) = checked {
        panic!(
            "these tests need kubectl 1.{LOWEST_KUBECTL} or newer (https://kubernetes.io/docs/tasks/tools): {found}"
        );
    }
}

/// A process that ends with its handle.
pub(crate) struct Process(Child);

impl Process {
    /// Starts a command; standard error goes to `log`, and standard input stays open as long as the handle.
    pub(crate) fn start(mut command: Command, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).expect("log file");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        Self(command.spawn().expect("the program starts"))
    }

    /// The binary under test with these arguments.
    pub(crate) fn berth(args: &[&str], log: &Path) -> Self {
        let mut command = Command::new(BERTH);
        command.args(args);
        Self::start(command, log)
    }

    /// Waits for its first line, which must contain this, and returns it; panics with the log where it does not.
    pub(crate) fn says(&mut self, word: &str, log: &Path) -> String {
        let stdout = self.0.stdout.take().expect("piped, and read once");
        let mut reader = BufReader::new(stdout);
        let mut line = String::new();
        reader.read_line(&mut line).expect("standard output");
        let log = std::fs::read_to_string(log).unwrap_or_default();
        assert!(line.contains(word), "{word:?} was expected, not {line:?}\n{log}");
        // what else it says is nobody's, but it must not meet a closed pipe
        std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        line
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Ends it as a crash does, at once.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Asks it to stop and returns whether it left with success.
    pub(crate) fn terminate(&mut self) -> bool {
        let pid = nix::unistd::Pid::from_raw(self.0.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("the process is there");
        self.ended()
    }

    /// Waits until it ends and returns whether it left with success.
    pub(crate) fn ended(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().expect("wait") {
                return status.success();
            }
            pause();
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The etcd that the servers of all tests are to use, where `BERTH_TEST_STORE=etcd` asks for one.
pub(crate) fn store_under_test(launch: impl Fn() -> Command + Send + Sync + 'static) -> Option<Etcd> {
    match std::env::var("BERTH_TEST_STORE").as_deref() {
        Err(_) | Ok("") | Ok("embedded") => None,
        Ok("etcd") => Some(start_etcd(launch)),
        Ok(other) => panic!("BERTH_TEST_STORE={other}: embedded and etcd are the stores"),
    }
}

/// An etcd as `make up STORE=etcd` starts it.
pub(crate) fn start_etcd(launch: impl Fn() -> Command + Send + Sync + 'static) -> Etcd {
    start_etcd_with(launch, &[])
}

/// The same with these flags too.
pub(crate) fn start_etcd_with(launch: impl Fn() -> Command + Send + Sync + 'static, flags: &[&str]) -> Etcd {
    let mut etcd = Etcd::launched_by(launch);
    etcd.start_with("http", &[&["--max-request-bytes=8388608"], flags].concat());
    etcd
}

/// The flags of a server that uses this etcd.
pub(crate) fn store_flags(etcd: Option<&Etcd>) -> Vec<String> {
    etcd.map(|etcd| vec!["--store".to_owned(), format!("etcd://{}", etcd.place())]).unwrap_or_default()
}

/// A server and nodes in a directory of their own.
pub(crate) struct Cluster {
    pub(crate) etcd: Option<Etcd>,
    listen: String,
    pub(crate) server: Process,
    agent: Option<Process>,
    user: User,
    _dir: TempDir,
}

impl std::ops::Deref for Cluster {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

impl Cluster {
    /// A server without nodes, ready.
    pub(crate) fn start() -> Self {
        Self::on(store_under_test(|| Command::new("etcd")))
    }

    /// A server with the embedded store, whichever is under test.
    pub(crate) fn embedded() -> Self {
        Self::on(None)
    }

    /// A server on this store.
    pub(crate) fn on(etcd: Option<Etcd>) -> Self {
        check_kubectl();
        let dir = TempDir::with_prefix("berth-e2e-").expect("temporary directory");
        let listen = format!("127.0.0.1:{}", free_port());
        let server = start_server(dir.path(), &listen, etcd.as_ref());
        Self { etcd, listen, server, agent: None, user: User::new(dir.path(), None), _dir: dir }
    }

    /// A server with this many played nodes, all Ready.
    pub(crate) fn with_nodes(nodes: usize) -> Self {
        let mut cluster = Self::start();
        cluster.start_agent(nodes);
        cluster.wait("all nodes are Ready", |c| {
            let list = c.json(&["get", "nodes"]);
            let ready = items(&list).iter().filter(|node| condition(node, "Ready") == "True").count();
            ready == nodes
        });
        cluster
    }

    pub(crate) fn start_agent(&mut self, nodes: usize) {
        let config = self.kubeconfig();
        let nodes = nodes.to_string();
        let args = ["agent", "--kubeconfig", &config, "--runtime", "fake", "--fake-nodes", &nodes];
        self.agent = Some(Process::berth(&args, &self.dir().join("agent.log")));
    }

    pub(crate) fn kill_agent(&mut self) {
        self.agent = None;
    }

    /// Starts the server again on the same directory and address.
    pub(crate) fn restart_server(&mut self) {
        self.server.kill();
        self.server = start_server(self.user.dir(), &self.listen, self.etcd.as_ref());
    }

    pub(crate) fn listen(&self) -> &str {
        &self.listen
    }
}

/// Starts a server and waits for its line.
pub(crate) fn start_server(dir: &Path, listen: &str, etcd: Option<&Etcd>) -> Process {
    let log = dir.join("server.log");
    let mut command = Command::new(BERTH);
    command.args(["server", "--no-agent", "--listen", listen, "--data-dir"]).arg(dir).args(store_flags(etcd));
    let mut server = Process::start(command, &log);
    server.says("ready", &log);
    server
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("bound").port()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

/// The status of a condition; empty where there is none.
pub(crate) fn condition<'a>(object: &'a Value, name: &str) -> &'a str {
    let conditions = object["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    conditions.iter().find(|c| c["type"] == name).and_then(|c| c["status"].as_str()).unwrap_or_default()
}
