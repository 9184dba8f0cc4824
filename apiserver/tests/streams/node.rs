//! The agent of a node as far as streams go: it shows a certificate of its own and wants the cluster's from clients.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// A node that echoes what is executed, and logs what it is asked.
pub(crate) struct FakeNode {
    pub(crate) port: u16,
    /// SHA-256 of its certificate, in hexadecimal.
    pub(crate) fingerprint: String,
    state: Arc<State>,
    /// Until it serves: the socket, certificate and key.
    idle: Option<(TcpListener, CertificateDer<'static>, PrivateKeyDer<'static>)>,
    serving: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    /// The last request's line and headers.
    asked: Mutex<Option<Value>>,
    more: Notify,
}

impl Drop for FakeNode {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

impl FakeNode {
    /// A node that listens, but does not answer yet.
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let port = listener.local_addr().expect("an address").port();
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["n1".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let fingerprint = Sha256::digest(cert.der()).iter().map(|byte| format!("{byte:02x}")).collect();
        let idle = Some((listener, cert.der().clone(), key));
        Self { port, fingerprint, state: Arc::default(), idle, serving: None }
    }

    /// Begins to answer clients of this authority.
    pub(crate) fn serve(mut self, ca: &str) -> Self {
        let (listener, certificate, key) = self.idle.take().expect("not serving yet");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).expect("PEM")).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
                .build()
                .expect("a verifier");
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .expect("a pair");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let state = self.state.clone();
        self.serving = Some(tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("accepts");
                let (acceptor, state) = (acceptor.clone(), state.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| {
                        let state = state.clone();
                        async move { Ok::<_, Infallible>(state.answer(request)) }
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
                });
            }
        }));
        self
    }

    /// Lets a followed log go on, and end.
    pub(crate) fn write_more(&self) {
        self.state.more.notify_one();
    }

    /// The last request's line as `path`, and its headers.
    pub(crate) fn asked(&self) -> Value {
        self.state.asked.lock().clone().expect("it was asked")
    }

    pub(crate) fn was_not_asked(&self) -> bool {
        self.state.asked.lock().is_none()
    }
}

impl State {
    fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        let line = format!("{} {}", request.method(), request.uri());
        let mut asked = json!({"path": line});
        for (name, value) in request.headers() {
            asked[name.as_str()] = value.to_str().expect("text").into();
        }
        *self.asked.lock() = Some(asked);
        let query = request.uri().query().unwrap_or_default().to_owned();
        match request.uri().path().split('/').nth(1) {
            Some("exec") => echo(request),
            Some("containerLogs") if query.contains("previous") => {
                answer(StatusCode::BAD_REQUEST, Full::new("no previous container\n".into()).boxed_unsync())
            }
            Some("containerLogs") if query.contains("follow") => {
                answer(StatusCode::OK, self.log(format!("{line}\n")))
            }
            Some("containerLogs") => answer(StatusCode::OK, Full::new("\"all\"\n".into()).boxed_unsync()),
            _ => {
                let status = json!({"kind": "Status", "apiVersion": "v1", "message": "not here"}).to_string();
                let mut refused = answer(StatusCode::FORBIDDEN, Full::new(status.into()).boxed_unsync());
                refused.headers_mut().insert("content-type", "application/json".parse().expect("a value"));
                refused
            }
        }
    }

    /// A line at once, and another one on demand.
    fn log(self: Arc<Self>, line: String) -> UnsyncBoxBody<Bytes, Infallible> {
        let more = futures::stream::once(async move {
            self.more.notified().await;
            "more\n".to_owned()
        });
        let lines = futures::stream::once(async move { line }).chain(more);
        StreamBody::new(lines.map(|line| Ok(Frame::data(line.into())))).boxed_unsync()
    }
}

fn answer(code: StatusCode, body: UnsyncBoxBody<Bytes, Infallible>) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = code;
    answer
}

/// Changes to the protocol that the client names, and sends back what comes.
fn echo(mut request: Request<Incoming>) -> Answer {
    let mut agreed = answer(StatusCode::SWITCHING_PROTOCOLS, Full::default().boxed_unsync());
    for name in ["upgrade", "connection", "sec-websocket-protocol", "x-stream-protocol-version"] {
        if let Some(value) = request.headers().get(name) {
            agreed.headers_mut().insert(name, value.clone());
        }
    }
    tokio::spawn(async move {
        let stream = TokioIo::new(hyper::upgrade::on(&mut request).await.expect("upgrades"));
        let (mut reading, mut writing) = tokio::io::split(stream);
        let _ = tokio::io::copy(&mut reading, &mut writing).await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut writing).await;
    });
    agreed
}
