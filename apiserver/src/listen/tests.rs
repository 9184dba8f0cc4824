use std::path::PathBuf;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::*;
use crate::certs::{Pair, Pki, server_names};
use crate::tls::{Shown, server_config};

/// A server that answers with the user of the client certificate, or waits for ever at `/slow`.
struct Fixture {
    dir: PathBuf,
    pki: Pki,
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<usize>,
}

async fn whoami(request: Request<Incoming>, peer: Peer) -> Response<Full<Bytes>> {
    if request.uri().path() == "/slow" {
        std::future::pending::<()>().await;
    }
    let user = peer.identity.map_or_else(|| "nobody".to_owned(), |i| format!("{} {:?}", i.user, i.groups));
    Response::new(Full::new(user.into()))
}

fn now() -> object::Time {
    object::Time::now()
}

async fn fixture() -> Fixture {
    let dir = std::env::temp_dir().join(format!("berth-listen-{}", uuid::Uuid::new_v4()));
    let pki = Pki::open(&dir, &server_names(None, &[], "10.96.0.1".parse().unwrap()), now()).unwrap();
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let tls = server_config(&pki.ca, Shown::new(&pki.server).unwrap()).unwrap();
    let limits = Limits { drain: Duration::from_millis(300), ..Limits::default() };
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(serve(listener, tls, limits, whoami, async move {
        let _ = stopped.await;
    }));
    Fixture { dir, pki, addr, stop, served }
}

impl Fixture {
    async fn connect(
        &self,
        pair: Option<&Pair>,
        alpn: &[u8],
    ) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pki.ca.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match pair {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        };
        config.alpn_protocols = vec![alpn.to_vec()];
        let stream = TcpStream::connect(self.addr).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await
    }

    async fn whoami(&self, pair: Option<&Pair>, alpn: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
        let stream = TokioIo::new(self.connect(pair, alpn).await?);
        let request = Request::get("https://berth/").body(Empty::<Bytes>::new()).unwrap();
        let answer = if alpn == b"h2" {
            let (mut sender, http) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(http);
            sender.send_request(request).await?
        } else {
            let (mut sender, http) = hyper::client::conn::http1::handshake(stream).await?;
            tokio::spawn(http);
            sender.send_request(request).await?
        };
        Ok(String::from_utf8(answer.into_body().collect().await?.to_bytes().to_vec())?)
    }

    async fn finish(self) -> usize {
        let _ = self.stop.send(());
        let cut = self.served.await.unwrap();
        std::fs::remove_dir_all(self.dir).unwrap();
        cut
    }
}

#[tokio::test]
async fn client_certificates_become_identities() {
    let server = fixture().await;
    for alpn in [b"h2".as_slice(), b"http/1.1"] {
        let admin = server.whoami(Some(&server.pki.admin), alpn).await.unwrap();
        assert_eq!(admin, r#"kubernetes-admin ["system:masters", "system:authenticated"]"#);
        assert_eq!(server.whoami(None, alpn).await.unwrap(), "nobody");
    }
    assert_eq!(server.finish().await, 0);
}

#[tokio::test]
async fn a_foreign_certificate_is_refused() {
    let (server, other) = (fixture().await, fixture().await);
    assert!(server.whoami(Some(&other.pki.admin), b"http/1.1").await.is_err());
    // a server's certificate is no client's
    assert!(server.whoami(Some(&server.pki.server), b"http/1.1").await.is_err());
    let ended = server.pki.issue_client("old", None, now() - Duration::from_secs(400 * 86_400)).unwrap();
    assert!(server.whoami(Some(&ended), b"http/1.1").await.is_err());
    server.finish().await;
    other.finish().await;
}

#[tokio::test]
async fn plain_http_is_told_so() {
    let server = fixture().await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(b"GET /version HTTP/1.1\r\nHost: berth\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 400 "), "{answer}");
    assert!(answer.ends_with("Client sent an HTTP request to an HTTPS server.\n"), "{answer}");
    server.finish().await;
}

#[tokio::test]
async fn requests_left_at_the_deadline_are_cut() {
    let server = fixture().await;
    let stream = TokioIo::new(server.connect(None, b"h2").await.unwrap());
    let (mut sender, http) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(http);
    let slow = Request::get("https://berth/slow").body(Empty::<Bytes>::new()).unwrap();
    let answer = tokio::spawn(sender.send_request(slow));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.finish().await, 1);
    assert!(answer.await.unwrap().is_err());
}

/// What a server answers to a text on a connection of HTTP/1.1, until it closes the connection.
async fn told(server: &Fixture, text: &str) -> String {
    let mut stream = server.connect(None, b"http/1.1").await.unwrap();
    // the server may close before it has read everything
    let _ = stream.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn heads_that_are_none_end_the_connection() {
    let server = fixture().await;
    let get = |rest: &str| format!("GET / HTTP/1.1\r\nHost: berth\r\n{rest}\r\n");
    let long = "x".repeat(200 << 10);
    let many: String = (0..1000).map(|i| format!("h{i}: x\r\n")).collect();
    for (text, expect) in [
        (get(&format!("Long: {long}\r\n")), "HTTP/1.1 431 "),
        (get(&many), "HTTP/1.1 431 "),
        (get("Bad\0: x\r\n"), "HTTP/1.1 400 "),
        (get("Content-Length: -1\r\n"), "HTTP/1.1 400 "),
        (get("Content-Length: 1\r\nContent-Length: 2\r\n"), "HTTP/1.1 400 "),
        (get("Transfer-Encoding: gzip\r\n"), "HTTP/1.1 400 "),
        (format!("GET /{} HTTP/1.1\r\nHost: berth\r\n\r\n", "x".repeat(70_000)), "HTTP/1.1 414 "),
        ("GET /\0 HTTP/1.1\r\nHost: berth\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        ("nonsense\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
    ] {
        let answer = told(&server, &text).await;
        let start: String = text.chars().take(80).collect();
        assert!(answer.starts_with(expect), "{start:?}: {answer:?}");
    }
    assert_eq!(server.whoami(None, b"http/1.1").await.unwrap(), "nobody", "others are served");
    assert_eq!(server.finish().await, 0);
}

#[tokio::test]
async fn a_port_in_use_is_said_in_one_line() {
    let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let addr = first.local_addr().unwrap();
    assert_eq!(
        bind(addr).await.unwrap_err().to_string(),
        format!("cannot listen on {addr}: the port is in use")
    );
}
