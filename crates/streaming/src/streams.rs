//! Streams of commands and of forwarded ports: which protocol a client speaks, and what is held in it.
//!
//! `session` knows a command's streams and `forward` a port's, `websocket` and `spdy` know frames; a further protocol is
//! a further implementation of [`Outlet`](session::Outlet) and [`Inlet`](session::Inlet), and of
//! [`Outward`](forward::Outward).

mod forward;
mod protocol;
mod session;
mod spdy;
mod upgrade;
mod verdict;
mod websocket;

#[cfg(test)]
mod tests;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use object::Status;

use self::session::LIMITS;
use crate::{Exec, Session};

pub(crate) use forward::Dialer;
pub(crate) use upgrade::{Purpose, Upgrade};

/// What is held on a connection.
pub(crate) enum Work {
    /// The session of a command; one that could not be started is told of as one that ended.
    Command { exec: Exec, started: Result<Session, Status> },
    /// Forwarded ports. Those that the request named are what channels of a WebSocket are for.
    Forward { dialer: Dialer, ports: Vec<u16> },
}

/// Does the work once the connection is upgraded.
pub(crate) async fn serve(connection: OnUpgrade, upgrade: Upgrade, work: Work) {
    let stream = match connection.await {
        Ok(upgraded) => TokioIo::new(upgraded),
        Err(error) => {
            tracing::debug!(%error, "a connection was not upgraded");
            return;
        }
    };
    match (work, upgrade) {
        (Work::Command { started, .. }, Upgrade::WebSocket { protocol, .. }) => {
            websocket::command::hold(stream, protocol, started, LIMITS).await;
        }
        (Work::Command { exec, started }, Upgrade::Spdy { .. }) => {
            spdy::command::hold(stream, &exec, started, LIMITS).await;
        }
        (Work::Forward { dialer, ports }, Upgrade::WebSocket { protocol, .. }) => {
            websocket::forward::hold(stream, protocol, ports, dialer, LIMITS).await;
        }
        (Work::Forward { dialer, .. }, Upgrade::Tunnel { .. }) => {
            websocket::tunnel::hold(stream, dialer, LIMITS).await;
        }
        (Work::Forward { dialer, .. }, Upgrade::Spdy { .. }) => {
            let (read, write) = tokio::io::split(stream);
            spdy::forward::hold(read, write, dialer, LIMITS).await;
        }
        (Work::Command { .. }, Upgrade::Tunnel { .. }) => {
            tracing::error!("commands are not run in a tunnel");
        }
    }
}
