//! Two upgraded connections as one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};
use tokio::sync::watch;
use tokio::time::Instant;

/// Buffer for each direction, in bytes.
const BUFFER: usize = 64 << 10;
/// Silence after which a stream ends (upstream's `streamingConnectionIdleTimeout`).
const IDLE: Duration = Duration::from_secs(4 * 3600);

/// Why a stream broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// One side did not change protocols after all.
    #[error(transparent)]
    Upgrade(#[from] hyper::Error),
    /// One side cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Copies both ways, and passes on each side's end, until both have ended, nothing moves for [`IDLE`], or the server
/// stops.
pub(super) async fn run(
    client: OnUpgrade,
    node: OnUpgrade,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Error> {
    let (client, node) = tokio::try_join!(client, node)?;
    let last = Arc::new(Mutex::new(Instant::now()));
    let mut client = Noted { stream: TokioIo::new(client), last: last.clone() };
    let mut node = Noted { stream: TokioIo::new(node), last: last.clone() };
    tokio::select! {
        copied = copy_bidirectional_with_sizes(&mut client, &mut node, BUFFER, BUFFER) => {
            copied?;
        }
        () = silence(&last, IDLE) => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    Ok(())
}

/// Waits until nothing has moved for so long.
async fn silence(last: &Mutex<Instant>, bound: Duration) {
    loop {
        let until = *last.lock() + bound;
        if until <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(until).await;
    }
}

/// A stream that notes when something came from it.
struct Noted<S> {
    stream: S,
    /// Shared with the other side.
    last: Arc<Mutex<Instant>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            *self.last.lock() = Instant::now();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_moves_is_not_silent() {
        let last = Arc::new(Mutex::new(Instant::now()));
        let started = Instant::now();
        let bound = Duration::from_millis(40);
        let moved = started + bound / 2;
        let moving = async {
            tokio::time::sleep_until(moved).await;
            *last.lock() = Instant::now();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = silence(&last, bound) => {}
            () = moving => {}
        }
        assert!(Instant::now() >= moved + bound);
    }
}
