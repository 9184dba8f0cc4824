//! Probes by the health service of gRPC (`grpc.health.v1.Health/Check`, see grpc/doc/health-checking.md).

use std::convert::Infallible;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::ask::{MOST, Tried};
use super::dial::{authority, dial};

const SERVING: u64 = 1;
/// `HealthCheckResponse.status` by number.
const STATES: [&str; 4] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
/// gRPC's code for a method that a server does not have.
const UNIMPLEMENTED: &str = "12";

/// What a call came to: gRPC's code and message, and the answer's bytes.
struct Reply {
    code: String,
    message: String,
    frame: Vec<u8>,
}

pub(crate) async fn ask(ip: &str, port: u16, service: &str, timeout: Duration) -> Tried {
    let (to, seconds) = (authority(ip, port), timeout.as_secs());
    let deadline = Instant::now() + timeout;
    let stream = match dial(ip, port, deadline).await {
        Ok(stream) => stream,
        Err(_) if Instant::now() >= deadline => {
            let why = format!("timeout: failed to connect service {to:?} within {seconds}s");
            return Tried::Failure(format!("{why}: context deadline exceeded"));
        }
        Err(why) => return Tried::Failure(format!("error: failed to connect service at {to:?}: {why}")),
    };
    match timeout_at(deadline, call(stream, &to, service)).await {
        Ok(Ok(reply)) => judge(&reply),
        Ok(Err(error)) => Tried::Failure(format!("error: health rpc probe failed: {error}")),
        Err(_) => Tried::Failure(format!("timeout: health rpc did not complete within {seconds}s")),
    }
}

async fn call(stream: TcpStream, authority: &str, service: &str) -> Result<Reply, String> {
    let handshake = http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
    let request = Request::post(format!("http://{authority}/grpc.health.v1.Health/Check"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", "kube-probe/1.37")
        .body(Full::new(question(service)))
        .map_err(|error| error.to_string())?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        read(response).await.map_err(|error| error.to_string())
    };
    // Bytes move as long as the connection is polled; once it has ended the answer is all there.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        reply = answer => reply,
        never = driven => match never {},
    }
}

/// `HealthCheckRequest { service }` as a message of gRPC.
fn question(service: &str) -> Bytes {
    let mut message = BytesMut::new();
    if !service.is_empty() {
        message.put_u8(0x0a);
        put_varint(&mut message, service.len() as u64);
        message.put_slice(service.as_bytes());
    }
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(message.len() as u32);
    framed.put(message);
    framed.freeze()
}

async fn read(response: Response<Incoming>) -> Result<Reply, hyper::Error> {
    let (head, mut body) = response.into_parts();
    let (mut frame, mut end) = (Vec::new(), head.headers);
    while let Some(part) = body.frame().await {
        match part?.into_data() {
            Ok(data) => frame.extend_from_slice(&data[..data.len().min(MOST - frame.len())]),
            Err(other) => end.extend(other.into_trailers().unwrap_or_default()),
        }
    }
    let text = |name: &str| text(&end, name);
    let code = Some(text("grpc-status")).filter(|code| !code.is_empty());
    let code = code.unwrap_or_else(|| if head.status.is_success() { "2" } else { UNIMPLEMENTED }.to_owned());
    Ok(Reply { code, message: text("grpc-message"), frame })
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

fn judge(Reply { code, message, frame }: &Reply) -> Tried {
    if code == UNIMPLEMENTED {
        let why = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)";
        return Tried::Failure(format!("{why}: {message}"));
    }
    if code != "0" {
        return Tried::Failure(format!("error: health rpc probe failed: code {code}: {message}"));
    }
    match frame.get(5..).and_then(state) {
        Some(SERVING) => Tried::Success,
        state => {
            let state =
                state.and_then(|state| STATES.get(usize::try_from(state).ok()?)).unwrap_or(&"UNKNOWN");
            Tried::Failure(format!("service unhealthy (responded with {state:?})"))
        }
    }
}

/// `HealthCheckResponse.status`; 0 where it is left out. None where the message is not one.
fn state(mut message: &[u8]) -> Option<u64> {
    const STATUS: u64 = 1 << 3;
    let mut state = 0;
    while !message.is_empty() {
        let tag = take_varint(&mut message)?;
        match tag & 7 {
            0 => {
                let value = take_varint(&mut message)?;
                state = if tag == STATUS { value } else { state };
            }
            2 => {
                let length = usize::try_from(take_varint(&mut message)?).ok()?;
                message = message.get(length..)?;
            }
            _ => return None,
        }
    }
    Some(state)
}

fn put_varint(to: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        to.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    to.put_u8(value as u8);
}

fn take_varint(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
