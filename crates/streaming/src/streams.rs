//! Commands' streams: which protocol a client speaks, and the session that is held in it.
//!
//! `session` knows streams, `websocket` and `spdy` know frames; a further protocol is a further implementation of
//! [`Outlet`](session::Outlet) and [`Inlet`](session::Inlet).

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

pub(crate) use upgrade::Upgrade;

/// Holds a session once the connection is upgraded. A command that could not be started is told of as one that ended.
pub(crate) async fn serve(
    connection: OnUpgrade,
    upgrade: Upgrade,
    exec: Exec,
    started: Result<Session, Status>,
) {
    let stream = match connection.await {
        Ok(upgraded) => TokioIo::new(upgraded),
        Err(error) => {
            tracing::debug!(%error, "a connection was not upgraded");
            return;
        }
    };
    match upgrade {
        Upgrade::WebSocket { protocol, .. } => websocket::hold(stream, protocol, started, LIMITS).await,
        Upgrade::Spdy => spdy::hold(stream, &exec, started, LIMITS).await,
    }
}
