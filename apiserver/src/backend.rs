//! HTTP/1.1 to what stands behind the server: agents of nodes, and what pods and services serve.

mod error;
mod splice;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use http::header::CONNECTION;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use object::Status;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::body::{Body, BodyError, full};
use crate::tls::{self, Shown};
pub(crate) use error::{Error, failed};
pub(crate) use trust::Trust;
use trust::Verifier;

/// Time to reach a backend, a handshake included.
const DIAL: Duration = Duration::from_secs(10);
/// Time for an agent to begin its answer.
const HEAD: Duration = Duration::from_secs(60);
/// Streams (not answers) at a time.
const STREAMS: usize = 10_000;

/// Streams through the server: how many there are, and when they must end.
#[derive(Clone)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    /// Becomes true when the server stops.
    stopping: watch::Receiver<bool>,
}

impl Streams {
    pub(crate) fn new(stopping: watch::Receiver<bool>) -> Self {
        Self { places: Arc::new(Semaphore::new(STREAMS)), stopping }
    }

    /// A place for one more stream; 429 where there is none.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Status> {
        let place = self.places.clone().try_acquire_owned();
        place.map_err(|_| Status::too_many_requests("too many streams are open", 1))
    }

    /// Joins a client's connection with a backend's, which has agreed to change protocols: 101 with these headers.
    pub(crate) fn join(
        &self,
        client: OnUpgrade,
        mut answer: Response<Incoming>,
        connection: Running,
        place: OwnedSemaphorePermit,
        headers: HeaderMap,
    ) -> Response<Body> {
        let backend = hyper::upgrade::on(&mut answer);
        let stopping = self.stopping.clone();
        tokio::spawn(async move {
            if let Err(error) = splice::run(client, backend, stopping).await {
                tracing::debug!(%error, "a stream broke off");
            }
            drop((connection, place));
        });
        let mut response = Response::new(full(""));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = headers;
        response
    }

    /// A backend's answer, with these headers, as it comes; it ends when the server stops.
    pub(crate) fn pass_on(
        &self,
        answer: Response<Incoming>,
        connection: Running,
        headers: HeaderMap,
    ) -> Response<Body> {
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
        *response.headers_mut() = headers;
        response
    }
}

/// A connection's task, which ends when nobody needs its answer any more.
pub(crate) struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A TCP connection to a backend; `address` is how it is called in errors.
pub(crate) async fn dial(host: &str, port: u16, address: &str) -> Result<TcpStream, Error> {
    let dialled = tokio::time::timeout(DIAL, TcpStream::connect((host, port))).await;
    let late = |_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut));
    let stream = dialled.unwrap_or_else(late);
    let stream = stream.map_err(|source| Error::Dial { address: address.to_owned(), source })?;
    // without it answers wait for acknowledgements; an error means the backend has gone
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// A TLS connection to a backend whose certificate is trusted; the server shows its own to those that know it.
pub(crate) async fn dial_tls(
    host: &str,
    port: u16,
    address: &str,
    shown: Option<Arc<Shown>>,
    trust: Trust,
) -> Result<TlsStream<TcpStream>, Error> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::Name(host.to_owned()))?;
    let config = tls::client_config(shown, Arc::new(Verifier::new(trust)))?;
    let stream = dial(host, port, address).await?;
    let shaking = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let late = |_| Err(std::io::ErrorKind::TimedOut.into());
    tokio::time::timeout(DIAL, shaking).await.unwrap_or_else(late).map_err(Error::of_handshake)
}

/// Sends a request and awaits the head of its answer, not for long where the backend is one of ours.
pub(crate) async fn ask<S>(
    stream: S,
    request: Request<Body>,
    ours: bool,
) -> Result<(Response<Incoming>, Running), Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, http) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let running = Running(tokio::spawn(async move {
        if let Err(error) = http.with_upgrades().await {
            tracing::debug!(%error, "a connection to a backend broke off");
        }
    }));
    let answer = sender.send_request(request);
    let answer = match ours {
        true => tokio::time::timeout(HEAD, answer).await.map_err(|_| Error::Late)?,
        false => answer.await,
    };
    Ok((answer?, running))
}

/// The client's connection, where it asks to change protocols (RFC 9110 §7.8).
pub(crate) fn upgrade_of(parts: &Parts) -> Option<OnUpgrade> {
    let texts = parts.headers.get_all(CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    let mut tokens = texts.flat_map(|text| text.split(','));
    let asked = parts.headers.contains_key(http::header::UPGRADE)
        && tokens.any(|token| token.trim().eq_ignore_ascii_case("upgrade"));
    parts.extensions.get::<OnUpgrade>().filter(|_| asked).cloned()
}
