//! A command's session: a stream of its own for each of the command's, and one for its end.

mod open;

use bytes::Bytes;
use object::Status;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;

pub(super) use self::open::Streams;
use super::frame::{self, Frame};
use super::headers::{self, Inflater};
use super::{Incoming, OPENING, PROBE, deliver};
use crate::streams::protocol::{VerdictForm, size};
use crate::streams::session::{self, Gone, Inlet, Input, Limits, Outlet, Output};
use crate::streams::verdict::Verdict;
use crate::{Exec, Session};

/// Holds a session on an upgraded connection.
pub(in crate::streams) async fn hold<S>(
    stream: S,
    exec: &Exec,
    started: Result<Session, Status>,
    limits: Limits,
) where
    S: AsyncRead + AsyncWrite + Send,
{
    let (read, write) = tokio::io::split(stream);
    // frames are sent whole: what waits to be sent may be given up, but never halfway
    let (frames, outgoing) = mpsc::channel(1);
    tokio::select! {
        () = talk(read, frames, exec, started, limits) => {}
        () = deliver(outgoing, write) => {}
    }
}

async fn talk<R: AsyncRead + Unpin + Send>(
    read: R,
    frames: mpsc::Sender<Bytes>,
    exec: &Exec,
    started: Result<Session, Status>,
    limits: Limits,
) {
    let Ok(inflater) = Inflater::new() else { return };
    let incoming = Incoming::new(read);
    let mut source =
        Source { incoming, inflater, frames: frames.clone(), streams: Streams::default(), ended: false };
    let Ok(Some(())) = timeout(OPENING, source.open(exec)).await else {
        tracing::debug!("a client did not open the streams of its session");
        return;
    };
    let sink = Sink { frames, streams: source.streams };
    let verdict = match started {
        Ok(session) => session::run(session, &sink, &mut source, limits).await,
        Err(status) => Some(Verdict::Failed(status)),
    };
    let Some(verdict) = verdict else { return };
    let Ok(Ok(())) = timeout(limits.idle, sink.tell(&verdict)).await else { return };
    let leave = async { while source.next().await.is_some() {} };
    if timeout(limits.linger, leave).await.is_err() {
        tracing::debug!("a client did not take the end of its session");
    }
}

struct Sink {
    frames: mpsc::Sender<Bytes>,
    streams: Streams,
}

impl Sink {
    async fn put(&self, frame: Bytes) -> Result<(), Gone> {
        self.frames.send(frame).await.map_err(|_| Gone)
    }

    /// Ends all streams, and tells how the command ended.
    async fn tell(&self, verdict: &Verdict) -> Result<(), Gone> {
        let Streams { error, stdin, stdout, stderr, resize } = self.streams;
        for stream in [stdout, stderr, stdin, resize].into_iter().flatten() {
            self.put(frame::data(stream, &[], true)).await?;
        }
        let text = verdict.write(VerdictForm::Status).unwrap_or_default();
        match error {
            Some(error) => self.put(frame::data(error, &text, true)).await,
            None => Ok(()),
        }
    }
}

impl Outlet for Sink {
    async fn send(&self, output: Output, data: &[u8]) -> Result<(), Gone> {
        let stream = if output == Output::Stdout { self.streams.stdout } else { self.streams.stderr };
        let Some(stream) = stream else { return Ok(()) };
        self.put(frame::data(stream, data, false)).await
    }

    /// A ping meets the client's reset where it is gone. While a frame waits to be sent that is found anyway.
    async fn probe(&self) -> Result<(), Gone> {
        match self.frames.try_send(frame::ping(PROBE)) {
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Gone),
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => Ok(()),
        }
    }
}

struct Source<R> {
    incoming: Incoming<R>,
    inflater: Inflater,
    /// For the answers to pings and to new streams.
    frames: mpsc::Sender<Bytes>,
    streams: Streams,
    /// Whether the last input has come with its end, which is still to be told.
    ended: bool,
}

impl<R: AsyncRead + Unpin + Send> Source<R> {
    /// Takes streams until all that `exec` needs are there.
    async fn open(&mut self, exec: &Exec) -> Option<()> {
        let mut first = true;
        while !self.streams.complete(exec) {
            match self.incoming.next().await? {
                Frame::Open { stream, block } => {
                    let headers = self.inflater.read(&block).ok()?;
                    self.streams.add(stream, &headers).ok()?;
                    let reply = frame::reply(stream, &headers::empty(std::mem::take(&mut first)));
                    self.frames.send(reply).await.ok()?;
                }
                other => drop(self.take(other).await?),
            }
        }
        Some(())
    }

    /// What a frame says to the session; none when the client leaves.
    async fn take(&mut self, frame: Frame) -> Option<Input> {
        match frame {
            Frame::Data { stream, data, fin } if Some(stream) == self.streams.stdin => {
                if data.is_empty() {
                    return Some(if fin { Input::StdinEnd } else { Input::Nothing });
                }
                self.ended = fin;
                return Some(Input::Stdin(data));
            }
            Frame::Data { stream, data, .. } if Some(stream) == self.streams.resize => {
                return Some(size(&data).map_or(Input::Nothing, Input::Resize));
            }
            Frame::Reset { stream } if Some(stream) == self.streams.stdin => return Some(Input::StdinEnd),
            Frame::Ping { id } if id % 2 == 1 => self.frames.send(frame::ping(id)).await.ok()?,
            Frame::Open { stream, block } => {
                self.inflater.read(&block).ok()?;
                self.frames.send(frame::refuse(stream)).await.ok()?;
            }
            Frame::Headers { block } => drop(self.inflater.read(&block).ok()?),
            Frame::Leave => return None,
            Frame::Data { .. } | Frame::Reset { .. } | Frame::Ping { .. } | Frame::Other => {}
        }
        Some(Input::Nothing)
    }
}

impl<R: AsyncRead + Unpin + Send> Inlet for Source<R> {
    async fn next(&mut self) -> Option<Input> {
        if std::mem::take(&mut self.ended) {
            return Some(Input::StdinEnd);
        }
        let frame = self.incoming.next().await?;
        self.take(frame).await
    }
}
