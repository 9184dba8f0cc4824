//! A server under test, and clients that reach it as the API server does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::fake::Fake;

/// A certificate authority of the test's own.
pub struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pub pem: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { params, key, pem }
    }

    /// A client certificate with this common name, and its key.
    pub fn client(&self, name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        (certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }
}

/// A server, and the authority whose clients it takes.
pub struct Node {
    pub authority: Authority,
    address: SocketAddr,
    pin: String,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

pub type Client = TlsStream<TcpStream>;
pub type Socket = WebSocketStream<Client>;

impl Node {
    pub async fn start(fake: Fake) -> Self {
        let authority = Authority::new();
        let names = ["node-1".to_owned(), "127.0.0.1".to_owned()];
        let (tls, pin) = streaming::tls(&authority.pem, &names).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(streaming::serve(listener, tls, Arc::new(fake), async {
            let _ = stopped.await;
        }));
        Self { authority, address, pin, stop: Some(stop), served }
    }

    /// Stops the server, and waits until it has.
    pub async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        within(self.served).await.unwrap();
    }

    /// A connection with the API server's certificate.
    pub async fn connect(&self) -> Client {
        let certificate = self.authority.client(streaming::API_SERVER);
        self.connect_as(Some(certificate)).await.unwrap()
    }

    pub async fn connect_as(
        &self,
        certificate: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    ) -> std::io::Result<Client> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let pinned = Pinned { pin: self.pin.clone(), provider: provider.clone() };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned));
        let config = match certificate {
            Some((certificate, key)) => config.with_client_auth_cert(vec![certificate], key).unwrap(),
            None => config.with_no_client_auth(),
        };
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(64 * 1024).unwrap();
        let socket = socket.connect(self.address).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::from(self.address.ip()), socket).await
    }

    /// An answer to a GET of the API server.
    pub async fn get(&self, path: &str) -> http::Response<Incoming> {
        request(self.connect().await, "GET", path).await.unwrap()
    }

    /// A WebSocket that speaks this protocol, or the answer instead.
    pub async fn socket(
        &self,
        path: &str,
        protocol: &str,
    ) -> Result<Socket, http::Response<Option<Vec<u8>>>> {
        use tokio_tungstenite::tungstenite::Error;
        let mut request = format!("wss://{}{path}", self.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        match within(tokio_tungstenite::client_async(request, self.connect().await)).await {
            Ok((socket, answer)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], protocol);
                Ok(socket)
            }
            Err(Error::Http(answer)) => Err(*answer),
            Err(error) => panic!("{error}"),
        }
    }
}

/// One request on a connection of its own.
pub async fn request(client: Client, method: &str, path: &str) -> hyper::Result<http::Response<Incoming>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(client)).await?;
    tokio::spawn(connection);
    let request = http::Request::builder().method(method).uri(path).header("host", "node");
    within(sender.send_request(request.body(Empty::<Bytes>::new()).unwrap())).await
}

/// The whole body of an answer.
pub async fn text(answer: http::Response<Incoming>) -> String {
    let body = within(answer.into_body().collect()).await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

/// A body that is a `Status`: its code, reason and message.
pub async fn status(answer: http::Response<Incoming>) -> (u64, String, String) {
    let code = answer.status();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let status: serde_json::Value = serde_json::from_str(&text(answer).await).unwrap();
    assert_eq!((&status["kind"], &status["status"]), (&"Status".into(), &"Failure".into()));
    assert_eq!(status["code"], u64::from(code.as_u16()));
    let word = |name: &str| status[name].as_str().unwrap().to_owned();
    (status["code"].as_u64().unwrap(), word("reason"), word("message"))
}

/// What hangs is a failure.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it takes too long")
}

/// Trusts the one certificate whose hash is known, as the API server does.
#[derive(Debug)]
struct Pinned {
    pin: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let hash: String = Sha256::digest(end_entity).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, self.pin, "the certificate that was published");
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
