//! Accepts connections and serves each in a task of its own.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::Console;
use crate::peer::Peer;
use crate::router::answer;

/// Most connections at a time. Each carries one request, log or session at a time; further ones wait to be accepted.
const CONNECTIONS: usize = 512;
/// How long a client may take for its part of the TLS handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most bytes of a request's head: a command is part of it.
const HEAD: usize = 512 * 1024;
/// How long to wait when the system gives no connection, e.g. for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the clients of `listener` until `stop` is ready; then all connections end, and with them their sessions.
///
/// Only a client whose certificate's common name is [`API_SERVER`](crate::API_SERVER) is served; others are answered
/// 401 or 403, and certificates of other CAs are refused in the handshake.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    console: Arc<dyn Console>,
    stop: impl Future<Output = ()> + Send,
) {
    let acceptor = TlsAcceptor::from(tls);
    let mut open = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            Some(_) = open.join_next(), if !open.is_empty() => {}
            socket = accept(&listener), if open.len() < CONNECTIONS => {
                open.spawn(connection(acceptor.clone(), socket, console.clone()));
            }
        }
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return socket,
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

/// A connection's whole life: handshake, requests, and the session it is upgraded to.
async fn connection(acceptor: TlsAcceptor, socket: TcpStream, console: Arc<dyn Console>) {
    // the small messages of a terminal are not to wait for more
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    match timeout(PATIENCE, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => requests(stream, console).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn requests(stream: TlsStream<TcpStream>, console: Arc<dyn Console>) {
    let peer = Peer::of(stream.get_ref().1.peer_certificates());
    // an upgrade ends the requests, so there is at most one session
    let (sessions, mut session) = mpsc::channel::<BoxFuture<'static, ()>>(1);
    let service = service_fn(|request| {
        let (console, peer, sessions) = (console.clone(), &peer, sessions.clone());
        async move {
            let answer = answer(console, peer, request, Timestamp::now()).await;
            if let Some(session) = answer.session
                && sessions.try_send(session).is_err()
            {
                tracing::error!("a connection was upgraded twice");
            }
            Ok::<_, Infallible>(answer.response)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    match (served, session.try_recv()) {
        (Ok(()), Ok(session)) => session.await,
        (Ok(()), Err(_)) => {}
        (Err(error), _) => tracing::debug!(%error, "a connection broke"),
    }
}
