//! Starts and ends real processes in a directory of their own, and waits for conditions.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const BERTH: &str = env!("CARGO_BIN_EXE_berth");

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The lowest minor version of kubectl 1.x that these tests are written for: Debian 12's.
const LOWEST_KUBECTL: u64 = 20;

/// Panics with what to do where kubectl is missing or too old.
fn check_kubectl() {
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
    /// Starts the binary with these arguments; standard error goes to `log`.
    pub(crate) fn start(args: &[&str], log: &Path) -> Self {
        let log = File::create(log).expect("log file");
        let child = Command::new(BERTH)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("berth starts");
        Self(child)
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

/// A server and nodes in a directory of their own.
pub(crate) struct Cluster {
    dir: TempDir,
    listen: String,
    pub(crate) server: Process,
    agent: Option<Process>,
}

impl Cluster {
    /// A server without nodes, ready.
    pub(crate) fn start() -> Self {
        check_kubectl();
        let dir = TempDir::with_prefix("berth-e2e-").expect("temporary directory");
        let listen = format!("127.0.0.1:{}", free_port());
        let server = start_server(dir.path(), &listen);
        Self { dir, listen, server, agent: None }
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
        self.agent = Some(Process::start(&args, &self.dir.path().join("agent.log")));
    }

    pub(crate) fn kill_agent(&mut self) {
        self.agent = None;
    }

    /// Starts the server again on the same directory and address.
    pub(crate) fn restart_server(&mut self) {
        self.server.kill();
        self.server = start_server(self.dir.path(), &self.listen);
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn listen(&self) -> &str {
        &self.listen
    }

    pub(crate) fn kubeconfig(&self) -> String {
        self.dir.path().join("admin.kubeconfig").display().to_string()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(args);
        // kubectl keeps discovery in the home directory: each cluster has its own.
        command.env("HOME", self.dir.path()).env_remove("KUBECONFIG").stdin(Stdio::null());
        command
    }

    /// Runs kubectl; what it did is the caller's to judge.
    pub(crate) fn try_kubectl(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("kubectl is installed")
    }

    /// Runs kubectl and returns its output; it must succeed.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        let output = self.try_kubectl(args);
        let said = text(&output.stderr);
        assert!(output.status.success(), "kubectl {args:?}: {said}\n{}", self.diagnosis());
        text(&output.stdout)
    }

    /// Runs the binary's own verbs and returns standard output; it must succeed.
    pub(crate) fn berth(&self, args: &[&str]) -> String {
        let mut command = Command::new(BERTH);
        command.args(args).arg("--kubeconfig").arg(self.kubeconfig());
        let output = command.env_remove("KUBECONFIG").stdin(Stdio::null()).output().expect("berth runs");
        assert!(output.status.success(), "berth {args:?}: {}\n{}", text(&output.stderr), self.diagnosis());
        text(&output.stdout)
    }

    /// Runs kubectl with `input` on standard input.
    pub(crate) fn kubectl_with(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl is installed");
        // A refused upload closes the pipe early; what kubectl says of it counts.
        let mut stdin = child.stdin.take().expect("piped");
        let input = input.to_owned();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(input.as_bytes());
        });
        let output = child.wait_with_output().expect("kubectl ends");
        writer.join().expect("the writer ends");
        output
    }

    /// Applies a manifest; it must succeed.
    pub(crate) fn apply(&self, manifest: &str) -> String {
        let output = self.kubectl_with(&["apply", "-f", "-"], manifest);
        assert!(output.status.success(), "apply: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs kubectl with `-o json`.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["-o", "json"]);
        serde_json::from_str(&self.kubectl(&all)).expect("JSON")
    }

    /// Waits until a condition holds; panics with its name and the logs' ends when it does not in time.
    pub(crate) fn wait(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "in {PATIENCE:?}, never: {what}\n{}", self.diagnosis());
            pause();
        }
    }

    /// What a person would look at when something does not happen.
    pub(crate) fn diagnosis(&self) -> String {
        let objects = self.try_kubectl(&["get", "deployments,replicasets,pods,nodes", "-A", "-o", "wide"]);
        let events = self.try_kubectl(&["get", "events", "-A"]);
        let log = |name: &str| {
            let text = std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(20)..].join("\n")
        };
        format!(
            "{}{}\n{}\nserver.log:\n{}\nagent.log:\n{}",
            text(&objects.stdout),
            text(&objects.stderr),
            text(&events.stdout),
            log("server.log"),
            log("agent.log")
        )
    }
}

/// Starts a server and waits for its line.
fn start_server(dir: &Path, listen: &str) -> Process {
    let log: PathBuf = dir.join("server.log");
    let data = dir.display().to_string();
    let mut process =
        Process::start(&["server", "--data-dir", &data, "--listen", listen, "--no-agent"], &log);
    let stdout = process.0.stdout.take().expect("piped");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("standard output");
    let log = std::fs::read_to_string(log).unwrap_or_default();
    assert!(line.contains("ready"), "the server said {line:?}\n{log}");
    process
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

/// Between two looks at a condition.
#[allow(clippy::disallowed_methods, reason = "a test's thread has nothing else to do")]
fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}
