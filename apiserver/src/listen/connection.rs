//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Limits, Peer, Phase};
use crate::identity::Identity;

/// What a client that speaks plain HTTP is told, as by upstream (Go's `net/http`).
const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
/// First byte of a TLS record that opens a handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;
/// Window of one HTTP/2 stream, and of a connection.
const WINDOWS: (u32, u32) = (256 << 10, 2 << 20);

/// What all connections have in common.
pub(super) struct Connection<H> {
    acceptor: TlsAcceptor,
    builder: Builder<TokioExecutor>,
    handshake: Duration,
    first_request: Duration,
    handler: H,
}

impl<H> Connection<H> {
    pub(super) fn new(acceptor: TlsAcceptor, limits: &Limits, handler: H) -> Self {
        let (handshake, first_request) = (limits.handshake, limits.head);
        Self { acceptor, builder: builder(limits), handshake, first_request, handler }
    }

    /// Serves a connection to its end.
    pub(super) async fn run<F, B>(&self, stream: TcpStream, addr: SocketAddr, phases: watch::Receiver<Phase>)
    where
        H: Fn(Request<Incoming>, Peer) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // without it answers wait for acknowledgements; an error means the client has gone
        let _ = stream.set_nodelay(true);
        match tokio::time::timeout(self.handshake, self.secure(stream)).await {
            Ok(Ok(Some(stream))) => {
                let peer = Peer { addr, identity: identity(&stream) };
                self.serve(stream, peer, phases).await;
            }
            Ok(Ok(None)) => tracing::debug!(%addr, "plain HTTP on the TLS port"),
            Ok(Err(error)) => tracing::debug!(%addr, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%addr, "TLS handshake took too long"),
        }
    }

    /// The TLS handshake; none if the client spoke plain HTTP, and was told so.
    async fn secure(&self, mut stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE && first[0].is_ascii_uppercase() {
            refuse_plain(&mut stream).await?;
            return Ok(None);
        }
        self.acceptor.accept(stream).await.map(Some)
    }

    async fn serve<F, B>(&self, stream: TlsStream<TcpStream>, peer: Peer, mut phases: watch::Receiver<Phase>)
    where
        H: Fn(Request<Incoming>, Peer) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let addr = peer.addr;
        let used = Arc::new(AtomicBool::new(false));
        let service = {
            let (handler, used) = (self.handler.clone(), used.clone());
            service_fn(move |request| {
                used.store(true, Ordering::Relaxed);
                let answer = handler(request, peer.clone());
                async move { Ok::<_, Infallible>(answer.await) }
            })
        };
        let mut http = pin!(self.builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
        let mut unused = pin!(tokio::time::sleep(self.first_request));
        let mut waiting = true;
        let mut seen = Phase::Serving;
        loop {
            tokio::select! {
                ended = &mut http => {
                    if let Err(error) = ended {
                        tracing::debug!(%addr, %error, "connection ended");
                    }
                    return;
                }
                () = &mut unused, if waiting => {
                    waiting = false;
                    if !used.load(Ordering::Relaxed) {
                        return;
                    }
                }
                phase = after(&mut phases, seen) => match phase {
                    Phase::Cut => return,
                    phase => {
                        seen = phase;
                        http.as_mut().graceful_shutdown();
                    }
                },
            }
        }
    }
}

/// The first phase after `seen`; a server that is gone counts as cut.
async fn after(phases: &mut watch::Receiver<Phase>, seen: Phase) -> Phase {
    phases.wait_for(|phase| *phase > seen).await.map_or(Phase::Cut, |phase| *phase)
}

/// What is written ahead of a client on a connection of HTTP/1.1, beyond the piece at hand, and the longest head of a
/// request: one that reads nothing keeps no more.
const BUFFER: usize = 128 << 10;

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.ping)
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_bytes)
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1);
    builder
}

/// Answers plain HTTP in plain HTTP; what was sent is read first, since closing on unread bytes resets.
async fn refuse_plain(stream: &mut TcpStream) -> io::Result<()> {
    let _ = stream.read(&mut [0; 4096]).await?;
    stream.write_all(NOT_TLS).await?;
    stream.shutdown().await
}

/// Whom the verified client certificate names; one that names nobody proves nothing.
fn identity(stream: &TlsStream<TcpStream>) -> Option<Arc<Identity>> {
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates()?.first()?;
    Identity::from_certificate(certificate)
        .inspect_err(|error| tracing::debug!(%error, "client certificate ignored"))
        .ok()
        .map(Arc::new)
}
