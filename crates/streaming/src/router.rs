//! From a request to its answer.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use jiff::Timestamp;
use object::Status;

use crate::logs;
use crate::peer::Peer;
use crate::request::Request;
use crate::streams::{self, Dialer, Purpose, Upgrade, Work};
use crate::{Console, LogSource, Session};

/// A body that is made as it is sent.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An answer, and what is to be done with the connection once it was sent and the connection was upgraded.
pub(crate) struct Answer {
    pub response: Response<Body>,
    pub session: Option<BoxFuture<'static, ()>>,
}

/// Answers a request. Failures are answered as `Status` documents.
pub(crate) async fn answer(
    console: Arc<dyn Console>,
    peer: &Peer,
    request: http::Request<Incoming>,
    now: Timestamp,
) -> Answer {
    let answer = serve(console, peer, request, now).await;
    answer.unwrap_or_else(|status| plain(failure(&status)))
}

async fn serve(
    console: Arc<dyn Console>,
    peer: &Peer,
    request: http::Request<Incoming>,
    now: Timestamp,
) -> Result<Answer, Status> {
    peer.admit()?;
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    match Request::parse(request.method(), path, query, now)? {
        Request::Health => Ok(plain(text("ok"))),
        Request::Metrics => {
            let body = full(metrics::text(metrics::Scope::Node));
            Ok(plain(response(StatusCode::OK, metrics::MEDIA_TYPE, body)))
        }
        Request::Logs(target, options) => {
            let source = console.log(&target, options.previous).await?;
            Ok(plain(log(source, options).await?))
        }
        Request::Exec(target, exec) => {
            let upgrade = Upgrade::of(&request, Purpose::Command)?;
            let started = told_in_session(console.exec(&target, &exec).await)?;
            Ok(stream(request, upgrade, Work::Command { exec, started }))
        }
        Request::Attach(target, exec) => {
            let upgrade = Upgrade::of(&request, Purpose::Command)?;
            let started = told_in_session(console.attach(&target, &exec).await)?;
            Ok(stream(request, upgrade, Work::Command { exec, started }))
        }
        Request::PortForward { namespace, pod, ports } => {
            let upgrade = Upgrade::of(&request, Purpose::Forward)?;
            if matches!(upgrade, Upgrade::WebSocket { .. }) && ports.is_empty() {
                return Err(Status::bad_request("query parameter \"port\" is required"));
            }
            console.check(&namespace, &pod).await?;
            let dialer = Dialer { console, namespace, pod };
            Ok(stream(request, upgrade, Work::Forward { dialer, ports }))
        }
    }
}

/// What the client did wrong is answered at once; what goes wrong in the runtime is told on the session's error channel,
/// where clients show it best.
fn told_in_session(started: Result<Session, Status>) -> Result<Result<Session, Status>, Status> {
    match started {
        Err(status) if status.code < 500 => Err(status),
        other => Ok(other),
    }
}

async fn log(source: LogSource, options: logs::Options) -> Result<Response<Body>, Status> {
    let body = logs::body(source, options).await.map_err(Status::internal)?;
    let body = body.inspect(|block| {
        if let Err(error) = block {
            tracing::warn!(%error, "a log cannot be read on");
        }
    });
    Ok(response(StatusCode::OK, "text/plain", BodyExt::boxed_unsync(StreamBody::new(body))))
}

/// Upgrades the connection, for this work.
fn stream(request: http::Request<Incoming>, upgrade: Upgrade, work: Work) -> Answer {
    let mut response = response(StatusCode::SWITCHING_PROTOCOLS, "text/plain", empty());
    response.headers_mut().remove(CONTENT_TYPE);
    response.headers_mut().extend(upgrade.headers());
    let session = streams::serve(hyper::upgrade::on(request), upgrade, work);
    Answer { response, session: Some(Box::pin(session)) }
}

fn plain(response: Response<Body>) -> Answer {
    Answer { response, session: None }
}

fn failure(status: &Status) -> Response<Body> {
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response(code, "application/json", full(status.to_value().to_string()))
}

fn text(text: &'static str) -> Response<Body> {
    response(StatusCode::OK, "text/plain; charset=utf-8", full(text))
}

fn response(code: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

fn empty() -> Body {
    full(Bytes::new())
}
