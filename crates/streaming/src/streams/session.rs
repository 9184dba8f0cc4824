//! A session between a client and a command, whatever protocol carries it.
//!
//! Every byte is awaited on both sides: nothing is dropped, and a slow side costs one buffer.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use object::Status;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::verdict::Verdict;
use crate::{Session, Size};

/// Bytes of output in one message.
const BUFFER: usize = 32 * 1024;

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Bytes for the standard input.
    Stdin(Bytes),
    /// There will be no more input.
    StdinEnd,
    /// The terminal has a new size.
    Resize(Size),
    /// Nothing that matters here.
    Nothing,
}

/// Where a command writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout,
    Stderr,
}

/// The client is gone.
#[derive(Debug)]
pub(crate) struct Gone;

/// The way to the client.
pub(crate) trait Outlet: Sync {
    /// Sends output; ready once there is room for more.
    fn send(&self, output: Output, data: &[u8]) -> impl Future<Output = Result<(), Gone>> + Send;
    /// Makes sure that the client is still there, where that can be done without waiting for its data.
    fn probe(&self) -> impl Future<Output = Result<(), Gone>> + Send;
}

/// The way from the client.
pub(crate) trait Inlet: Send {
    /// What it sends next; none once it is gone. May be dropped while it waits without losing anything.
    fn next(&mut self) -> impl Future<Output = Option<Input>> + Send;
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A session without any data ends after this.
    pub idle: Duration,
    /// How often the client is probed.
    pub probe: Duration,
    /// How long a client that was told the end may take to leave.
    pub linger: Duration,
}

/// As upstream's streaming server has it.
pub(crate) const LIMITS: Limits = Limits {
    idle: Duration::from_secs(4 * 60 * 60),
    probe: Duration::from_secs(30),
    linger: Duration::from_secs(60),
};

/// Carries the streams until the command has ended and all of its output is with the client. None when the client is
/// gone, or nothing moved for too long: then the command was dropped.
pub(crate) async fn run(
    session: Session,
    outlet: &impl Outlet,
    inlet: &mut impl Inlet,
    limits: Limits,
) -> Option<Verdict> {
    let Session { stdin, stdout, stderr, resize, exit } = session;
    let activity = Activity::new();
    let output = async {
        let exit = async { Ok(exit.await) };
        let stdout = pump(stdout, Output::Stdout, outlet, &activity);
        let stderr = pump(stderr, Output::Stderr, outlet, &activity);
        tokio::try_join!(stdout, stderr, exit).map(|((), (), exit)| exit)
    };
    let (sizes, latest) = watch::channel(None);
    tokio::select! {
        // a command that has ended was not dropped, whatever its client did meanwhile
        biased;
        ended = output => ended.ok().map(verdict),
        () = feed(inlet, stdin, &sizes, &activity) => None,
        () = activity.idle(limits.idle) => None,
        () = probe(outlet, limits.probe) => None,
        never = tell(latest, resize) => match never {},
    }
}

fn verdict(exit: Result<i32, String>) -> Verdict {
    match exit {
        Ok(code) => Verdict::Exited(code),
        Err(why) => Verdict::Failed(Status::internal(why)),
    }
}

/// Carries one of the command's outputs to its end. One that cannot be read has ended.
async fn pump(
    from: Option<Box<dyn AsyncRead + Send + Unpin>>,
    output: Output,
    outlet: &impl Outlet,
    activity: &Activity,
) -> Result<(), Gone> {
    let Some(mut from) = from else { return Ok(()) };
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or_else(|error| {
            tracing::debug!(%error, ?output, "a command's output cannot be read");
            0
        });
        if read == 0 {
            return Ok(());
        }
        outlet.send(output, &buffer[..read]).await?;
        activity.note();
    }
}

/// Carries what the client sends to the command, until the client is gone.
async fn feed(
    inlet: &mut impl Inlet,
    mut stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    sizes: &watch::Sender<Option<Size>>,
    activity: &Activity,
) {
    while let Some(input) = inlet.next().await {
        match input {
            Input::Nothing => continue,
            Input::Stdin(data) => stdin = put(stdin, &data).await,
            Input::StdinEnd => end(stdin.take()).await,
            Input::Resize(size) => drop(sizes.send_replace(Some(size))),
        }
        activity.note();
    }
}

/// Writes input. A command that reads no more gets no more.
async fn put(
    stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    data: &[u8],
) -> Option<Box<dyn AsyncWrite + Send + Unpin>> {
    let mut stdin = stdin?;
    stdin.write_all(data).await.ok()?;
    stdin.flush().await.ok()?;
    Some(stdin)
}

async fn end(stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>) {
    if let Some(mut stdin) = stdin
        && let Err(error) = stdin.shutdown().await
    {
        tracing::debug!(%error, "a command's input cannot be closed");
    }
}

/// Passes the latest size on; the ones that the command was too slow for are nothing to it.
async fn tell(
    mut latest: watch::Receiver<Option<Size>>,
    resize: mpsc::Sender<Size>,
) -> std::convert::Infallible {
    loop {
        if latest.changed().await.is_err() {
            return std::future::pending().await;
        }
        let size = *latest.borrow_and_update();
        // who takes no sizes has no terminal
        if let Some(size) = size
            && resize.send(size).await.is_err()
        {
            return std::future::pending().await;
        }
    }
}

/// Ready when a probe does not reach the client.
async fn probe(outlet: &impl Outlet, every: Duration) {
    loop {
        sleep(every).await;
        if outlet.probe().await.is_err() {
            return;
        }
    }
}

/// When data moved last.
pub(super) struct Activity {
    since: Instant,
    /// Milliseconds after `since`.
    last: AtomicU64,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), last: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn note(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// Ready when nothing moved for too long.
    pub(super) async fn idle(&self, limit: Duration) {
        while let Some(left) = limit.checked_sub(self.still()).filter(|left| !left.is_zero()) {
            sleep(left).await;
        }
    }

    fn still(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.last.load(Ordering::Relaxed)))
    }
}
