//! Who is on the other side of a connection, and whether it may ask.

use object::{Reason, Status};
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The common name of the certificate by which the API server shows itself to nodes.
pub const API_SERVER: &str = "kube-apiserver-kubelet-client";

/// A client of the node, as its certificate names it. The certificate's chain was checked in the TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// No certificate was shown.
    Unknown,
    /// The common name; empty where the certificate has none.
    Named(String),
}

impl Peer {
    /// The peer that shows this chain of certificates, its own first.
    pub(crate) fn of(chain: Option<&[CertificateDer<'_>]>) -> Self {
        let Some(own) = chain.and_then(<[_]>::first) else { return Self::Unknown };
        Self::Named(common_name(own).unwrap_or_default())
    }

    /// Only the API server may ask a node for anything: it has authorized its client.
    pub(crate) fn admit(&self) -> Result<(), Status> {
        match self {
            Self::Unknown => Err(Status::unauthorized()),
            Self::Named(name) if name == API_SERVER => Ok(()),
            Self::Named(name) => {
                Err(Status::new(403, Reason::Forbidden, format!("Forbidden (user={name}, resource=nodes)")))
            }
        }
    }
}

fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let mut names = parsed.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?.to_owned();
    // two names would let one hide behind the other
    names.next().is_none().then_some(name)
}
