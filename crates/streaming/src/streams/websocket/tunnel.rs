//! SPDY in the messages of a WebSocket (KEP-4006): forwarded ports of clients that open a stream for each connection.

use std::io;

use futures::{SinkExt as _, StreamExt as _, future};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message as Frame};
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};

use super::open;
use crate::streams::forward::Dialer;
use crate::streams::session::Limits;
use crate::streams::spdy;

/// Forwards ports on an upgraded connection: all binary messages, one behind the other, are what SPDY's own connection
/// would carry.
pub(in crate::streams) async fn hold<S>(stream: S, dialer: Dialer, limits: Limits)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (sink, stream) = open(stream).await.split();
    let bytes = stream
        .take_while(|message| future::ready(!matches!(message, Ok(Frame::Close(_)))))
        .filter_map(|message| {
            future::ready(match message {
                Ok(Frame::Binary(bytes)) => Some(Ok(bytes)),
                Ok(_) => None,
                Err(error) => Some(Err(io::Error::other(error))),
            })
        });
    let sink = sink
        .sink_map_err(|error: Error| io::Error::other(error))
        .with(|bytes: Bytes| future::ready(Ok::<_, io::Error>(Frame::Binary(bytes))));
    let write = SinkWriter::new(CopyToBytes::new(sink));
    spdy::forward::hold(StreamReader::new(bytes), write, dialer, limits).await;
}
