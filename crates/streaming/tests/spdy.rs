//! The client's side of SPDY/3.1.

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::node::{Node, within};

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub type Connection = Box<dyn Stream>;

/// A frame as it came: its first word (a stream, or version and kind), whether it is a stream's last, its body.
pub type Frame = (u32, bool, Vec<u8>);

/// Opens a stream, in a frame's first word.
pub const OPEN: u32 = 0x8003_0001;
pub const REPLY: u32 = 0x8003_0002;
pub const RESET: u32 = 0x8003_0003;
pub const PING: u32 = 0x8003_0006;
pub const GOAWAY: u32 = 0x8003_0007;

/// An upgraded connection on whose streams this is spoken.
pub async fn upgrade(node: &Node, path: &str, protocol: &'static str) -> Connection {
    let client = TokioIo::new(node.connect().await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(client).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    let request = http::Request::post(path)
        .header("host", "node")
        .header("connection", "Upgrade")
        .header("upgrade", "SPDY/3.1")
        .header("x-stream-protocol-version", protocol)
        .header("x-stream-protocol-version", "v3.channel.k8s.io");
    let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
    let answer = within(sender.send_request(request)).await.unwrap();
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.headers()["upgrade"], "SPDY/3.1");
    assert_eq!(answer.headers()["x-stream-protocol-version"], protocol);
    Box::new(TokioIo::new(within(hyper::upgrade::on(answer)).await.unwrap()))
}

/// A block of headers in a zlib stream that compresses nothing.
fn headers(words: &[(&str, &str)], first: bool) -> Vec<u8> {
    let mut text = (words.len() as u32).to_be_bytes().to_vec();
    for word in words.iter().flat_map(|(name, value)| [name, value]) {
        text.extend((word.len() as u32).to_be_bytes());
        text.extend(word.as_bytes());
    }
    let length = text.len() as u16;
    let head: &[u8] = if first { &[0x78, 0x01] } else { &[] };
    [head, &[0], &length.to_le_bytes(), &(!length).to_le_bytes(), &text].concat()
}

pub async fn put(connection: &mut Connection, first: u32, flags: u8, body: &[u8]) {
    let length = &(body.len() as u32).to_be_bytes()[1..];
    let frame = [&first.to_be_bytes()[..], &[flags], length, body].concat();
    within(connection.write_all(&frame)).await.unwrap();
}

/// The next frame, or the connection's end.
pub async fn get(connection: &mut Connection) -> Option<Frame> {
    let mut head = [0; 8];
    within(connection.read_exact(&mut head)).await.ok()?;
    let mut body = vec![0; u32::from_be_bytes([0, head[5], head[6], head[7]]) as usize];
    within(connection.read_exact(&mut body)).await.unwrap();
    Some((u32::from_be_bytes([head[0], head[1], head[2], head[3]]), head[4] & 1 != 0, body))
}

/// Opens a stream with these headers; the first of a connection begins the stream of compressed headers.
pub async fn open(connection: &mut Connection, stream: u32, words: &[(&str, &str)], first: bool) {
    let head = [&stream.to_be_bytes()[..], &[0; 6]].concat();
    put(connection, OPEN, 0, &[head, headers(words, first)].concat()).await;
}

/// Opens a stream that is accepted.
pub async fn accepted(connection: &mut Connection, stream: u32, words: &[(&str, &str)], first: bool) {
    open(connection, stream, words, first).await;
    let (kind, _, body) = get(connection).await.expect("a reply");
    assert_eq!((kind, &body[..4]), (REPLY, &stream.to_be_bytes()[..]));
}
