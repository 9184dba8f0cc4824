//! What etcd's errors mean for whoever called.

use std::error::Error as _;

use etcd_client::Error as ClientError;
use tonic::Code;

use crate::{Error, MAX_TXN_BYTES};

/// Why a call of etcd has no answer.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The call had no effect; another member, or this one later, may do it.
    NotDone(String),
    /// Whether the call took effect is unknown.
    Unknown(String),
    /// etcd has no room: it refuses writes until an administrator makes some.
    Full(String),
    /// etcd knows us and says no, or we do not trust it: does not mend itself.
    Denied(String),
    /// The revision is compacted.
    Compacted,
    /// An error of the contract.
    Store(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Store(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::NotDone(why) | Failure::Unknown(why) => Error::Unavailable(why),
            Failure::Full(reason) => Error::ReadOnly { reason },
            Failure::Denied(why) => Error::Denied(why),
            Failure::Compacted => Error::Lagged,
            Failure::Store(error) => error,
        }
    }
}

/// The failure behind an error of the client.
pub(super) fn classify(error: ClientError) -> Failure {
    let status = match error {
        ClientError::GRpcStatus(status) => status,
        ClientError::TransportError(error) => return Failure::Denied(chain(&error)),
        other => return Failure::Denied(other.to_string()),
    };
    let message = status.message();
    match (status.code(), message.strip_prefix("etcdserver: ").unwrap_or(message)) {
        (_, "mvcc: required revision has been compacted") => Failure::Compacted,
        (_, "mvcc: database space exceeded") => Failure::Full(message.to_owned()),
        (_, "request is too large") => Error::TooLarge { what: "bytes", limit: MAX_TXN_BYTES }.into(),
        (Code::ResourceExhausted, text) if text.contains("larger than max") => {
            Error::TooLarge { what: "bytes", limit: MAX_TXN_BYTES }.into()
        }
        // said before anything is proposed to the members
        (_, "no leader" | "too many requests") => Failure::NotDone(message.to_owned()),
        (Code::PermissionDenied | Code::Unauthenticated, _) => Failure::Denied(message.to_owned()),
        (Code::InvalidArgument | Code::FailedPrecondition, text)
            if text.contains("auth") || text.contains("user name") =>
        {
            Failure::Denied(message.to_owned())
        }
        _ => transport(&status),
    }
}

/// A failure below the calls: before the connection stood nothing was sent.
fn transport(status: &tonic::Status) -> Failure {
    let mut next = status.source();
    let mut unconnected = false;
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return Failure::Denied(format!("TLS: {error}"));
        }
        if let Some(rustls) = error.downcast_ref::<std::io::Error>().and_then(rustls_error) {
            return Failure::Denied(format!("TLS: {rustls}"));
        }
        unconnected |= error.is::<tonic::ConnectError>();
        next = error.source();
    }
    let why = match status.source() {
        Some(source) => chain(source),
        None => status.message().to_owned(),
    };
    // HTTP/2 keeps but the words of an error of TLS that comes after the handshake, as etcd's refusal of a certificate.
    if let Some(at) = why.find("received fatal alert") {
        return Failure::Denied(format!("TLS: {}", &why[at..]));
    }
    if unconnected { Failure::NotDone(why) } else { Failure::Unknown(why) }
}

/// The error of TLS that an error of I/O wraps, where it does.
fn rustls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// An error and what led to it, in one line.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut parts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}
