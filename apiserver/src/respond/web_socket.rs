//! Watches on WebSockets (RFC 6455): each event is a message, a text in JSON, bytes in protobuf.

use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::{SinkExt, StreamExt};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use object::Status;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};

use crate::accept::Encoding;
use crate::backend::upgrade_of;
use crate::body::{Body, full};

/// Most bytes of a client's message: it has nothing to say.
const HEARD: usize = 16 * 1024;
/// How long a client may take to read an event.
const PATIENCE: Duration = Duration::from_secs(60);
/// Beginning of the sub-protocol that is a credential.
const BEARER: &str = "base64url.bearer.authorization.k8s.io.";

/// A client's connection, which is to become a WebSocket.
pub(crate) struct WebSocket {
    client: OnUpgrade,
    /// Of the answer.
    headers: HeaderMap,
}

impl WebSocket {
    /// What a request asks for: none where that is no WebSocket, 400 where it is none that can be.
    pub(crate) fn asked(parts: &Parts) -> Result<Option<Self>, Status> {
        let headers = &parts.headers;
        let said =
            |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let client = upgrade_of(parts).filter(|_| said(UPGRADE).eq_ignore_ascii_case("websocket"));
        let Some(client) = client else { return Ok(None) };
        if said(SEC_WEBSOCKET_VERSION) != "13" {
            return Err(Status::bad_request("missing or bad WebSocket Version"));
        }
        let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
            return Err(Status::bad_request("mismatch challenge/response"));
        };
        let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).map_err(Status::internal)?;
        let mut answer = HeaderMap::from_iter([
            (CONNECTION, HeaderValue::from_static("Upgrade")),
            (UPGRADE, HeaderValue::from_static("websocket")),
            (SEC_WEBSOCKET_ACCEPT, accept),
        ]);
        let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
        let offered = offered.flat_map(|value| value.split(',')).map(str::trim);
        let protocols: Vec<&str> = offered.filter(|name| !name.starts_with(BEARER)).collect();
        match protocols.as_slice() {
            [] => {}
            // whatever it is called, there is one way to send events
            [one] => {
                let one = HeaderValue::from_str(one).map_err(Status::internal)?;
                answer.insert(SEC_WEBSOCKET_PROTOCOL, one);
            }
            _ => return Err(Status::bad_request("missing or bad WebSocket-Protocol")),
        }
        Ok(Some(Self { client, headers: answer }))
    }

    /// Sends the events of a watch, each piece of which has whole ones; `held` is kept until it is over.
    pub(crate) fn serve(self, events: Body, encoding: Encoding, held: impl Send + 'static) -> Response<Body> {
        let client = self.client;
        tokio::spawn(async move {
            let sent = match client.await {
                Ok(stream) => send(TokioIo::new(stream), events, encoding).await.map_err(|e| e.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = sent {
                tracing::debug!(error, "a watch on a WebSocket broke off");
            }
            drop(held);
        });
        let mut response = Response::new(full(""));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = self.headers;
        response
    }
}

/// Sends events until there are no more, or the client closes.
async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    mut events: Body,
    encoding: Encoding,
) -> Result<(), Error> {
    let config = WebSocketConfig::default()
        .read_buffer_size(HEARD)
        .write_buffer_size(0)
        .max_message_size(Some(HEARD))
        .max_frame_size(Some(HEARD));
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    loop {
        let piece = tokio::select! {
            heard = socket.next() => match heard {
                None => return Ok(()),
                Some(heard) => {
                    heard?;
                    continue;
                }
            },
            piece = events.frame() => piece,
        };
        let Some(Ok(Ok(piece))) = piece.map(|piece| piece.map(http_body::Frame::into_data)) else {
            let normal = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
            return in_time(socket.send(Message::Close(Some(normal)))).await;
        };
        for message in messages(piece, encoding) {
            in_time(socket.send(message)).await?;
        }
    }
}

/// A client that reads nothing is not waited for.
async fn in_time(sending: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    timeout(PATIENCE, sending).await.unwrap_or(Err(Error::ConnectionClosed))
}

/// The events of a piece: lines of JSON, or documents of protobuf, each behind its length.
fn messages(mut piece: Bytes, encoding: Encoding) -> Vec<Message> {
    let mut messages = Vec::new();
    while !piece.is_empty() {
        let message = if encoding == Encoding::Protobuf {
            let Ok(length) = piece.try_get_u32() else { break };
            let length = length as usize;
            if length > piece.len() {
                break;
            }
            Message::Binary(piece.split_to(length))
        } else {
            let end = piece.iter().position(|byte| *byte == b'\n').map_or(piece.len(), |end| end + 1);
            let Ok(line) = Utf8Bytes::try_from(piece.split_to(end)) else { break };
            Message::Text(line)
        };
        messages.push(message);
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_a_message() {
        let texts = messages(Bytes::from_static(b"{\"a\":1}\n{\"b\":2}\n"), Encoding::Json);
        assert_eq!(texts, [Message::text("{\"a\":1}\n"), Message::text("{\"b\":2}\n")]);
        let binary = messages(Bytes::from_static(b"\0\0\0\x02ab\0\0\0\x01c"), Encoding::Protobuf);
        assert_eq!(binary, [Message::binary(&b"ab"[..]), Message::binary(&b"c"[..])]);
        assert_eq!(messages(Bytes::from_static(b"\0\0\0\x09ab"), Encoding::Protobuf), []);
    }
}
