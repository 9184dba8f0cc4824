//! A connection to the server over its own network port, where a client's library would be in the way.

use std::sync::Arc;

use bytes::Bytes;
use http_body::Body;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::World;

impl World {
    /// An HTTP/1.1 connection as the administrator.
    pub(crate) async fn connect<B>(&self) -> SendRequest<B>
    where
        B: Body<Data = Bytes, Error = std::convert::Infallible> + Send + 'static,
    {
        let (sender, http) = handshake(TokioIo::new(self.dial(b"http/1.1").await)).await.expect("handshake");
        tokio::spawn(http.with_upgrades());
        sender
    }

    /// The same of HTTP/2.
    pub(crate) async fn connect2<B>(&self) -> http2::SendRequest<B>
    where
        B: Body<Data = Bytes, Error = std::convert::Infallible> + Send + Unpin + 'static,
    {
        let stream = TokioIo::new(self.dial(b"h2").await);
        let (sender, http) = http2::handshake(TokioExecutor::new(), stream).await.expect("handshake");
        tokio::spawn(http);
        sender
    }

    /// A connection on which this protocol is to be spoken.
    async fn dial(&self, protocol: &[u8]) -> TlsStream<TcpStream> {
        let pem = |name: &str| std::fs::read(self.dir.path().join("pki").join(name)).expect("a file");
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.server.ca().as_bytes()).expect("PEM"))
            .expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = CertificateDer::from_pem_slice(&pem("admin.crt")).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(&pem("admin.key")).expect("PEM");
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)
            .expect("a pair");
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(self.server.address()).await.expect("connects");
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("handshake")
    }
}
