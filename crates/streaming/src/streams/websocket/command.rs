//! A command's session over a WebSocket.

use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use object::Status;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Message as Frame};

use super::{close, frame, open};
use crate::Session;
use crate::streams::protocol::Protocol;
use crate::streams::session::{self, Gone, Inlet, Input, Limits, Outlet, Output};
use crate::streams::verdict::Verdict;

/// How long the client gets to set up its side. client-go reads from the moment of the upgrade, but throws away what
/// comes before it has made its streams: output or even the end of a quick command would be lost.
const SETTLE: Duration = Duration::from_millis(50);

/// Holds a session on an upgraded connection. A command that could not be started is told of as one that ended.
pub(in crate::streams) async fn hold<S>(
    stream: S,
    protocol: Protocol,
    started: Result<Session, Status>,
    limits: Limits,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (sink, stream) = open(stream).await.split();
    let outlet = Sink { sink: Mutex::new(sink), protocol };
    let mut inlet = Source { stream, protocol };
    tokio::time::sleep(SETTLE).await;
    let verdict = match started {
        Ok(session) => session::run(session, &outlet, &mut inlet, limits).await,
        Err(status) => Some(Verdict::Failed(status)),
    };
    let Some(verdict) = verdict else { return };
    let Ok(Ok(())) = timeout(limits.idle, tell(&outlet, &verdict)).await else { return };
    if timeout(limits.linger, leave(outlet, inlet)).await.is_err() {
        tracing::debug!("a client did not take the end of its session");
    }
}

/// Tells the end, and closes the WebSocket.
async fn tell<S>(outlet: &Sink<S>, verdict: &Verdict) -> Result<(), Gone>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut sink = outlet.sink.lock().await;
    if let Some(text) = verdict.write(outlet.protocol.verdict) {
        sink.send(frame(outlet.protocol.error(&text))).await.map_err(|_| Gone)?;
    }
    sink.send(close()).await.map_err(|_| Gone)
}

/// Waits until the client has closed the WebSocket too, then ends the connection: one that is cut with unread input
/// behind it may lose output on its way.
async fn leave<S>(outlet: Sink<S>, mut inlet: Source<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    while let Some(Ok(_)) = inlet.stream.next().await {}
    if let Ok(mut socket) = outlet.sink.into_inner().reunite(inlet.stream)
        && let Err(error) = socket.get_mut().shutdown().await
    {
        tracing::debug!(%error, "a connection was closed by the client first");
    }
}

struct Sink<S> {
    sink: Mutex<SplitSink<WebSocketStream<S>, Frame>>,
    protocol: Protocol,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Outlet for Sink<S> {
    async fn send(&self, output: Output, data: &[u8]) -> Result<(), Gone> {
        let message = frame(self.protocol.output(output, data));
        self.sink.lock().await.send(message).await.map_err(|_| Gone)
    }

    /// A ping meets the client's reset where it is gone. While output is being written that is found anyway.
    async fn probe(&self) -> Result<(), Gone> {
        let Ok(mut sink) = self.sink.try_lock() else { return Ok(()) };
        sink.send(Frame::Ping(Bytes::new())).await.map_err(|_| Gone)
    }
}

struct Source<S> {
    stream: SplitStream<WebSocketStream<S>>,
    protocol: Protocol,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Inlet for Source<S> {
    async fn next(&mut self) -> Option<Input> {
        match self.stream.next().await? {
            Ok(Frame::Binary(data)) => Some(self.protocol.read(&data)),
            Ok(Frame::Text(text)) => Some(self.protocol.read(&text.into())),
            Ok(Frame::Close(_)) => None,
            Ok(_) => Some(Input::Nothing),
            Err(error) => {
                tracing::debug!(%error, "a client's stream broke");
                None
            }
        }
    }
}
