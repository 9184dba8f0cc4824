//! `proxy`: the API on a local port, with this user's credentials.

mod filter;

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use http::header::{AUTHORIZATION, HOST};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kube::client::Body;
use regex::Regex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use crate::Error;
use crate::session::Session;
use crate::verb::emit;
use filter::Filter;

/// Most bytes of a request's body: more than the API takes.
const BODY: usize = 64 << 20;

/// Run a proxy to the Kubernetes API server.
#[derive(Args, Clone, Debug)]
pub struct Proxy {
    /// The port on which to run the proxy; 0 picks one.
    #[arg(short = 'p', long, default_value_t = 8001)]
    port: u16,
    /// The address on which to serve.
    #[arg(long, default_value = "127.0.0.1")]
    address: IpAddr,
    /// Serve on a socket of the file system instead.
    #[arg(short = 'u', long)]
    unix_socket: Option<PathBuf>,
    /// The prefix under which the API is served.
    #[arg(long, default_value = "/")]
    api_prefix: String,
    #[command(flatten)]
    flags: Flags,
}

/// Which requests are let through. The expressions are lists, separated by commas.
#[derive(Args, Clone, Debug)]
pub(crate) struct Flags {
    /// Expressions of hosts that the proxy goes by.
    #[arg(long, value_delimiter = ',', default_value = r"^localhost$,^127\.0\.0\.1$,^\[::1\]$")]
    accept_hosts: Vec<Regex>,
    /// Expressions of paths that are let through.
    #[arg(long, value_delimiter = ',', default_value = "^.*")]
    accept_paths: Vec<Regex>,
    /// Expressions of paths that are refused, whatever else is said.
    #[arg(long, value_delimiter = ',', default_value = "^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach")]
    reject_paths: Vec<Regex>,
    /// Expressions of methods that are refused.
    #[arg(long, value_delimiter = ',', default_value = "^$")]
    reject_methods: Vec<Regex>,
    /// Let everything through.
    #[arg(long)]
    disable_filter: bool,
}

/// What serves each request.
struct Gate<'s> {
    session: &'s Session,
    filter: Filter,
    /// Ends with a slash.
    prefix: String,
}

impl Proxy {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        let mut prefix = self.api_prefix.clone();
        if !prefix.ends_with('/') {
            prefix.push('/');
        }
        if !prefix.starts_with('/') {
            return Err(Error::msg("--api-prefix must begin with /"));
        }
        let gate = Gate { session, filter: Filter::new(self.flags), prefix };
        let failed = |e: std::io::Error| Error::msg(format!("unable to listen: {e}"));
        if let Some(path) = &self.unix_socket {
            let listener = UnixListener::bind(path).map_err(failed)?;
            emit(&format!("Starting to serve on {}\n", path.display()))?;
            return serve(&gate, async || listener.accept().await.map(|(stream, _)| stream)).await;
        }
        let listener = TcpListener::bind((self.address, self.port)).await.map_err(failed)?;
        emit(&format!("Starting to serve on {}\n", listener.local_addr().map_err(failed)?))?;
        serve(&gate, async || listener.accept().await.map(|(stream, _)| stream)).await
    }
}

/// Serves connections until none can be accepted any more.
async fn serve<S>(gate: &Gate<'_>, accept: impl AsyncFn() -> io::Result<S>) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut open = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = accept() => {
                let stream = accepted.map_err(|e| Error::msg(format!("cannot accept: {e}")))?;
                open.push(connection(gate, stream));
            }
            Some(()) = open.next(), if !open.is_empty() => {}
        }
    }
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin>(gate: &Gate<'_>, stream: S) {
    let service = service_fn(|request| async { Ok::<_, Infallible>(gate.answer(request).await) });
    let http = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // a client that breaks off has its reasons
    let _ = http.await;
}

impl Gate<'_> {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !self.filter.accepts(request.method().as_str(), request.uri().path(), host) {
            return plain(StatusCode::FORBIDDEN, "Forbidden");
        }
        let uri = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
        let Some(rest) = uri.strip_prefix(&self.prefix) else {
            return plain(StatusCode::NOT_FOUND, "404 page not found");
        };
        let uri = format!("/{rest}");
        let (mut parts, body) = request.into_parts();
        // the user's own credentials are used, whoever asks
        parts.headers.remove(AUTHORIZATION);
        parts.headers.remove(HOST);
        match uri.parse() {
            Ok(uri) => parts.uri = uri,
            Err(_) => return plain(StatusCode::BAD_REQUEST, "400 bad request"),
        }
        let Ok(body) = Limited::new(body, BODY).collect().await else {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "request body too large");
        };
        let body = Body::from(body.to_bytes());
        match self.session.raw(Request::from_parts(parts, body)).await {
            Ok(response) => response,
            Err(error) => plain(StatusCode::BAD_GATEWAY, &error.to_string()),
        }
    }
}

fn plain(code: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n").into_bytes()));
    *response.status_mut() = code;
    response
}
