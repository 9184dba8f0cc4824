//! The accept loop: TCP, TLS, HTTP/1.1 and HTTP/2, all of it bounded in number and time.
//!
//! Each connection is one task that ends when the client goes, when it breaks a limit, or when the server stops:
//! then no connection is accepted any more, requests under way may finish, and what is left at the deadline is cut.

mod connection;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body::Body;
use hyper::body::Incoming;
use hyper::{Request, Response};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::identity::Identity;
use connection::Connection;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub addr: SocketAddr,
    /// Who it is, if it showed a certificate.
    pub identity: Option<Arc<Identity>>,
}

/// What a connection may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time; further clients wait in the kernel's queue.
    pub connections: usize,
    /// Time for the TLS handshake.
    pub handshake: Duration,
    /// Time for the head of a request on HTTP/1.1, idle time before it included.
    pub head: Duration,
    /// Silence after which an HTTP/2 client is asked for a sign of life.
    pub ping: Duration,
    /// Requests at a time on one HTTP/2 connection.
    pub streams: u32,
    /// Bytes of a request's headers on HTTP/2.
    pub header_bytes: u32,
    /// Time that requests under way have to finish when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(90),
            ping: Duration::from_secs(30),
            streams: 1_000,
            header_bytes: 256 << 10,
            drain: Duration::from_secs(10),
        }
    }
}

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the port.
    #[error("cannot listen on {0}: the port is in use")]
    InUse(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {addr}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// How far the server is with stopping; connections follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// All is well.
    Serving,
    /// No new requests; those under way may finish.
    Draining,
    /// The deadline has passed.
    Cut,
}

/// Listens on an address; port 0 takes any free one.
pub async fn bind(addr: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(addr).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => Error::InUse(addr),
        _ => Error::Bind { addr, source },
    })
}

/// Serves connections until `stop` is done, then drains. Returns how many connections had to be cut.
///
/// `handler` is called once per request, concurrently. Responses that never end (watches) must be ended by the
/// handler when the server stops, or they are cut at the deadline. A connection that was upgraded is the
/// handler's, and is neither counted nor drained here.
pub async fn serve<H, F, B>(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    limits: Limits,
    handler: H,
    stop: impl Future<Output = ()>,
) -> usize
where
    H: Fn(Request<Incoming>, Peer) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let permits = Arc::new(Semaphore::new(limits.connections));
    let (phase, phases) = watch::channel(Phase::Serving);
    let connection = Arc::new(Connection::new(TlsAcceptor::from(tls), &limits, handler));
    let accept_all = async {
        loop {
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            let (stream, addr) = accept(&listener).await;
            let (connection, phases) = (connection.clone(), phases.clone());
            tokio::spawn(async move {
                connection.run(stream, addr, phases).await;
                drop(permit);
            });
        }
    };
    tokio::select! {
        () = accept_all => {}
        () = stop => {}
    }
    drop(listener);
    phase.send_replace(Phase::Draining);
    drain(&permits, &limits, &phase).await
}

/// Waits until every connection has given its permit back, or the deadline.
async fn drain(permits: &Semaphore, limits: &Limits, phase: &watch::Sender<Phase>) -> usize {
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    if tokio::time::timeout(limits.drain, permits.acquire_many(all)).await.is_ok() {
        return 0;
    }
    let left = limits.connections.saturating_sub(permits.available_permits());
    phase.send_replace(Phase::Cut);
    left
}

/// The next connection. Errors here are the client's (it has gone) or pass (too many open files): try again.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(e) if matches!(e.kind(), ConnectionAborted | ConnectionReset | Interrupted) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
