//! What clients may do with the containers of this node: logs, commands, ports.

use std::cmp::Reverse;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use containerd::{AttachSpec, Containerd, ExecSpec};
use futures::FutureExt;
use object::{Key, Reason, Status};
use streaming::{Connection, Console, Exec, LogSource, Session, Size, Target};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::agent::Agent;
use crate::container_runtime::{Attempt, ContainerRuntime};
use crate::pod::Pod;
use crate::pod_config;

/// How long a port of a pod may take to answer.
const DIAL: Duration = Duration::from_secs(10);
/// Sizes of a terminal that wait to be set.
const SIZES: usize = 8;

/// The console of the agent's pods.
pub(crate) struct NodeConsole {
    agent: Arc<Agent>,
    runtime: Arc<ContainerRuntime>,
}

impl NodeConsole {
    /// The console of these pods.
    pub(crate) fn new(agent: Arc<Agent>, runtime: Arc<ContainerRuntime>) -> Self {
        Self { agent, runtime }
    }

    fn pod(&self, namespace: &str, name: &str) -> Result<Arc<Pod>, Status> {
        let found = self.agent.find(&Key::new(namespace, name));
        found.ok_or_else(|| Status::not_found("", "pods", name))
    }

    /// The latest attempts at a container, the latest first.
    async fn attempts(&self, target: &Target) -> Result<(Arc<Pod>, Vec<Attempt>), Status> {
        let pod = self.pod(&target.namespace, &target.pod)?;
        let mut attempts = self.runtime.attempts(&pod).await.map_err(Status::internal)?;
        attempts.retain(|attempt| attempt.container == target.container);
        attempts.sort_by_key(|attempt| Reverse(attempt.attempt));
        Ok((pod, attempts))
    }

    /// The id of a container that runs.
    async fn running(&self, target: &Target) -> Result<String, Status> {
        let (_, attempts) = self.attempts(target).await?;
        let running = attempts.into_iter().find(|attempt| attempt.runs);
        running.map(|attempt| attempt.id).ok_or_else(|| {
            let Target { namespace, pod, container } = target;
            Status::internal(format!("container not found ({container:?}) in pod \"{pod}_{namespace}\""))
        })
    }

    fn engine(&self) -> &Containerd {
        &self.runtime.engine
    }
}

#[async_trait]
impl Console for NodeConsole {
    async fn log(&self, target: &Target, previous: bool) -> Result<LogSource, Status> {
        let (pod, attempts) = self.attempts(target).await?;
        let name = &target.container;
        let Some(found) = attempts.get(usize::from(previous)) else {
            return Err(Status::bad_request(unlogged(&pod, name, previous)));
        };
        let document = self.runtime.document(&pod).map_err(Status::internal)?;
        let path = pod_config::log_path(&self.runtime.dirs.logs, &document, name, found.attempt);
        Ok(LogSource { path, ended: self.engine().log_ended(&found.id) })
    }

    async fn exec(&self, target: &Target, exec: &Exec) -> Result<Session, Status> {
        let id = self.running(target).await?;
        let spec = ExecSpec {
            args: exec.command.clone(),
            tty: exec.tty,
            stdin: exec.stdin,
            stdout: exec.stdout,
            stderr: exec.stderr,
            ..ExecSpec::default()
        };
        let started = self.engine().exec(&id, &spec).await;
        let containerd::Exec { stdin, stdout, stderr, mut process } = started.map_err(Status::internal)?;
        let (resize, mut sizes) = mpsc::channel::<Size>(SIZES);
        let exit = async move {
            loop {
                tokio::select! {
                    code = process.wait() => return code.map(|code| code as i32).map_err(|e| e.to_string()),
                    Some(size) = sizes.recv() => {
                        if let Err(error) = process.resize(size.width, size.height).await {
                            tracing::debug!(%error, "a terminal keeps its size");
                        }
                    }
                }
            }
        };
        Ok(Session {
            stdin: stdin.map(|stdin| Box::new(stdin) as _),
            stdout: stdout.map(|stdout| Box::new(stdout) as _),
            stderr: stderr.map(|stderr| Box::new(stderr) as _),
            resize,
            exit: exit.boxed(),
        })
    }

    async fn attach(&self, target: &Target, exec: &Exec) -> Result<Session, Status> {
        let id = self.running(target).await?;
        let pod = self.pod(&target.namespace, &target.pod)?;
        let document = self.runtime.document(&pod).map_err(Status::internal)?;
        let container = pod_config::container_named(&document, &target.container);
        let once = container.and_then(|container| container.stdin_once).unwrap_or(false);
        let wanted =
            AttachSpec { stdin: exec.stdin, stdout: exec.stdout, stderr: exec.stderr, stdin_once: once };
        let attached = self.engine().attach(&id, &wanted).await.map_err(Status::internal)?;
        let (resize, mut sizes) = mpsc::channel::<Size>(SIZES);
        let (engine, mut ended) = (self.engine().clone(), self.engine().log_ended(&id));
        let exit = async move {
            loop {
                tokio::select! {
                    _ = ended.changed() => return Ok(0),
                    Some(size) = sizes.recv() => {
                        if let Err(error) = engine.resize(&id, size.width, size.height).await {
                            tracing::debug!(%error, "a terminal keeps its size");
                        }
                    }
                }
            }
        };
        Ok(Session {
            stdin: attached.stdin.map(|stdin| Box::new(stdin) as _),
            stdout: attached.stdout.map(|stdout| Box::new(stdout) as _),
            stderr: attached.stderr.map(|stderr| Box::new(stderr) as _),
            resize,
            exit: exit.boxed(),
        })
    }

    async fn check(&self, namespace: &str, pod: &str) -> Result<(), Status> {
        let pod = self.pod(namespace, pod)?;
        let there = pod.spec.host_network || self.runtime.dirs.sandbox(&pod.uid).join("net").exists();
        let absent = || Status::internal(format!("pod {:?} does not run", pod.key.name));
        if there { Ok(()) } else { Err(absent()) }
    }

    async fn connect(&self, namespace: &str, pod: &str, port: u16) -> Result<Box<dyn Connection>, Status> {
        let pod = self.pod(namespace, pod)?;
        let dialled = if pod.spec.host_network {
            tokio::task::spawn_blocking(move || dial(port)).await.map_err(Status::internal)?
        } else {
            let namespace = self.runtime.dirs.sandbox(&pod.uid).join("net");
            network::inside(&namespace, move || dial(port)).await.map_err(Status::internal)?
        };
        let stream = dialled.and_then(|stream| {
            stream.set_nonblocking(true)?;
            TcpStream::from_std(stream)
        });
        let failed = |error: io::Error| {
            let text = format!("failed to connect to localhost:{port} inside the pod's network: {error}");
            Status::new(500, Reason::InternalError, text)
        };
        Ok(Box::new(stream.map_err(failed)?))
    }
}

/// Connects to a port of the thread's own network by loopback, of IPv4 or else IPv6.
fn dial(port: u16) -> io::Result<std::net::TcpStream> {
    let connect = |address: IpAddr| std::net::TcpStream::connect_timeout(&(address, port).into(), DIAL);
    let stream = connect(Ipv4Addr::LOCALHOST.into())
        .or_else(|refused| connect(Ipv6Addr::LOCALHOST.into()).map_err(|_| refused))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Why there is no log, in upstream's words.
fn unlogged(pod: &Pod, container: &str, previous: bool) -> String {
    let name = &pod.key.name;
    if previous {
        return format!("previous terminated container {container:?} in pod {name:?} not found");
    }
    let waiting = pod.status.container(container).and_then(|status| status.state.waiting.as_ref());
    match waiting {
        Some(waiting) if matches!(waiting.reason.as_str(), "ErrImagePull" | "ImagePullBackOff") => {
            format!(
                "container {container:?} in pod {name:?} is waiting to start: trying and failing to pull image"
            )
        }
        Some(waiting) => {
            format!("container {container:?} in pod {name:?} is waiting to start: {}", waiting.reason)
        }
        None => format!("container {container:?} in pod {name:?} is not available"),
    }
}
