//! TLS of the API server: which certificates it shows to clients and to nodes, and which ones it believes.

use std::sync::Arc;

use parking_lot::RwLock;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::certs::Pair;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A PEM text cannot be read.
    #[error("cannot read the {what}")]
    Pem {
        /// Which text.
        what: &'static str,
        /// What is wrong with it.
        source: rustls_pki_types::pem::Error,
    },
    /// A certificate or key is refused.
    #[error("cannot use the {what}")]
    Refused {
        /// Which one.
        what: &'static str,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// No verifier of client certificates can be made.
    #[error("cannot verify client certificates")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// The one cryptography provider.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A certificate that is shown to the other side; it can be replaced while connections are open.
#[derive(Debug)]
pub struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    /// Shows this certificate.
    pub fn new(pair: &Pair) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self(RwLock::new(certified(pair)?))))
    }

    /// Shows another certificate on connections from now on.
    pub fn replace(&self, pair: &Pair) -> Result<(), Error> {
        let key = certified(pair)?;
        *self.0.write() = key;
        Ok(())
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().clone())
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn certificates(pem: &str, what: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|source| Error::Pem { what, source })
}

fn certified(pair: &Pair) -> Result<Arc<CertifiedKey>, Error> {
    let chain = certificates(&pair.certificate, "certificate")?;
    let what = "private key";
    let key =
        PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).map_err(|source| Error::Pem { what, source })?;
    let key =
        CertifiedKey::from_der(chain, key, &provider()).map_err(|source| Error::Refused { what, source })?;
    Ok(Arc::new(key))
}

/// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1. A client need not show a certificate; one that it shows must come from the
/// authority `ca` (PEM), or the handshake fails.
pub fn server_config(ca: &str, shown: Arc<Shown>) -> Result<Arc<ServerConfig>, Error> {
    let what = "authority's certificate";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca, what)? {
        roots.add(certificate).map_err(|source| Error::Refused { what, source })?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|source| Error::Refused { what: "TLS versions", source })?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// TLS 1.2 and 1.3 towards a backend that `verifier` knows, and HTTP/1.1, which alone can change protocols. A certificate
/// is shown to those that know the server.
pub fn client_config(
    shown: Option<Arc<Shown>>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, Error> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|source| Error::Refused { what: "TLS versions", source })?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match shown {
        Some(shown) => config.with_client_cert_resolver(shown),
        None => config.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
