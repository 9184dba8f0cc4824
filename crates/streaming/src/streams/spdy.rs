//! SPDY/3.1 as Kubernetes' clients speak it: streams of a command's session, or of forwarded ports.
//!
//! Windows are not heeded: the clients of this use know none, and would wait for ever. The connection itself is what
//! makes the faster side wait.

pub(super) mod command;
mod dictionary;
pub(super) mod forward;
mod frame;
mod headers;

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use self::frame::Frame;

/// How long a client may take to open streams that belong together.
const OPENING: Duration = Duration::from_secs(30);
/// Bytes that are read at once.
const BUFFER: usize = 32 * 1024;
/// The number of the server's pings: even.
const PROBE: u32 = 2;

/// The client does not speak SPDY.
#[derive(Debug, PartialEq, Eq)]
struct Malformed;

/// Sends frames until there are no more, or the client is gone.
async fn deliver(mut frames: mpsc::Receiver<Bytes>, mut write: impl AsyncWrite + Unpin) {
    while let Some(frame) = frames.recv().await {
        if write.write_all(&frame).await.is_err() || write.flush().await.is_err() {
            return;
        }
    }
}

/// The way from the client, frame by frame.
struct Incoming<R> {
    read: R,
    /// What is read and no whole frame yet.
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    fn new(read: R) -> Self {
        Self { read, buffer: BytesMut::new() }
    }

    /// The next frame; none when the client is gone or talks nonsense.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = frame::take(&mut self.buffer).ok()? {
                return Some(frame);
            }
            self.buffer.reserve(BUFFER);
            if self.read.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }
}
