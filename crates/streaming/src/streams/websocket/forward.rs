//! Forwarded ports over a WebSocket: for each port, in the order in which the client named them, a channel of data and
//! one for what goes wrong. Each begins with its port.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream::SplitSink;
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;

use super::{close, frame, open};
use crate::streams::forward::{Dialer, Inward, Outward, Room, carry, input};
use crate::streams::protocol::{ChannelInput, Protocol};
use crate::streams::session::{Activity, Gone, Limits};

/// Forwards ports on an upgraded connection: one connection to each, until all are over or the client leaves.
pub(in crate::streams) async fn hold<S>(
    stream: S,
    protocol: Protocol,
    ports: Vec<u16>,
    dialer: Dialer,
    limits: Limits,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (sink, mut stream) = open(stream).await.split();
    let sink = Mutex::new(sink);
    let activity = Arc::new(Activity::new());
    let room = Room::new();
    let (mut inputs, connections): (Vec<Option<Inward>>, Vec<_>) = (0_u8..)
        .step_by(2)
        .zip(ports)
        .map(|(channel, port)| {
            let (inward, input) = input();
            let way = Way { sink: &sink, protocol, channel };
            let (dialer, activity) = (&dialer, &activity);
            let connection = async move {
                way.begin(port).await?;
                match carry(dialer, port, input, &way, activity).await {
                    Ok(()) => Ok(()),
                    Err(why) => way.put(channel + 1, why.as_bytes()).await,
                }
            };
            (Some(inward), connection)
        })
        .unzip();
    let connections = join_all(connections);
    tokio::pin!(connections);
    let listen = async {
        while let Some(Ok(message)) = stream.next().await {
            let read = match message {
                Frame::Binary(data) => protocol.channel_input(&data),
                Frame::Text(text) => protocol.channel_input(&text.into()),
                Frame::Close(_) => break,
                _ => None,
            };
            match read {
                Some(ChannelInput::Data(channel, data)) if channel.is_multiple_of(2) => {
                    if let Some(Some(input)) = inputs.get(usize::from(channel / 2)) {
                        room.put(input, data).await;
                    }
                }
                Some(ChannelInput::End(channel)) if channel.is_multiple_of(2) => {
                    if let Some(input) = inputs.get_mut(usize::from(channel / 2)) {
                        *input = None;
                    }
                }
                _ => {}
            }
        }
        // what the client has sent still goes to its pod
        inputs.clear();
    };
    let over = tokio::select! {
        _ = &mut connections => true,
        () = listen => false,
        () = activity.idle(limits.idle) => return,
        () = probe(&sink, limits) => return,
    };
    if over {
        let leave = async {
            sink.lock().await.send(close()).await.ok()?;
            while let Some(Ok(_)) = stream.next().await {}
            Some(())
        };
        let _ = timeout(limits.linger, leave).await;
    } else if timeout(limits.linger, connections).await.is_err() {
        tracing::debug!("a pod did not take the rest of what was forwarded");
    }
}

type Sending<S> = Mutex<SplitSink<WebSocketStream<S>, Frame>>;

/// Meets the client's reset where it is gone. While something is being written that is found anyway.
async fn probe<S: AsyncRead + AsyncWrite + Unpin>(sink: &Sending<S>, limits: Limits) {
    loop {
        tokio::time::sleep(limits.probe).await;
        if let Ok(mut sink) = sink.try_lock()
            && sink.send(Frame::Ping(Bytes::new())).await.is_err()
        {
            return;
        }
    }
}

/// The way back of one connection.
struct Way<'s, S> {
    sink: &'s Sending<S>,
    protocol: Protocol,
    /// That of data; the one for errors is the next.
    channel: u8,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Way<'_, S> {
    async fn put(&self, channel: u8, data: &[u8]) -> Result<(), Gone> {
        let message = frame(self.protocol.message(channel, data));
        self.sink.lock().await.send(message).await.map_err(|_| Gone)
    }

    /// Tells the port on both channels.
    async fn begin(&self, port: u16) -> Result<(), Gone> {
        self.put(self.channel, &port.to_le_bytes()).await?;
        self.put(self.channel + 1, &port.to_le_bytes()).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Outward for Way<'_, S> {
    async fn send(&self, data: &[u8]) -> Result<(), Gone> {
        self.put(self.channel, data).await
    }

    async fn end(&self) -> Result<(), Gone> {
        Err(Gone)
    }
}
