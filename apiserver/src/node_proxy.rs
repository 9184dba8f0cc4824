//! The way to the agents of nodes: HTTPS with the server's own client certificate, to exactly the certificate that
//! the node has published (see `docs/decisions/0002-node-certificates.md`).

use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use object::{Reason, Status};

use crate::backend::{self, Error, Running, Streams, Trust, failed, upgrade_of};
use crate::body::{Body, full};
use crate::certs::Pair;
use crate::tls::{self, Shown};

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
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// Connects clients with nodes.
pub(crate) struct NodeProxy {
    /// What the server shows to nodes.
    shown: Arc<Shown>,
    streams: Streams,
}

impl NodeProxy {
    /// A proxy that shows this certificate to nodes.
    pub(crate) fn new(pair: &Pair, streams: Streams) -> Result<Self, tls::Error> {
        Ok(Self { shown: Shown::new(pair)?, streams })
    }

    /// Shows another certificate from now on.
    pub(crate) fn renew(&self, pair: &Pair) -> Result<(), tls::Error> {
        self.shown.replace(pair)
    }

    /// A text from a node, passed on piece by piece as it comes.
    pub(crate) async fn read(&self, to: &Endpoint, path: &str) -> Result<Response<Body>, Status> {
        let request = Request::get(path).body(full(""));
        let (answer, connection) = self
            .ask(to, request)
            .await
            .map_err(|error| failed(format!("Get \"https://{}{path}\": {error}", to.authority())))?;
        if !answer.status().is_success() && !is_json(&answer) {
            return Err(refusal(answer).await);
        }
        let mut headers = media_type(&answer);
        if answer.status().is_success() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        }
        Ok(self.streams.pass_on(answer, connection, headers))
    }

    /// Joins the client's connection with one to a node, once that has agreed to change protocols. A node's refusal
    /// is passed on as it is.
    pub(crate) async fn upgrade(
        &self,
        to: &Endpoint,
        path: &str,
        parts: &Parts,
    ) -> Result<Response<Body>, Status> {
        let client = upgrade_of(parts).ok_or_else(|| Status::bad_request("Upgrade request required"))?;
        let place = self.streams.place()?;
        let mut request = Request::builder().method(parts.method.clone()).uri(path);
        if let Some(headers) = request.headers_mut() {
            *headers = handshake(&parts.headers);
        }
        let (answer, connection) = self
            .ask(to, request.body(full("")))
            .await
            .map_err(|error| failed(format!("error dialing backend: {error}")))?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            let headers = media_type(&answer);
            return Ok(self.streams.pass_on(answer, connection, headers));
        }
        let headers = without_framing(answer.headers());
        Ok(self.streams.join(client, answer, connection, place, headers))
    }

    /// Sends a request to a node and awaits the head of its answer.
    pub(crate) async fn ask(
        &self,
        to: &Endpoint,
        request: http::Result<Request<Body>>,
    ) -> Result<(Response<Incoming>, Running), Error> {
        let mut request = request?;
        let host = HeaderValue::from_str(&to.authority()).map_err(http::Error::from)?;
        request.headers_mut().insert(HOST, host);
        let trust = Trust::Certificate(to.fingerprint);
        let shown = Some(self.shown.clone());
        let stream = backend::dial_tls(&to.host, to.port, &to.authority(), shown, trust).await?;
        backend::ask(stream, request, true).await
    }
}

/// The one header of a node's answer that is passed on.
fn media_type(answer: &Response<Incoming>) -> HeaderMap {
    let found = answer.headers().get(CONTENT_TYPE);
    found.map(|value| (CONTENT_TYPE, value.clone())).into_iter().collect()
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
