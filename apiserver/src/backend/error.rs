//! Why a backend does not answer, in the words of Go's network library, which users and their tools know.

use std::io::ErrorKind;

use object::Status;
use rustls::CertificateError;

/// Why a backend does not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no way to it, or nobody listens.
    #[error("dial tcp {address}: {}", told(source))]
    Dial {
        /// Host and port.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its address is neither an address nor a name.
    #[error("dial tcp: {0:?} is neither an address nor a host name")]
    Name(String),
    /// It shows another certificate than it published.
    #[error("tls: the node's certificate is not the one that its annotation berth.dev/serving-sha256 states")]
    Pin,
    /// The handshake failed otherwise.
    #[error("tls: {0}")]
    Handshake(std::io::Error),
    /// The server's own side cannot be set up.
    #[error(transparent)]
    Tls(#[from] crate::tls::Error),
    /// The connection broke off before the answer.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// The request cannot be made.
    #[error("{0}")]
    Request(#[from] http::Error),
    /// No answer in time.
    #[error("net/http: timeout awaiting response headers")]
    Late,
}

impl Error {
    /// Why a handshake failed.
    pub(crate) fn of_handshake(error: std::io::Error) -> Self {
        let refused = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match refused {
            Some(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)) => {
                Self::Pin
            }
            _ => Self::Handshake(error),
        }
    }
}

fn told(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        ErrorKind::ConnectionReset => "connect: connection reset by peer".to_owned(),
        ErrorKind::HostUnreachable => "connect: no route to host".to_owned(),
        ErrorKind::NetworkUnreachable => "connect: network is unreachable".to_owned(),
        ErrorKind::TimedOut => "i/o timeout".to_owned(),
        _ => error.to_string(),
    }
}

/// What a client is told of a failure between server and backend: 500 without a reason, as upstream.
pub(crate) fn failed(message: String) -> Status {
    Status { code: 500, reason: None, message, details: None }
}
