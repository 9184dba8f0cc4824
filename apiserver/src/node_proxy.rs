//! The way to the agents of nodes: HTTPS with the server's own client certificate, to exactly the certificate that
//! the node has published (see `docs/decisions/0002-node-certificates.md`).

mod error;
mod pin;
mod splice;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, BodyStream, Empty, Limited, StreamBody};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use object::{Reason, Status};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::body::{Body, BodyError};
use crate::certs::Pair;
use crate::tls::{self, Shown};
use error::Error;
pub(crate) use error::failed;

/// Time to reach a node, its handshake included.
const DIAL: Duration = Duration::from_secs(10);
/// Time for a node to begin its answer.
const HEAD: Duration = Duration::from_secs(60);
/// Streams (not logs) at a time.
const STREAMS: usize = 10_000;
/// How much of a node's refusal is told, in bytes.
const TOLD: usize = 2048;

/// Where the agent of a node listens, and the SHA-256 of the certificate that it must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) fingerprint: [u8; 32],
}

impl Endpoint {
    /// `10.0.0.1:10250`, `[fd00::1]:10250`
    fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// Connects clients with nodes.
pub(crate) struct NodeProxy {
    /// What the server shows to nodes.
    shown: Arc<Shown>,
    streams: Arc<Semaphore>,
    /// Becomes true when the server stops: then streams end.
    stopping: watch::Receiver<bool>,
}

impl NodeProxy {
    /// A proxy that shows this certificate to nodes.
    pub(crate) fn new(pair: &Pair, stopping: watch::Receiver<bool>) -> Result<Self, tls::Error> {
        Ok(Self { shown: Shown::new(pair)?, streams: Arc::new(Semaphore::new(STREAMS)), stopping })
    }

    /// Shows another certificate from now on.
    pub(crate) fn renew(&self, pair: &Pair) -> Result<(), tls::Error> {
        self.shown.replace(pair)
    }

    /// A text from a node, passed on piece by piece as it comes.
    pub(crate) async fn read(&self, to: &Endpoint, path: &str) -> Result<Response<Body>, Status> {
        let request = (Method::GET, path, HeaderMap::new());
        let (answer, connection) = self
            .ask(to, request)
            .await
            .map_err(|error| failed(format!("Get \"https://{}{path}\": {error}", to.authority())))?;
        if !answer.status().is_success() && !is_json(&answer) {
            return Err(refusal(answer).await);
        }
        let mut response = self.pass_on(answer, connection);
        if response.status().is_success() {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        }
        Ok(response)
    }

    /// Joins the client's connection with one to a node, once that has agreed to change protocols. A node's refusal
    /// is passed on as it is.
    pub(crate) async fn upgrade(
        &self,
        to: &Endpoint,
        path: &str,
        parts: &Parts,
    ) -> Result<Response<Body>, Status> {
        let client = parts.extensions.get::<OnUpgrade>().filter(|_| wants_upgrade(&parts.headers));
        let client = client.ok_or_else(|| Status::bad_request("Upgrade request required"))?.clone();
        let permit = self.streams.clone().try_acquire_owned();
        let permit = permit.map_err(|_| Status::too_many_requests("too many streams are open", 1))?;
        let request = (parts.method.clone(), path, handshake(&parts.headers));
        let (mut answer, connection) =
            self.ask(to, request).await.map_err(|error| failed(format!("error dialing backend: {error}")))?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(self.pass_on(answer, connection));
        }
        let node = hyper::upgrade::on(&mut answer);
        let stopping = self.stopping.clone();
        tokio::spawn(async move {
            if let Err(error) = splice::run(client, node, stopping).await {
                tracing::debug!(%error, "a stream broke off");
            }
            drop((connection, permit));
        });
        let mut response = Response::new(crate::body::full(""));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = without_framing(answer.headers());
        Ok(response)
    }

    /// Sends a request to a node and awaits the head of its answer.
    async fn ask(
        &self,
        to: &Endpoint,
        (method, path, headers): (Method, &str, HeaderMap),
    ) -> Result<(Response<Incoming>, Running), Error> {
        let stream = self.dial(to).await?;
        let (mut sender, http) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let running = Running(tokio::spawn(async move {
            if let Err(error) = http.with_upgrades().await {
                tracing::debug!(%error, "a connection to a node broke off");
            }
        }));
        let mut request = Request::builder().method(method).uri(path).body(Empty::<Bytes>::new())?;
        *request.headers_mut() = headers;
        request
            .headers_mut()
            .insert(HOST, HeaderValue::from_str(&to.authority()).map_err(http::Error::from)?);
        let answer = tokio::time::timeout(HEAD, sender.send_request(request)).await;
        Ok((answer.map_err(|_| Error::Late)??, running))
    }

    /// A connection to a node, which has shown its very certificate.
    async fn dial(&self, to: &Endpoint) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Error> {
        let address = to.authority();
        let name = ServerName::try_from(to.host.clone()).map_err(|_| Error::Name(to.host.clone()))?;
        let config = tls::client_config(self.shown.clone(), Arc::new(pin::Pin::new(to.fingerprint)))?;
        let connecting = async {
            let stream = TcpStream::connect((to.host.as_str(), to.port)).await;
            let stream = stream.map_err(|source| Error::Dial { address: address.clone(), source })?;
            // without it answers wait for acknowledgements; an error means the node has gone
            let _ = stream.set_nodelay(true);
            TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(Error::of_handshake)
        };
        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
        let answer = tokio::time::timeout(DIAL, connecting).await;
        answer.unwrap_or_else(|_| Err(Error::Dial { address: address.clone(), source: late }))
    }

    /// A node's answer as the server's own, until the server stops.
    fn pass_on(&self, answer: Response<Incoming>, connection: Running) -> Response<Body> {
        let (parts, body) = answer.into_parts();
        let mut stopping = self.stopping.clone();
        let stopped = Box::pin(async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        });
        let frames = BodyStream::new(body).take_until(stopped).map(move |frame| {
            let _held = &connection;
            frame.map_err(BodyError::new)
        });
        let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
        *response.status_mut() = parts.status;
        if let Some(media_type) = parts.headers.get(CONTENT_TYPE) {
            response.headers_mut().insert(CONTENT_TYPE, media_type.clone());
        }
        response
    }
}

/// A connection's task, which ends when nobody needs its answer any more.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn is_json(answer: &Response<Incoming>) -> bool {
    let media_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|text| text.starts_with("application/json"))
}

/// What a node said in plain words, as a Status.
async fn refusal(answer: Response<Incoming>) -> Status {
    let code = answer.status().as_u16();
    let text = match Limited::new(answer.into_body(), TOLD).collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).trim().to_owned(),
        Err(_) => "the node's answer cannot be read".to_owned(),
    };
    match code {
        400 => Status::bad_request(text),
        404 => Status::new(404, Reason::NotFound, text),
        500 => Status::internal(text),
        _ => Status { code, reason: None, message: text, details: None },
    }
}

/// Whether a client asks to change protocols (RFC 9110 §7.8).
fn wants_upgrade(headers: &HeaderMap) -> bool {
    let texts = headers.get_all(CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    let mut tokens = texts.flat_map(|text| text.split(','));
    headers.contains_key(UPGRADE) && tokens.any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
}

/// The headers with which client and node agree on a protocol: of WebSocket, and of SPDY's streams.
fn handshake(headers: &HeaderMap) -> HeaderMap {
    let passed = |name: &HeaderName| {
        *name == UPGRADE
            || name.as_str().starts_with("sec-websocket-")
            || name.as_str() == "x-stream-protocol-version"
    };
    let mut kept: HeaderMap =
        headers.iter().filter(|(name, _)| passed(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    kept.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    kept
}

fn without_framing(headers: &HeaderMap) -> HeaderMap {
    let framing = [CONTENT_LENGTH, TRANSFER_ENCODING, DATE];
    let kept = headers.iter().filter(|(name, _)| !framing.contains(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}
