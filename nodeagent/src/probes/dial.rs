//! Connections, and probes that ask for no more than one. Errors are told as Go tells them.

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::ask::Tried;

pub(crate) async fn ask(host: &str, port: u16, timeout: Duration) -> Tried {
    match dial(host, port, Instant::now() + timeout).await {
        Ok(_) => Tried::Success,
        Err(why) => Tried::Failure(why),
    }
}

/// Connects; the error is a sentence.
pub(crate) async fn dial(host: &str, port: u16, deadline: Instant) -> Result<TcpStream, String> {
    let to = authority(host, port);
    match timeout_at(deadline, TcpStream::connect((host, port))).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(format!("dial tcp {to}: connect: {}", words(&error))),
        Err(_) => Err(format!("dial tcp {to}: i/o timeout")),
    }
}

/// `host:port`, with brackets around an IPv6 address.
pub(crate) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset => "connection reset by peer".to_owned(),
        ErrorKind::HostUnreachable => "no route to host".to_owned(),
        ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => error.to_string(),
    }
}
