//! The streams of a running container's own process.

use tokio::io::DuplexStream;

use crate::connection::Containerd;
use crate::error::Error;
use crate::exec::{ExecId, Stdin};
use crate::fifo;
use crate::log::Tap;

const BUFFER: usize = 64 << 10;

/// Which streams of a container's process are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachSpec {
    /// Standard input; the container must have one.
    pub stdin: bool,
    /// Output.
    pub stdout: bool,
    /// Errors; with a terminal there are none.
    pub stderr: bool,
    /// Whether the process is told the end when this standard input ends; else it stays open for the next one.
    pub stdin_once: bool,
}

/// Streams of a container's process. Output comes from the time of attaching on, until the process ends; who does not
/// read it for long is cut off.
#[derive(Debug)]
pub struct Attached {
    /// Standard input, where wanted.
    pub stdin: Option<Stdin>,
    /// Output, where wanted.
    pub stdout: Option<DuplexStream>,
    /// Errors, where wanted.
    pub stderr: Option<DuplexStream>,
}

impl Containerd {
    /// Attaches to a running container. Its log goes on.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it does not run or its output is not followed by this process, when it has no
    /// standard input though that is wanted.
    pub async fn attach(&self, id: &str, wanted: &AttachSpec) -> Result<Attached, Error> {
        let stdin = match wanted.stdin {
            true => Some(self.container_stdin(id, wanted.stdin_once).await?),
            false => None,
        };
        let (stdout, out) = pipe(wanted.stdout);
        let (stderr, err) = pipe(wanted.stderr);
        let taps = self.inner.followed.lock().get(id).map(|followed| followed.taps.clone());
        match taps.is_some_and(|taps| taps.add(Tap::new(out, err))) {
            true => Ok(Attached { stdin, stdout, stderr }),
            false => Err(Error::NotFound(format!("output of container {id}"))),
        }
    }

    /// Sets the size of a container's terminal, in characters.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn resize(&self, id: &str, width: u16, height: u16) -> Result<(), Error> {
        self.first_process(id).resize(width, height).await
    }

    async fn container_stdin(&self, id: &str, closes: bool) -> Result<Stdin, Error> {
        let task = self.task(id, "").await?.ok_or_else(|| Error::NotFound(format!("task {id}")))?;
        if task.stdin.is_empty() {
            return Err(Error::NotFound(format!("standard input of container {id}")));
        }
        let sender = fifo::writer(task.stdin.as_ref()).await?;
        Ok(Stdin::new(self.first_process(id), sender, closes))
    }

    fn first_process(&self, id: &str) -> ExecId {
        ExecId { containerd: self.clone(), container: id.to_owned(), id: String::new() }
    }
}

fn pipe(wanted: bool) -> (Option<DuplexStream>, Option<DuplexStream>) {
    wanted.then(|| tokio::io::duplex(BUFFER)).unzip()
}
