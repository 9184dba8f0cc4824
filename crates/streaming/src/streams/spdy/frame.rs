//! Frames of SPDY/3 (draft 3, section 2.2).

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::Malformed;

/// Bytes before a frame's body.
const HEAD: usize = 8;
/// Most bytes of a client's frame.
const BODY: usize = 4 * 1024 * 1024;

const VERSION: u16 = 0x8003;
const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
const HEADERS: u16 = 8;
const FIN: u8 = 1;

/// Why a stream is reset: the server takes no such stream.
const REFUSED_STREAM: u32 = 3;

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The client opens a stream; `block` are its headers.
    Open { stream: u32, block: Bytes },
    /// Further headers.
    Headers { block: Bytes },
    /// Data, and whether it is the last.
    Data { stream: u32, data: Bytes, fin: bool },
    /// The client gives a stream up.
    Reset { stream: u32 },
    /// To be sent back, when the number is odd: the client's.
    Ping { id: u32 },
    /// The client is about to leave.
    Leave,
    /// Nothing that matters here: settings, windows (which no client of this use heeds).
    Other,
}

/// The first frame in `bytes`, taken out; none while it is not complete.
pub(super) fn take(bytes: &mut BytesMut) -> Result<Option<Frame>, Malformed> {
    let Some(head) = bytes.first_chunk::<HEAD>() else { return Ok(None) };
    let (first, flags) = (u32::from_be_bytes([head[0], head[1], head[2], head[3]]), head[4]);
    let length = u32::from_be_bytes([0, head[5], head[6], head[7]]) as usize;
    if length > BODY {
        return Err(Malformed);
    }
    if bytes.len() < HEAD + length {
        return Ok(None);
    }
    bytes.advance(HEAD);
    let body = bytes.split_to(length).freeze();
    let fin = flags & FIN != 0;
    if first >> 31 == 0 {
        return Ok(Some(Frame::Data { stream: first, data: body, fin }));
    }
    if first >> 16 != u32::from(VERSION) {
        return Err(Malformed);
    }
    control((first & 0xffff) as u16, body).map(Some)
}

fn control(kind: u16, mut body: Bytes) -> Result<Frame, Malformed> {
    let mut number = || body.try_get_u32().map_err(|_| Malformed);
    Ok(match kind {
        SYN_STREAM => {
            let stream = number()?;
            // the stream it belongs to, and its priority
            number()?;
            body.try_get_u16().map_err(|_| Malformed)?;
            Frame::Open { stream, block: body }
        }
        HEADERS => {
            number()?;
            Frame::Headers { block: body }
        }
        RST_STREAM => Frame::Reset { stream: number()? },
        PING => Frame::Ping { id: number()? },
        GOAWAY => Frame::Leave,
        _ => Frame::Other,
    })
}

/// A frame that accepts a stream.
pub(super) fn reply(stream: u32, block: &[u8]) -> Bytes {
    frame(SYN_REPLY, &[&stream.to_be_bytes()[..], block].concat())
}

/// A frame that refuses a stream.
pub(super) fn refuse(stream: u32) -> Bytes {
    frame(RST_STREAM, &[stream.to_be_bytes(), REFUSED_STREAM.to_be_bytes()].concat())
}

/// A ping, or the answer to one.
pub(super) fn ping(id: u32) -> Bytes {
    frame(PING, &id.to_be_bytes())
}

/// A frame of data; `fin` says that it is the stream's last.
pub(super) fn data(stream: u32, data: &[u8], fin: bool) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEAD + data.len());
    bytes.put_u32(stream);
    put(&mut bytes, if fin { FIN } else { 0 }, data);
    bytes.freeze()
}

fn frame(kind: u16, body: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEAD + body.len());
    bytes.put_u16(VERSION);
    bytes.put_u16(kind);
    put(&mut bytes, 0, body);
    bytes.freeze()
}

fn put(bytes: &mut BytesMut, flags: u8, body: &[u8]) {
    bytes.put_u8(flags);
    bytes.put_uint(body.len() as u64, 3);
    bytes.put_slice(body);
}
