//! The seam between the streams of clients and the containers of a node.

use std::path::PathBuf;

use async_trait::async_trait;
use futures::future::BoxFuture;
use object::Status;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

/// A container as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub pod: String,
    /// Name of the container.
    pub container: String,
}

/// A command to run beside a container's process, or to attach to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    /// Command and arguments; unused when attaching.
    pub command: Vec<String>,
    /// Whether the client sends standard input.
    pub stdin: bool,
    /// Whether the client wants standard output.
    pub stdout: bool,
    /// Whether the client wants standard error; never with a terminal.
    pub stderr: bool,
    /// Whether it runs on a terminal.
    pub tty: bool,
}

/// A container's log.
#[derive(Debug)]
pub struct LogSource {
    /// The file that is written, in the CRI's format. Rotated ones lie beside it, with a suffix.
    pub path: PathBuf,
    /// Becomes true when the container has ended and all of its output is in the file. A closed channel counts as
    /// true.
    pub ended: watch::Receiver<bool>,
}

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// A running command.
pub struct Session {
    /// Its standard input; dropping it closes the input.
    pub stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    /// Its standard output, up to its end.
    pub stdout: Option<Box<dyn AsyncRead + Send + Unpin>>,
    /// Its standard error, up to its end.
    pub stderr: Option<Box<dyn AsyncRead + Send + Unpin>>,
    /// Takes the terminal's sizes.
    pub resize: mpsc::Sender<Size>,
    /// How it ended: its exit code, or why that is not known. Dropping the session before kills an executed command,
    /// and leaves an attached container alone.
    pub exit: BoxFuture<'static, Result<i32, String>>,
}

/// A connection to a port of a pod.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// What a client may do with the containers of a node. Errors are what the client is told.
#[async_trait]
pub trait Console: Send + Sync + 'static {
    /// The log of the latest attempt at a container, or of the one before it.
    async fn log(&self, target: &Target, previous: bool) -> Result<LogSource, Status>;

    /// Runs a command in a container.
    async fn exec(&self, target: &Target, exec: &Exec) -> Result<Session, Status>;

    /// Attaches to a container's own process.
    async fn attach(&self, target: &Target, exec: &Exec) -> Result<Session, Status>;

    /// Whether ports of a pod can be forwarded: it is there, and has a network.
    async fn check(&self, namespace: &str, pod: &str) -> Result<(), Status>;

    /// Connects to a port of a pod, on its loopback address.
    async fn connect(&self, namespace: &str, pod: &str, port: u16) -> Result<Box<dyn Connection>, Status>;
}
