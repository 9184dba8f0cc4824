//! What a cluster's user does and sees: kubectl, the binary's own verbs, and waiting for conditions.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{BERTH, PATIENCE, text};

/// Lines of each log that a diagnosis shows.
const TAIL: usize = 20;

/// A user with the administrator's kubeconfig.
pub(crate) struct User {
    /// Where the kubeconfig and the logs are.
    dir: PathBuf,
    /// The process whose network and mounts the user's programs share; the test's own where none.
    beside: Option<u32>,
}

impl User {
    /// A user of the cluster whose data are in this directory.
    pub(crate) fn new(dir: &Path, beside: Option<u32>) -> Self {
        Self { dir: dir.to_owned(), beside }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn kubeconfig(&self) -> String {
        self.dir.join("admin.kubeconfig").display().to_string()
    }

    /// A program where the user is.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = match self.beside {
            None => Command::new(program),
            Some(pid) => {
                let mut command = Command::new("nsenter");
                command.args(["-t", &pid.to_string(), "-m", "-n", "--", program]);
                command
            }
        };
        command.env_remove("KUBECONFIG").stdin(Stdio::null());
        command
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program("kubectl");
        // kubectl keeps discovery in the home directory: each cluster has its own.
        command.env("HOME", &self.dir).arg("--kubeconfig").arg(self.kubeconfig()).args(args);
        command
    }

    /// Runs kubectl without the administrator's certificate.
    pub(crate) fn without_certificate(&self, args: &[&str]) -> Output {
        let shown = self.kubectl(&["config", "view", "--raw", "-o", "json"]);
        let mut config: Value = serde_json::from_str(&shown).expect("JSON");
        let anonymous = self.dir.join("anonymous.kubeconfig");
        config["users"][0]["user"] = Value::Object(Default::default());
        std::fs::write(&anonymous, config.to_string()).expect("a file");
        let mut command = self.program("kubectl");
        command.env("HOME", &self.dir).arg("--kubeconfig").arg(anonymous).args(args);
        command.output().expect("kubectl is installed")
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

    /// One of the two clients, kubectl or the binary itself, with these arguments.
    pub(crate) fn client(&self, client: &str, args: &[&str]) -> Command {
        if client == "kubectl" {
            return self.command(args);
        }
        let mut command = self.program(BERTH);
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(args);
        command
    }

    /// Runs one of the two clients again and again until it succeeds, each time for a few seconds at most; returns
    /// standard output. A packet that was sent before the network was whole may hold up one try for minutes.
    pub(crate) fn at_last(&self, client: &str, args: &[&str]) -> String {
        let command = self.client(client, args);
        let mut said = String::new();
        self.wait(&format!("{client} {args:?}"), |c| {
            let mut bounded = Command::new("timeout");
            bounded.arg("5").arg(command.get_program()).args(command.get_args()).env("HOME", &c.dir);
            let output = bounded.stdin(Stdio::null()).output().expect("the client runs");
            said = text(&output.stdout);
            output.status.success()
        });
        said
    }

    /// Runs one of the two clients and returns standard output; it must succeed.
    pub(crate) fn with(&self, client: &str, args: &[&str]) -> String {
        let output = self.client(client, args).output().expect("the client runs");
        let said = text(&output.stderr);
        assert!(output.status.success(), "{client} {args:?}: {said}\n{}", self.diagnosis());
        text(&output.stdout)
    }

    /// Runs the binary's own verbs; what they did is the caller's to judge.
    pub(crate) fn try_berth(&self, args: &[&str]) -> Output {
        let mut command = self.program(BERTH);
        // A command for a container comes last, after `--`.
        command.arg(args[0]).arg("--kubeconfig").arg(self.kubeconfig()).args(&args[1..]);
        command.output().expect("berth runs")
    }

    /// Runs the binary's own verbs and returns standard output; it must succeed.
    pub(crate) fn berth(&self, args: &[&str]) -> String {
        let output = self.try_berth(args);
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

    /// Waits until a deployment is rolled out, as kubectl sees it.
    pub(crate) fn rolled_out(&self, name: &str) {
        let out = self.kubectl(&["rollout", "status", &format!("deployment/{name}"), "--timeout=60s"]);
        assert!(out.contains("successfully rolled out"), "{out}\n{}", self.diagnosis());
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
        let (objects, said) = (text(&objects.stdout), text(&objects.stderr));
        let mut found = format!("{objects}{said}\n{}", text(&events.stdout));
        let files = std::fs::read_dir(&self.dir).into_iter().flatten().flatten().map(|entry| entry.path());
        for log in files.filter(|path| path.extension().is_some_and(|extension| extension == "log")) {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
            found += &format!("\n{}:\n{tail}\n", log.display());
        }
        found
    }
}

/// Between two looks at a condition.
#[allow(clippy::disallowed_methods, reason = "a test's thread has nothing else to do")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}
