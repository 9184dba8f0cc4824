//! `/metrics` of a part that has no server of its own. It asks nobody who he is, so it is for this machine alone.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::Scope;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at a time.
const CONNECTIONS: usize = 16;
/// How long a client may take for a request's head, idle time before it included.
const PATIENCE: Duration = Duration::from_secs(90);

/// Serves the page for as long as the process lives, where an address is given.
pub(crate) async fn serve(address: Option<SocketAddr>) -> anyhow::Result<()> {
    let Some(address) = address else { return Ok(()) };
    ensure!(
        address.ip().is_loopback(),
        "--metrics-address {address}: must be of this machine's loopback, as anybody may read it"
    );
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("cannot listen on --metrics-address {address}"))?;
    tokio::spawn(async move {
        let places = std::sync::Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            tokio::spawn(async move {
                let service = service_fn(async |request| Ok::<_, Infallible>(answer(&request)));
                let mut http = http1::Builder::new();
                let http = http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
                // a client that breaks off has its reasons
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
                drop(place);
            });
        }
    });
    Ok(())
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        let mut response = Response::new(Full::from("404 page not found\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let mut response = Response::new(Full::from(metrics::text(Scope::Cluster)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(metrics::MEDIA_TYPE));
    response
}
