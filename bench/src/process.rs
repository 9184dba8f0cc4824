//! Processes under test: started with their output kept, and ended when dropped.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::oneshot;

/// How long a process may take to end after SIGTERM.
const STOP: Duration = Duration::from_secs(20);
/// How long a process may take to become ready.
const READY: Duration = Duration::from_secs(60);

/// A running process. Dropping it kills it and waits for its end.
pub(crate) struct Process {
    child: Child,
    /// When it was started.
    pub(crate) started: Instant,
    /// When it printed a line with `ready` to its standard output.
    ready: Option<oneshot::Receiver<Instant>>,
    /// Where its standard error goes.
    log: PathBuf,
}

impl Process {
    /// Starts a program with its standard error in the given file.
    pub(crate) fn start(command: &mut Command, log: PathBuf) -> anyhow::Result<Process> {
        let name = command.get_program().to_string_lossy().into_owned();
        let errors = File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let (sender, ready) = oneshot::channel();
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || drain(output, sender));
        }
        Ok(Process { child, started, ready: Some(ready), log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the line with `ready`; answers how long after the start it came.
    pub(crate) async fn announced(&mut self) -> anyhow::Result<Duration> {
        let ready = self.ready.take().context("readiness was awaited before")?;
        match tokio::time::timeout(READY, ready).await {
            Ok(Ok(at)) => Ok(at - self.started),
            _ => Err(self.complaint("did not become ready")),
        }
    }

    /// Tries until it succeeds, every millisecond; answers how long after the start that was.
    pub(crate) async fn answering(
        &mut self,
        attempt: impl AsyncFn() -> anyhow::Result<()>,
    ) -> anyhow::Result<Duration> {
        loop {
            if attempt().await.is_ok() {
                return Ok(self.started.elapsed());
            }
            if self.started.elapsed() > READY || self.child.try_wait()?.is_some() {
                return Err(self.complaint("did not answer"));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Asks the process to end, and waits for it.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(i32::try_from(self.pid())?), Signal::SIGTERM)?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > STOP {
                return Err(self.complaint("did not stop on SIGTERM"));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// An error with the last that the process said.
    pub(crate) fn complaint(&self, what: &str) -> anyhow::Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let mut last: Vec<&str> = log.lines().rev().take(5).collect();
        last.reverse();
        anyhow!("process {} {what}; its last words:\n    {}", self.pid(), last.join("\n    "))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads all output, so that the process never waits for us, and tells when the line with `ready` came.
fn drain(output: ChildStdout, ready: oneshot::Sender<Instant>) {
    let mut ready = Some(ready);
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if line.contains("ready")
            && let Some(sender) = ready.take()
        {
            let _ = sender.send(Instant::now());
        }
    }
}

/// An address on loopback that nobody listens on.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
    Ok(listener.local_addr()?)
}
