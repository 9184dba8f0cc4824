//! Processes in running containers.

mod stdin;

use containerd_client::services::v1::{
    DeleteProcessRequest, ExecProcessRequest, KillRequest, ResizePtyRequest, StartRequest, WaitRequest,
};
use nix::libc::SIGKILL;
use prost_types::Any;
use serde_json::{Value, json};
use tokio::net::unix::pipe::Receiver;
use tokio::runtime::Handle;
use tonic::Status;

pub use stdin::Stdin;

use crate::connection::Containerd;
use crate::error::Error;
use crate::fifo::{self, Fifos, word};
use crate::lease::unique;
use crate::oci;

/// A process to start in a running container. It has the container's user, environment and privileges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecSpec {
    /// Program and arguments.
    pub args: Vec<String>,
    /// Environment, set over the container's.
    pub env: Vec<(String, String)>,
    /// Whether it has a terminal; then there is no standard error.
    pub tty: bool,
    /// Whether it has standard input.
    pub stdin: bool,
    /// Whether its output is wanted.
    pub stdout: bool,
    /// Whether its errors are wanted.
    pub stderr: bool,
    /// Working directory; none is the container's.
    pub cwd: Option<String>,
}

/// A started process and its streams.
#[derive(Debug)]
pub struct Exec {
    /// Its standard input, where wanted. Shutting it down or dropping it tells the process the end.
    pub stdin: Option<Stdin>,
    /// Its output, where wanted. Must be read, or the process stands still.
    pub stdout: Option<Receiver>,
    /// Its errors, where wanted.
    pub stderr: Option<Receiver>,
    /// The process.
    pub process: Process,
}

/// A started process. Dropped before its end it is killed; dropped, it is forgotten: read its streams to their end
/// before.
pub struct Process {
    exec: ExecId,
    fifos: Fifos,
    ended: bool,
}

/// A process of a container; the first one has an empty id.
#[derive(Clone)]
pub(crate) struct ExecId {
    pub containerd: Containerd,
    pub container: String,
    pub id: String,
}

impl Containerd {
    /// Starts a process in a running container.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such container; [`Error::Exec`] with the runtime's words when the process
    /// cannot be started, as for a missing executable.
    pub async fn exec(&self, container: &str, spec: &ExecSpec) -> Result<Exec, Error> {
        let record = self.container_record(container).await?;
        let process = process(&record.spec.unwrap_or_default().value, spec)?;
        let id = format!("exec-{}", unique());
        let directory = self.inner.options.fifo_dir.join(container).join(&id);
        let fifos = Fifos::plan(directory, spec.stdin, spec.stdout || spec.tty, spec.stderr && !spec.tty);
        fifos.make()?;
        let exec = ExecId { containerd: self.clone(), container: container.to_owned(), id };
        let result = exec.launch(spec.tty, process, &fifos).await;
        match result {
            Ok((stdin, stdout, stderr)) => {
                Ok(Exec { stdin, stdout, stderr, process: Process { exec, fifos, ended: false } })
            }
            Err(error) => {
                exec.forget(&fifos).await;
                Err(error)
            }
        }
    }
}

impl ExecId {
    async fn launch(
        &self,
        terminal: bool,
        process: Value,
        fifos: &Fifos,
    ) -> Result<(Option<Stdin>, Option<Receiver>, Option<Receiver>), Error> {
        let fail = |status: Status| failed(&self.container, status);
        let request = ExecProcessRequest {
            container_id: self.container.clone(),
            exec_id: self.id.clone(),
            stdin: word(&fifos.stdin),
            stdout: word(&fifos.stdout),
            stderr: word(&fifos.stderr),
            terminal,
            spec: Some(Any { type_url: oci::PROCESS.to_owned(), value: process.to_string().into_bytes() }),
        };
        let containerd = &self.containerd;
        containerd.tasks().exec(containerd.request(request)).await.map_err(fail)?;
        let stdout = fifos.stdout.as_deref().map(fifo::reader).transpose()?;
        let stderr = fifos.stderr.as_deref().map(fifo::reader).transpose()?;
        let request = StartRequest { container_id: self.container.clone(), exec_id: self.id.clone() };
        containerd.tasks().start(containerd.request(request)).await.map_err(fail)?;
        let stdin = match &fifos.stdin {
            // A process that ended already reads nothing.
            Some(path) => fifo::writer(path).await.ok(),
            None => None,
        };
        Ok((stdin.map(|sender| Stdin::new(self.clone(), sender, true)), stdout, stderr))
    }

    async fn wait(&self) -> Result<u32, Error> {
        let request = WaitRequest { container_id: self.container.clone(), exec_id: self.id.clone() };
        let answer = self.containerd.tasks().wait(self.containerd.unbounded(request)).await;
        Ok(answer.map_err(|status| failed(&self.container, status))?.into_inner().exit_status)
    }

    async fn kill(&self) {
        let request = KillRequest {
            container_id: self.container.clone(),
            exec_id: self.id.clone(),
            signal: SIGKILL.unsigned_abs(),
            all: false,
        };
        let _ = self.containerd.tasks().kill(self.containerd.request(request)).await;
    }

    pub async fn resize(&self, width: u16, height: u16) -> Result<(), Error> {
        let (container_id, exec_id) = (self.container.clone(), self.id.clone());
        let request = ResizePtyRequest { container_id, exec_id, width: width.into(), height: height.into() };
        let answer = self.containerd.tasks().resize_pty(self.containerd.request(request)).await;
        answer.map(drop).map_err(|status| Error::rpc("resize terminal", status))
    }

    async fn forget(&self, fifos: &Fifos) {
        let request = DeleteProcessRequest { container_id: self.container.clone(), exec_id: self.id.clone() };
        let _ = self.containerd.tasks().delete_process(self.containerd.request(request)).await;
        if let Err(error) = fifos.remove() {
            tracing::warn!(%error, "fifos of a process stay");
        }
    }
}

impl Process {
    /// Sets the size of the terminal, in characters.
    ///
    /// # Errors
    /// When the process is gone.
    pub async fn resize(&self, width: u16, height: u16) -> Result<(), Error> {
        self.exec.resize(width, height).await
    }

    /// Waits for the end: the exit code. May be dropped and called again.
    ///
    /// # Errors
    /// When the container or containerd is gone.
    pub async fn wait(&mut self) -> Result<u32, Error> {
        let code = self.exec.wait().await?;
        self.ended = true;
        Ok(code)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let (exec, fifos, ended) = (self.exec.clone(), std::mem::take(&mut self.fifos), self.ended);
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if !ended {
                exec.kill().await;
                let _ = exec.wait().await;
            }
            exec.forget(&fifos).await;
        });
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("id", &self.exec.id).field("ended", &self.ended).finish()
    }
}

/// The container's process with the wanted differences.
fn process(container: &[u8], wanted: &ExecSpec) -> Result<Value, Error> {
    let mut spec: Value = serde_json::from_slice(container).unwrap_or_default();
    let mut process = spec["process"].take();
    if !process.is_object() {
        return Err(Error::Spec("the container's specification has no process".into()));
    }
    process["args"] = json!(wanted.args);
    process["terminal"] = json!(wanted.tty);
    if let Some(directory) = &wanted.cwd {
        process["cwd"] = json!(directory);
    }
    let mut env: Vec<String> = serde_json::from_value(process["env"].take()).unwrap_or_default();
    let term = (wanted.tty && !has(&env, "TERM")).then(|| ("TERM".to_owned(), "xterm".to_owned()));
    for (name, value) in term.iter().chain(&wanted.env) {
        env.retain(|variable| !is(variable, name));
        env.push(format!("{name}={value}"));
    }
    process["env"] = json!(env);
    Ok(process)
}

fn has(env: &[String], name: &str) -> bool {
    env.iter().any(|variable| is(variable, name))
}

fn is(variable: &str, name: &str) -> bool {
    variable.split_once('=').is_some_and(|(other, _)| other == name)
}

/// The runtime's own words are for the user.
fn failed(container: &str, status: Status) -> Error {
    const RUNTIME: &str = "OCI runtime exec failed";
    match status.message().find(RUNTIME) {
        Some(at) => Error::Exec(status.message()[at..].to_owned()),
        None => Error::rpc(format!("exec in container {container}"), status),
    }
}
