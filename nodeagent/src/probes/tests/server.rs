//! Servers on this machine for probes to ask.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::generate_simple_self_signed;
use rustls::ServerConfig;
use rustls::crypto::ring;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A port where nobody listens.
pub(super) async fn closed() -> u16 {
    let (listener, port) = listener().await;
    drop(listener);
    port
}

pub(super) async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Answers by path; the address is asked by the peer that is in the request's `Host`.
fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let header = |name: &str| {
        let value = request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        format!("{name}={}", value.unwrap_or_else(|| "none".to_owned()))
    };
    let redirect = |to: String| Response::builder().status(302).header("location", to);
    let host = request.headers()["host"].to_str().unwrap();
    let (builder, body) = match request.uri().path() {
        "/ok" => (Response::builder(), String::new()),
        "/down" => (Response::builder().status(503), String::new()),
        "/here" => (redirect("/down?x".into()), String::new()),
        "/same" => (redirect(format!("http://{host}/ok")), String::new()),
        "/away" => (redirect("http://example.invalid/".into()), "bye".to_owned()),
        "/loop" => (redirect("/loop".into()), String::new()),
        "/cached" => (Response::builder().status(304), String::new()),
        "/large" => (Response::builder(), "x".repeat(1 << 20)),
        // Tells the headers by a redirect away, whose body a probe's warning shows.
        "/headers" => {
            let told = ["host", "user-agent", "accept", "x", "connection"].map(header).join(" ");
            (redirect("http://example.invalid/".into()), told)
        }
        other => (Response::builder().status(404), other.to_owned()),
    };
    builder.body(Full::new(body.into())).unwrap()
}

pub(super) async fn http() -> u16 {
    let (listener, port) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request)));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    });
    port
}

/// With a certificate that nobody vouches for.
pub(super) async fn https() -> u16 {
    let signed = generate_simple_self_signed(["elsewhere.example".to_owned()]).unwrap();
    let key = signed.signing_key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![signed.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, port) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request)));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    });
    port
}

/// Writes these bytes to everyone who has asked something, and hangs up, or stays silent where there are none.
pub(super) async fn raw(bytes: Option<&'static [u8]>, hang_up: bool) -> u16 {
    let (listener, port) = listener().await;
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            if let Some(bytes) = bytes {
                let _ = stream.write_all(bytes).await;
            }
            if !hang_up {
                open.push(stream);
            }
        }
    });
    port
}

/// A health service that knows the services `well` and `ill`.
pub(super) async fn grpc() -> u16 {
    let (listener, port) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(async |request| Ok::<_, Infallible>(health(request).await));
            let http = http2::Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        }
    });
    port
}

type Frames = StreamBody<futures::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

async fn health(request: Request<Incoming>) -> Response<Frames> {
    use http_body_util::BodyExt;
    assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
    let asked = request.into_body().collect().await.unwrap().to_bytes();
    let (code, message) = match &asked[5..] {
        b"" | b"\x0a\x04well" => ("0", vec![0, 0, 0, 0, 2, 8, 1]),
        b"\x0a\x03ill" => ("0", vec![0, 0, 0, 0, 2, 8, 2]),
        b"\x0a\x03old" => ("12", vec![]),
        _ => ("5", vec![]),
    };
    let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), code.parse().unwrap())]);
    let frames = vec![Ok(Frame::data(message.into())), Ok(Frame::trailers(trailers))];
    let body = StreamBody::new(futures::stream::iter(frames));
    Response::builder().header("content-type", "application/grpc").body(body).unwrap()
}
