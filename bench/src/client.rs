//! The measuring client: hyper on rustls, nothing between, so that it costs as little of the shared cores as it can.

use std::fs::File;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nix::sched::{CloneFlags, setns};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;

use crate::kubeconfig::{Access, Identity};

/// The body of a request.
pub(crate) type Body = Full<Bytes>;

/// A server, and how to talk to it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    /// What requests and certificates call it.
    host: Arc<str>,
    /// Trust and identity; plain HTTP without.
    tls: Option<Arc<ClientConfig>>,
    /// Identity where it is not by certificate.
    token: Option<HeaderValue>,
    http2: bool,
    /// The network namespace in which the server is, where that is not ours.
    namespace: Option<Arc<Path>>,
}

impl Endpoint {
    /// Plain HTTP/1.1.
    pub(crate) fn plain(address: SocketAddr) -> Endpoint {
        let host = address.ip().to_string().into();
        Endpoint { address, host, tls: None, token: None, http2: false, namespace: None }
    }

    /// HTTP/1.1 over TLS, as a kubeconfig says.
    pub(crate) fn from_kubeconfig(path: &Path) -> anyhow::Result<Endpoint> {
        Access::read(path).and_then(Self::new).with_context(|| format!("cannot use {}", path.display()))
    }

    fn new(access: Access) -> anyhow::Result<Endpoint> {
        let host = access.server.host().context("it names no server")?.trim_matches(['[', ']']).to_owned();
        let port = access.server.port_u16().unwrap_or(443);
        let address = (host.as_str(), port).to_socket_addrs()?.next().context("its server has no address")?;
        let token = match &access.identity {
            Identity::Token(token) => Some(HeaderValue::try_from(format!("Bearer {token}"))?),
            Identity::Certificate { .. } => None,
        };
        let tls = Some(Arc::new(tls(&access)?));
        Ok(Endpoint { address, host: host.into(), tls, token, http2: false, namespace: None })
    }

    /// The same server, by another of its addresses.
    pub(crate) fn at(self, address: SocketAddr) -> Endpoint {
        Endpoint { address, host: address.ip().to_string().into(), ..self }
    }

    /// The same, where the address is one of another network namespace: that of this process.
    pub(crate) fn beside(self, pid: u32) -> Endpoint {
        Endpoint { namespace: Some(Path::new(&format!("/proc/{pid}/ns/net")).into()), ..self }
    }

    /// The same server by HTTP/2.
    pub(crate) fn by_http2(&self) -> Endpoint {
        let tls = self.tls.as_deref().cloned().map(|mut tls| {
            tls.alpn_protocols = vec![b"h2".to_vec()];
            Arc::new(tls)
        });
        Endpoint { tls, http2: true, ..self.clone() }
    }

    /// A request without a body.
    pub(crate) fn get(&self, path: &str) -> Request<Body> {
        self.request(Method::GET, path, Bytes::new())
    }

    /// A request with a JSON body.
    pub(crate) fn post(&self, path: &str, body: impl Into<Bytes>) -> Request<Body> {
        self.request(Method::POST, path, body.into())
    }

    /// A request; what body there is is JSON.
    pub(crate) fn request(&self, method: Method, path: &str, body: Bytes) -> Request<Body> {
        let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let request = Request::builder().method(method);
        let request = match (self.http2, &self.tls) {
            (true, tls) => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                request.uri(format!("{scheme}://{}{path}", self.address))
            }
            (false, _) => request.uri(path).header(header::HOST, self.address.to_string()),
        };
        let request = request.header(header::CONTENT_TYPE, kind).header(header::ACCEPT, "application/json");
        let request = match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, token),
            None => request,
        };
        request.body(Body::new(body)).expect("benchmarks write their paths themselves")
    }

    /// As many lanes as asked for: connections of HTTP/1.1, or streams of one connection of HTTP/2.
    pub(crate) async fn lanes(&self, count: usize) -> anyhow::Result<Vec<Lane>> {
        let mut lanes = vec![self.connect().await?];
        for _ in 1..count {
            let lane = match &lanes[0] {
                Lane::Http2(sender) => Lane::Http2(sender.clone()),
                Lane::Http1(_) => self.connect().await?,
            };
            lanes.push(lane);
        }
        Ok(lanes)
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> anyhow::Result<Lane> {
        let stream = match &self.namespace {
            None => TcpStream::connect(self.address).await?,
            Some(namespace) => connect_inside(namespace.clone(), self.address).await?,
        };
        stream.set_nodelay(true)?;
        match &self.tls {
            None => self.speak(stream).await,
            Some(tls) => {
                let name = ServerName::try_from(self.host.to_string())?;
                self.speak(TlsConnector::from(tls.clone()).connect(name, stream).await?).await
            }
        }
    }

    async fn speak<S>(&self, stream: S) -> anyhow::Result<Lane>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // A connection's own error comes back to the lane that waits for an answer.
        if self.http2 {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.initial_stream_window_size(1 << 20).initial_connection_window_size(4 << 20);
            let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            Ok(Lane::Http2(sender))
        } else {
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            Ok(Lane::Http1(sender))
        }
    }
}

/// A socket made in another network namespace stays there, whoever uses it.
async fn connect_inside(namespace: Arc<Path>, address: SocketAddr) -> anyhow::Result<TcpStream> {
    let (done, connected) = oneshot::channel();
    std::thread::spawn(move || {
        let connect = || -> anyhow::Result<std::net::TcpStream> {
            setns(File::open(&namespace)?, CloneFlags::CLONE_NEWNET)?;
            Ok(std::net::TcpStream::connect(address)?)
        };
        // Nobody may be waiting any more.
        let _ = done.send(connect());
    });
    let stream = connected.await??;
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream)?)
}

/// What carries one request at a time.
pub(crate) enum Lane {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Lane {
    /// Sends a request; the answer's body is still to come.
    pub(crate) async fn send(&mut self, request: Request<Body>) -> anyhow::Result<Response<Incoming>> {
        match self {
            Lane::Http1(sender) => {
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
            Lane::Http2(sender) => {
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
        }
    }

    /// Sends a request, and reads and forgets the answer.
    pub(crate) async fn call(&mut self, request: Request<Body>, expected: StatusCode) -> anyhow::Result<()> {
        let response = self.send(request).await?;
        if response.status() != expected {
            return refused(response).await;
        }
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok(())
    }

    /// Sends a request and reads the answer, which must be a success.
    pub(crate) async fn fetch(&mut self, request: Request<Body>) -> anyhow::Result<Bytes> {
        let response = self.send(request).await?;
        if !response.status().is_success() {
            return refused(response).await;
        }
        Ok(response.into_body().collect().await?.to_bytes())
    }
}

/// Fails with what the server says.
pub(crate) async fn refused<T>(response: Response<Incoming>) -> anyhow::Result<T> {
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    let text: String = String::from_utf8_lossy(&body).chars().take(500).collect();
    bail!("the server answers {status}: {text}")
}

/// Trust, and identity where it is by certificate.
fn tls(access: &Access) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(&access.authority) {
        roots.add(root?)?;
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut tls = match &access.identity {
        Identity::Token(_) => tls.with_no_client_auth(),
        Identity::Certificate { chain, key } => {
            let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>()?;
            tls.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key)?)?
        }
    };
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}
