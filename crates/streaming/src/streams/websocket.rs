//! WebSockets: a command's session, or forwarded ports.

pub(super) mod command;
pub(super) mod forward;
pub(super) mod tunnel;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::protocol::Message;

/// Most bytes of a client's message.
const MESSAGE: usize = 4 * 1024 * 1024;
/// Most bytes that are read or written at once.
const BUFFER: usize = 32 * 1024;

/// The WebSocket on an upgraded connection.
async fn open<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> WebSocketStream<S> {
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE))
        .max_frame_size(Some(MESSAGE));
    WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await
}

/// The end as clients like it: one without a code they take for a failure.
fn close() -> Frame {
    Frame::Close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))
}

fn frame(message: Message) -> Frame {
    match message {
        Message::Binary(bytes) => Frame::Binary(bytes),
        Message::Text(text) => Frame::Text(text.into()),
    }
}
